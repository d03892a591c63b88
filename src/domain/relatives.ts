// Households in which people look alike, for the evaluation: pairs of the most similar identities, as siblings are among a family.
import { type Random, shuffled } from '../base/random.js';
import { centre, similarity } from './similarity.js';

/** Somebody and the unit vectors of all their pictures. */
export interface Looks<T> {
  readonly one: T;
  readonly vectors: readonly Float32Array[];
}

/**
 * Draws `count` of `all` in pairs: somebody by chance, then whoever of the rest is most like them. `alike` tells how similar the
 * pairs are, in the mean of their centres' similarity.
 */
export function drawRelatives<T>(
  all: readonly Looks<T>[],
  count: number,
  random: Random,
): { readonly drawn: readonly T[]; readonly alike: number } {
  const rest = shuffled(all, random).map(({ one, vectors }) => ({ one, middle: centre(vectors) }));
  const drawn: T[] = [];
  const alike: number[] = [];
  while (drawn.length < count) {
    const first = rest.pop()!;
    drawn.push(first.one);
    if (drawn.length === count) break;
    const scores = rest.map(({ middle }) => (first.middle && middle ? similarity(first.middle, middle) : -1));
    const best = scores.indexOf(Math.max(...scores));
    alike.push(scores[best]!);
    drawn.push(rest.splice(best, 1)[0]!.one);
  }
  return { drawn, alike: alike.reduce((sum, score) => sum + score, 0) / Math.max(1, alike.length) };
}
