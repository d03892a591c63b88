// Open-set identification of one embedding: a name needs a similarity AND a margin to the second person. Never a guess.
import type { Face } from '../vision/face.js';
import { type QualityGate, type QualityRefusal, refusal } from '../vision/quality-gate.js';
import type { Gallery, Person, PersonId } from './person.js';
import { negativeTemplateOf, personSimilarity, similarity } from './similarity.js';

export interface Thresholds {
  /** Similarity that a name needs at least. */
  readonly threshold: number;
  /** Lead over the second person that a name needs at least. */
  readonly margin: number;
  /** A face whose best similarity is below this is a stranger; from here up to `threshold` nothing is said. */
  readonly strangerBelow: number;
}

/** What a name needs, for one observation and for a track's pooled embedding. */
export interface NameThresholds {
  /** For one observation (a still picture). */
  readonly single: Thresholds;
  /**
   * For a track's pooled embedding, which is nearer to its person and further from others than one observation is. Who is a stranger,
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

/** `R`: what may have decided; more rules apply to a track than to one face. */
export interface Identification<R = ComparisonReason> {
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
  /** The rule that decided. */
  readonly reason: R;
}

/** How the comparison of one embedding with the gallery ended. Similarities are cosines, -1 to 1. */
export type ComparisonReason =
  | { readonly kind: 'nobody-enrolled' }
  /** Everybody is below their lower boundary. */
  | { readonly kind: 'unlike-everybody'; readonly best: PersonId; readonly similarity: number; readonly below: number }
  | { readonly kind: 'below-threshold'; readonly best: PersonId; readonly similarity: number; readonly needed: number }
  /** Nearer to a face of the `unknown/` cohort than to anybody. */
  | { readonly kind: 'nearer-to-cohort'; readonly best: PersonId; readonly similarity: number }
  /** Near enough to `best`, but nearer to one of their negative templates. */
  | { readonly kind: 'nearer-to-negative'; readonly best: PersonId; readonly similarity: number }
  | {
      readonly kind: 'too-close';
      readonly best: PersonId;
      readonly second: PersonId;
      readonly margin: number;
      readonly needed: number;
    }
  | {
      readonly kind: 'match';
      readonly best: PersonId;
      readonly similarity: number;
      readonly needed: number;
      /** null without a second person. */
      readonly margin: { readonly value: number; readonly needed: number } | null;
    };

/** How one face of a still picture was identified. */
export type FaceReason = QualityRefusal | ComparisonReason;

/**
 * Who this is, by thresholds for all or for each person. `embedding` is a unit vector of the gallery's space, or a track's pooled embedding. Pure; throws RangeError when the vector's length
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
  if (best === undefined) return undecided('stranger', undefined, undefined, { kind: 'nobody-enrolled' });
  const second = ranked[1];
  const { threshold, margin: leadOver, strangerBelow } = of(best.person);
  const needed = threshold + (best.person.adjustment?.threshold ?? 0);
  const lead = leadOver + (best.person.adjustment?.margin ?? 0);
  const nearest = { best: best.person.id, similarity: best.score };
  if (ranked.every(({ person, score }) => score < of(person).strangerBelow))
    return undecided('stranger', best, second, { kind: 'unlike-everybody', ...nearest, below: strangerBelow });
  if (best.score < needed) return undecided('unclear', best, second, { kind: 'below-threshold', ...nearest, needed });
  const stranger = closestStranger(embedding, gallery);
  if (stranger !== null && stranger >= best.score)
    return undecided('stranger', best, second, { kind: 'nearer-to-cohort', ...nearest });
  // Nobody wins by another's being barred: who comes second was not near enough to be first.
  if (negativeTemplateOf(embedding, best.person, best.score) !== null)
    return undecided('unclear', best, second, { kind: 'nearer-to-negative', ...nearest });
  const margin = second === undefined ? null : best.score - second.score;
  if (margin !== null && margin < lead) {
    const pair = { best: best.person.id, second: second!.person.id };
    return undecided('ambiguous', best, second, { kind: 'too-close', ...pair, margin, needed: lead });
  }
  const reached = margin === null ? null : { value: margin, needed: lead };
  const reason = { kind: 'match', ...nearest, needed, margin: reached } as const;
  return { ...undecided('known', best, second, reason), person: best.person.id };
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
  if (gallery.cohort.length === 0) return null;
  return Math.max(...gallery.cohort.map((vector) => similarity(embedding, vector)));
}

function undecided(
  state: IdentificationState,
  best: Ranked | undefined,
  second: Ranked | undefined,
  reason: ComparisonReason,
): Identification {
  return {
    person: null,
    state,
    best: best?.person.id ?? null,
    runnerUp: second?.person.id ?? null,
    similarity: best?.score ?? null,
    second: second?.score ?? null,
    margin: best && second ? best.score - second.score : null,
    reason,
  };
}

/**
 * Who the face of a still picture is: the quality gate first, then the gallery. A face that is not good enough is `unclear`. The
 * verb `identify` and the evaluation share this function.
 */
export function identifyFace(
  face: Pick<Face, 'score' | 'quality' | 'embedding'>,
  gallery: Gallery,
  options: { readonly gate: QualityGate } & Pick<NameThresholds, 'single'>,
): Identification<FaceReason> {
  const poor = refusal(face, options.gate);
  if (poor === null && face.embedding !== null) return identify(face.embedding, gallery, options.single);
  const nothing = { person: null, best: null, runnerUp: null, similarity: null, second: null, margin: null };
  return { ...nothing, state: 'unclear', reason: poor ?? { kind: 'not-embedded' } };
}
