// Open-set identification of one embedding. A name needs both a similarity and a margin to the second person.
import type { Face } from '../vision/face.js';
import { type QualityGate, type QualityRefusal, refusal, strangerGate } from '../vision/quality-gate.js';
import type { Gallery, Person, PersonId } from './person.js';
import { negativeTemplateOf, personSimilarity, similarity } from './similarity.js';

export interface Thresholds {
  /** Least similarity for a name. */
  readonly threshold: number;
  /** Least lead over the second person for a name. */
  readonly margin: number;
  /** A face whose best similarity is below this is a stranger. From here to `threshold` it is unclear. */
  readonly strangerBelow: number;
}

/** The thresholds for a single observation and for a track embedding. */
export interface NameThresholds {
  /** For a single observation (a still picture). */
  readonly single: Thresholds;
  /**
   * For a track embedding, which is closer to its person and further from others than a single observation. The sequential test decides
   * whether a track is a stranger.
   */
  readonly pooled: Omit<Thresholds, 'strangerBelow'>;
}

/** The similarity that a track embedding needs for the name of this person. */
export function trackThreshold(
  { adjustment }: Pick<Person, 'adjustment'>,
  { pooled }: Pick<NameThresholds, 'pooled'>,
): number {
  return pooled.threshold + (adjustment?.threshold ?? 0) + (adjustment?.headroom ?? 0);
}

/** Two people, in the order of their ids. */
export type Pair = readonly [PersonId, PersonId];

/**
 * `known`: clearly one person. `ambiguous`: similar enough for a name, but a second person (or a second face in the frame) is too close.
 * `unclear`: no decision is possible. `stranger`: clearly nobody who is enrolled.
 */
export type IdentificationState = 'known' | 'ambiguous' | 'unclear' | 'stranger';

/** `R`: the possible reasons; more rules apply to a track than to a single face. */
export interface Identification<R = ComparisonReason> {
  /** Set only if `state` is `known`. */
  readonly person: PersonId | null;
  readonly state: IdentificationState;
  /** The closest person and the second, named or not; for explanations only. */
  readonly best: PersonId | null;
  readonly runnerUp: PersonId | null;
  /** Similarity to `best` and to `runnerUp`; null if there is none. */
  readonly similarity: number | null;
  readonly second: number | null;
  /** `similarity - second`; null without a second person. */
  readonly margin: number | null;
  /** The rule that decided. */
  readonly reason: R;
}

/** The result of the comparison of one embedding with the gallery. Similarities are cosines, -1 to 1. */
export type ComparisonReason =
  | { readonly kind: 'nobody-enrolled' }
  /** The similarity to each person is below their lower boundary. */
  | { readonly kind: 'unlike-everybody'; readonly best: PersonId; readonly similarity: number; readonly below: number }
  | { readonly kind: 'below-threshold'; readonly best: PersonId; readonly similarity: number; readonly needed: number }
  /** Closer to a face of the `unknown/` cohort than to any person. */
  | { readonly kind: 'nearer-to-cohort'; readonly best: PersonId; readonly similarity: number }
  /** Close enough to `best`, but closer to one of their negative templates. */
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

/** The reason why a face or a track that resembles nobody is not a stranger (yet). Times in milliseconds. */
export type NotYetStranger =
  | { readonly kind: 'strangers-off' }
  /** The face is too poor to be evidence that somebody is unknown. */
  | { readonly kind: 'poor'; readonly because: QualityRefusal }
  | { readonly kind: 'few-good'; readonly good: number; readonly needed: number; readonly overMs: number }
  | { readonly kind: 'just-named' };

/** The reason for the identification of one face of a still picture. */
export type FaceReason =
  | QualityRefusal
  | ComparisonReason
  /** It resembles nobody, but that is no evidence for an unknown person (yet). */
  | { readonly kind: 'not-yet-stranger'; readonly because: NotYetStranger; readonly compared: ComparisonReason };

