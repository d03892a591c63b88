// How often a person will be missed at a threshold, from the photos alone.
import { normalBelow } from '../base/normal.js';
import type { Person } from './gallery.js';
import { likeness, type Normal, portraits, trackOfFive } from './likelihood.js';

export interface Misses {
  /** Share of good looks that will not reach the threshold by themselves. */
  readonly looks: number;
  /** Share of tracks of five good looks. */
  readonly tracks: number;
  /** Whether the person's own photos were enough for an estimate (three and more); otherwise it is the population's. */
  readonly own: boolean;
}

/**
 * Looks that no threshold gets: turned away, covered, blurred. With it the normal model gives 5.1, 2.1, 1.5, 1.2 and 1.2 % of
 * looks missed with 1, 2, 3, 5 and 8 templates; counted were 5.1, 2.3, 1.5, 1.2 and 1.1 %.
 */
const hopeless = 0.01;

/**
 * Expected misses of a person at the thresholds for a look and for pooled looks. `known` where it was
 * counted already. Without templates everything is missed.
 */
export function expectedMisses(
  person: Pick<Person, 'templates'>,
  look: number,
  pooled: number,
  known = likeness(person),
): Misses {
  const count = person.templates.length;
  if (count === 0) return { looks: 1, tracks: 1, own: false };
  const below = (threshold: number, { mean, spread }: Normal): number => normalBelow((threshold - mean) / spread);
  return {
    looks: hopeless + (1 - hopeless) * below(look, portraits(known, count, 1)),
    tracks: below(pooled, portraits(known, count, trackOfFive)),
    own: known.own,
  };
}
