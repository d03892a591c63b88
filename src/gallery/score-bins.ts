// How the scores of a person's own photos and of unknown people lie around the threshold: counts in bins, so that no single similarity
// is told.
import type { Person, PersonId } from './person.js';
import { personSimilarity } from './similarity.js';

/** Width of a bin, as a difference of similarities. */
export const binWidth = 0.025;
/** The outermost bins also count everything beyond them: 0.75 below the threshold, 0.5 above it. */
const binsBelow = 30;
const binsAbove = 20;

/** Counts of scores by their distance from the threshold, which lies exactly between the two lists. */
export interface ScoreBins {
  /** Scores below the threshold, lowest bin first. */
  readonly below: readonly number[];
  /** Scores that reach the threshold, lowest bin first. */
  readonly above: readonly number[];
}

export interface PersonScores {
  readonly person: PersonId;
  readonly name: string;
  /** The similarity that a single observation needs for the name. */
  readonly threshold: number;
  /** Each photo against the person's other photos; empty with one photo. */
  readonly own: ScoreBins;
  readonly unknown: ScoreBins;
}

/**
 * The scores of `person` (with templates). `unknown`: embeddings of people who are not enrolled. Throws RangeError if vectors differ in
 * length.
 */
export function personScores(
  person: Person,
  unknown: readonly Float32Array[],
  single: { readonly threshold: number },
): PersonScores {
  const threshold = single.threshold + (person.adjustment?.threshold ?? 0);
  const own = person.templates.map((template) =>
    personSimilarity(template.vector, { templates: person.templates.filter((other) => other !== template) }),
  );
  const others = unknown.map((vector) => personSimilarity(vector, person));
  return {
    person: person.id,
    name: person.name,
    threshold,
    own: inBins(own, threshold),
    unknown: inBins(others, threshold),
  };
}

/** `scores` by their distance from `threshold`; null is not counted. */
export function inBins(scores: readonly (number | null)[], threshold: number): ScoreBins {
  const below = new Array<number>(binsBelow).fill(0);
  const above = new Array<number>(binsAbove).fill(0);
  for (const score of scores) {
    if (score === null) continue;
    const bin = Math.floor((score - threshold) / binWidth);
    // A score just below the threshold must not be rounded to it.
    if (score >= threshold) above[Math.min(binsAbove - 1, bin)]!++;
    else below[Math.max(0, binsBelow + Math.min(-1, bin))]!++;
  }
  return { below, above };
}
