// "Not me": a face that was said not to be somebody takes their name from faces like it, and from nobody else.
import type { Person, Template } from './gallery.js';
import { similarity } from './similarity.js';

/**
 * From here on a face is one that was rejected. Two good looks of one person are above 0.53 in 95 % of cases, of two people
 * below 0.52 in 99.9 % (100 people, 12 to 14 portraits each). A name wrongly given is refused to 99 % of the same stranger's other
 * looks that would get it (97 % where they are bad) and to all of their tracks; of the right person's looks it costs 0.02 to 0.3 %, of
 * their tracks nothing. At 0.5 and 0.65 it is 99.4 and 97.8 % at a cost up to 0.6 and 0.1 % (ADR 12).
 */
export const rejectedFrom = 0.6;

/**
 * The rejection of `person` that `embedding` (a look, or pooled looks) is as near to as looks of one person are, and nearer than to
 * the person: `score` is the similarity to them. null where there is none. Pooled looks are shorter the more they scatter; both
 * similarities then are, so that neither side gains.
 */
export function rejectionOf(
  embedding: Float32Array,
  { rejections = [] }: Pick<Person, 'rejections'>,
  score: number,
): Template | null {
  let nearest: Template | null = null;
  let most = score;
  for (const rejection of rejections) {
    const near = similarity(embedding, rejection.vector);
    if (near >= rejectedFrom && near > most) [nearest, most] = [rejection, near];
  }
  return nearest;
}
