// How often a person will be missed at a threshold, from the photos alone: by how alike they are where there are enough of
// them, and by what was measured on other people where there are not.
import { normalBelow } from '../base/normal.js';
import type { Person } from './gallery.js';
import { personSimilarity } from './similarity.js';

export interface Misses {
  /** Share of good looks that will not reach the threshold by themselves. */
  readonly looks: number;
  /** Share of tracks of five good looks. */
  readonly tracks: number;
  /** Whether the person's own photos were enough for an estimate (three and more); otherwise it is the population's. */
  readonly own: boolean;
}

/**
 * Similarities of good looks to their person by the number of templates: mean over people, spread between people, spread of
 * one person's looks and of tracks of five. Measured: 100 people with 12 to 14 portraits each, shipped student.
 */
const population = [
  { templates: 1, mean: 0.738, between: 0.068, looks: 0.093, tracks: 0.063 },
  { templates: 2, mean: 0.777, between: 0.061, looks: 0.074, tracks: 0.036 },
  { templates: 3, mean: 0.79, between: 0.057, looks: 0.069, tracks: 0.026 },
  { templates: 5, mean: 0.802, between: 0.053, looks: 0.065, tracks: 0.018 },
  { templates: 8, mean: 0.81, between: 0.052, looks: 0.06, tracks: 0.018 },
] as const;

/** A track of five looks is so much nearer to its person than a look (0.062 to 0.069 with 1 to 5 templates). */
const pooledGain = 0.065;

/**
 * Looks that no threshold gets: turned away, covered, blurred. With it the normal model gives 5.1, 2.1, 1.5, 1.2 and 1.2 % of
 * looks missed with 1, 2, 3, 5 and 8 templates; counted were 5.1, 2.3, 1.5, 1.2 and 1.1 %.
 */
const hopeless = 0.01;

/**
 * Weight of the population in photos, and what then is left unknown of a person's mean: the leave-one-out mean of 3, 5 and 8
 * photos so drawn in is off by 0.040, 0.034 and 0.033, without it by 0.056, 0.042 and 0.038, the population's alone by 0.054.
 */
const shrink = 3;
const unknown = 0.036;

/** Photos from which leaving one out says something. */
const leastTemplates = 3;

/** Expected misses of a person at the thresholds for a look and for pooled looks. Without templates everything is missed. */
export function expectedMisses(person: Pick<Person, 'templates'>, look: number, pooled: number): Misses {
  const count = person.templates.length;
  if (count === 0) return { looks: 1, tracks: 1, own: false };
  const others = measuredWith(count);
  const own = leaveOneOut(person);
  const mean =
    own === null ? others.mean : others.mean + (count / (count + shrink)) * (own - measuredWith(count - 1).mean);
  const uncertain = own === null ? others.between : unknown;
  const below = (threshold: number, middle: number, spread: number): number =>
    normalBelow((threshold - middle) / Math.hypot(spread, uncertain));
  return {
    looks: hopeless + (1 - hopeless) * below(look, mean, others.looks),
    tracks: below(pooled, mean + pooledGain, others.tracks),
    own: own !== null,
  };
}

/** The measured row of the largest number of templates that is not more than `count`. */
function measuredWith(count: number): (typeof population)[number] {
  return population.findLast((row) => row.templates <= count) ?? population[0];
}

/** Mean similarity of each photo to the others of its person; null with fewer than three. */
function leaveOneOut({ templates }: Pick<Person, 'templates'>): number | null {
  if (templates.length < leastTemplates) return null;
  const scores = templates.map(
    (one) => personSimilarity(one.vector, { templates: templates.filter((other) => other !== one) }) ?? 0,
  );
  return scores.reduce((sum, score) => sum + score, 0) / scores.length;
}