/**
 * Identifies an embedding by thresholds for all people or for each person. `embedding` is a unit vector of the gallery's space or a track
 * embedding. Pure. Throws RangeError if the vector's length differs from the gallery's.
 */
export function identify(
  embedding: Float32Array,
  gallery: Gallery,
  thresholds: Thresholds | ((person: Person) => Thresholds),
): Identification {
  const thresholdsOf = typeof thresholds === 'function' ? thresholds : () => thresholds;
  const ranked = rank(embedding, gallery.people);
  const best = ranked[0];
  if (best === undefined) return undecided('stranger', undefined, undefined, { kind: 'nobody-enrolled' });
  const second = ranked[1];
  const { threshold, margin: shippedMargin, strangerBelow } = thresholdsOf(best.person);
  const needed = threshold + (best.person.adjustment?.threshold ?? 0);
  const neededMargin = shippedMargin + (best.person.adjustment?.margin ?? 0);
  const nearest = { best: best.person.id, similarity: best.score };
  if (ranked.every(({ person, score }) => score < thresholdsOf(person).strangerBelow))
    return undecided('stranger', best, second, { kind: 'unlike-everybody', ...nearest, below: strangerBelow });
  if (best.score < needed) return undecided('unclear', best, second, { kind: 'below-threshold', ...nearest, needed });
  const cohortSimilarity = closestOfCohort(embedding, gallery);
  if (cohortSimilarity !== null && cohortSimilarity >= best.score)
    return undecided('stranger', best, second, { kind: 'nearer-to-cohort', ...nearest });
  // The second person does not get the name instead: they were not the closest.
  if (negativeTemplateOf(embedding, best.person, best.score) !== null)
    return undecided('unclear', best, second, { kind: 'nearer-to-negative', ...nearest });
  const margin = second === undefined ? null : best.score - second.score;
  if (margin !== null && margin < neededMargin) {
    const pair = { best: best.person.id, second: second!.person.id };
    return undecided('ambiguous', best, second, { kind: 'too-close', ...pair, margin, needed: neededMargin });
  }
  const reached = margin === null ? null : { value: margin, needed: neededMargin };
  const reason = { kind: 'match', ...nearest, needed, margin: reached } as const;
  return { ...undecided('known', best, second, reason), person: best.person.id };
}

interface Ranked {
  readonly person: Person;
  readonly score: number;
}

/** People with templates, the closest first. Equal scores keep the gallery's order, so the result is deterministic. */
function rank(embedding: Float32Array, people: readonly Person[]): Ranked[] {
  const ranked: Ranked[] = [];
  for (const person of people) {
    const score = personSimilarity(embedding, person);
    if (score !== null) ranked.push({ person, score });
  }
  return ranked.sort((a, b) => b.score - a.score);
}

function closestOfCohort(embedding: Float32Array, gallery: Gallery): number | null {
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
 * Identifies the face of a still picture: first the quality gate, then the gallery. A face that does not pass the gate is `unclear`, and
 * so is one that resembles nobody but does not pass the gate for unknown people. The verb `identify` and the evaluation use this function.
 */
export function identifyFace(
  face: Pick<Face, 'score' | 'quality' | 'embedding'>,
  gallery: Gallery,
  options: { readonly gate: QualityGate } & Pick<NameThresholds, 'single'>,
): Identification<FaceReason> {
  const poor = refusal(face, options.gate);
  if (poor === null && face.embedding !== null) {
    const identification = identify(face.embedding, gallery, options.single);
    const because = identification.state === 'stranger' ? refusal(face, strangerGate) : null;
    if (because === null) return identification;
    const reason = {
      kind: 'not-yet-stranger',
      because: { kind: 'poor', because },
      compared: identification.reason,
    } as const;
    return { ...identification, state: 'unclear', reason };
  }
  const unidentified = { person: null, best: null, runnerUp: null, similarity: null, second: null, margin: null };
  return { ...unidentified, state: 'unclear', reason: poor ?? { kind: 'not-embedded' } };
}
