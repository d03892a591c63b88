// Open-set identification of one embedding: a name needs a similarity AND a margin to the second person. Never a guess.
import type { Face } from '../vision/face.js';
import { type QualityGate, refusal } from '../vision/quality-gate.js';
import type { Gallery, Person, PersonId } from './person.js';
import { personSimilarity, rejectionOf, similarity } from './similarity.js';

export interface Thresholds {
  /** Similarity that a name needs at least. */
  readonly threshold: number;
  /** Lead over the second person that a name needs at least. */
  readonly margin: number;
  /** A face whose best similarity is below this is a stranger; from here up to `threshold` nothing is said. */
  readonly strangerBelow: number;
}

/** What a name needs, for one look and for a track's pooled looks. */
export interface NameThresholds {
  /** For one look (a still picture). */
  readonly look: Thresholds;
  /**
   * For a track's pooled looks, which are nearer to their person and further from others than one look is. Who is a stranger,
   * the sequential test says.
   */
  readonly pooled: Omit<Thresholds, 'strangerBelow'>;
}

/** Two people, in the order of their ids. */
export type Pair = readonly [PersonId, PersonId];

/**
 * `known`: one person, clearly. `ambiguous`: near enough to a name, but a second person (or a second face in the picture)
 * is too close. `unclear`: not good enough to say. `stranger`: good enough to say that nobody enrolled is near.
 */
export type IdentificationState = 'known' | 'ambiguous' | 'unclear' | 'stranger';

export interface Identification {
  /** Only ever set when `state` is `known`. */
  readonly person: PersonId | null;
  readonly state: IdentificationState;
  /** The nearest person and the one after, named or not; for explanations only. */
  readonly best: PersonId | null;
  readonly runnerUp: PersonId | null;
  /** Similarity to `best` and to `runnerUp`; null where there is none. */
  readonly similarity: number | null;
  readonly second: number | null;
  /** `similarity - second`; null without a second person. */
  readonly margin: number | null;
  /** Near enough to `best`, but nearer to a face that somebody said is not them. */
  readonly rejected?: boolean;
  /** The rule that decided, one line for people: `similarity 0.31, 0.38 needed`. */
  readonly rule: string;
}

/**
 * Who this is, by thresholds for all or for each person. `embedding` is a unit vector of the gallery's space, or a track's pooled look. Pure; throws RangeError when the vector's length
 * does not fit the gallery's.
 */
export function identify(
  embedding: Float32Array,
  gallery: Gallery,
  thresholds: Thresholds | ((person: Person) => Thresholds),
): Identification {
  const of = typeof thresholds === 'function' ? thresholds : () => thresholds;
  const ranked = rank(embedding, gallery.people);
  const best = ranked[0];
  if (best === undefined) return undecided('stranger', undefined, undefined, 'nobody is enrolled');
  const second = ranked[1];
  const { threshold, margin: leadOver, strangerBelow } = of(best.person);
  const needed = threshold + (best.person.adjustment?.threshold ?? 0);
  const lead = leadOver + (best.person.adjustment?.margin ?? 0);
  const said = `similarity ${best.score.toFixed(2)}`;
  if (ranked.every(({ person, score }) => score < of(person).strangerBelow)) {
    return undecided('stranger', best, second, `${said}, below ${strangerBelow.toFixed(2)}: nobody enrolled`);
  }
  if (best.score < needed) return undecided('unclear', best, second, `${said}, ${needed.toFixed(2)} needed`);
  const stranger = closestStranger(embedding, gallery);
  if (stranger !== null && stranger >= best.score) {
    return undecided('stranger', best, second, `${said}, closer to a face given as unknown`);
  }
  // Nobody wins by another's being barred: who comes second was not near enough to be first.
  if (rejectionOf(embedding, best.person, best.score) !== null) {
    const rule = `${said}, closer to a face that is not ${best.person.name}`;
    return { ...undecided('unclear', best, second, rule), rejected: true };
  }
  const margin = second === undefined ? null : best.score - second.score;
  if (margin !== null && margin < lead) {
    const rule = `${best.person.name} and ${second!.person.name} ${margin.toFixed(2)} apart, ${lead.toFixed(2)} needed`;
    return undecided('ambiguous', best, second, rule);
  }
  const rule = `${said} reaches ${needed.toFixed(2)}${margin === null ? '' : `, margin ${margin.toFixed(2)} reaches ${lead.toFixed(2)}`}`;
  return { ...undecided('known', best, second, rule), person: best.person.id };
}

interface Ranked {
  readonly person: Person;
  readonly score: number;
}

/** People with templates, the closest first; equal scores keep the gallery's order, so that the answer never depends on chance. */
function rank(embedding: Float32Array, people: readonly Person[]): Ranked[] {
  const ranked: Ranked[] = [];
  for (const person of people) {
    const score = personSimilarity(embedding, person);
    if (score !== null) ranked.push({ person, score });
  }
  return ranked.sort((a, b) => b.score - a.score);
}

function closestStranger(embedding: Float32Array, gallery: Gallery): number | null {
  if (gallery.strangers.length === 0) return null;
  return Math.max(...gallery.strangers.map((vector) => similarity(embedding, vector)));
}

function undecided(
  state: IdentificationState,
  best: Ranked | undefined,
  second: Ranked | undefined,
  rule: string,
): Identification {
  return {
    person: null,
    state,
    best: best?.person.id ?? null,
    runnerUp: second?.person.id ?? null,
    similarity: best?.score ?? null,
    second: second?.score ?? null,
    margin: best && second ? best.score - second.score : null,
    rule,
  };
}

// One look of a still picture: the gate first, then the gallery. The daemon, `identify` and the evaluation share it.

/** Who `face` is, by this look alone. A look that is not good enough is `unclear`, with the reason as its rule. */
export function identifyFace(
  face: Pick<Face, 'score' | 'quality' | 'embedding'>,
  gallery: Gallery,
  options: { readonly gate: QualityGate; readonly look: Thresholds },
): Identification {
  const poor = refusal(face, options.gate);
  if (poor === null && face.embedding !== null) return identify(face.embedding, gallery, options.look);
  const nothing = { person: null, best: null, runnerUp: null, similarity: null, second: null, margin: null };
  return { ...nothing, state: 'unclear', rule: poor ?? 'too poor to be embedded' };
}
