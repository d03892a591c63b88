// How alike two faces are: the cosine of unit vectors of one embedding space. Higher is closer.
import type { Person } from './gallery.js';

/** Cosine of two unit vectors of the same length, -1 to 1. Throws RangeError when the lengths differ. */
export function similarity(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) throw new RangeError(`embeddings of ${a.length} and ${b.length} numbers`);
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

/** `vector` scaled to length 1; null when it has no direction (all zero) or is not finite. */
export function unit(vector: Float32Array): Float32Array | null {
  const length = Math.hypot(...vector);
  if (!Number.isFinite(length) || length < 1e-9) return null;
  return vector.map((value) => value / length);
}

/** How many of a person's templates, the closest first, make up the person's similarity. */
const closest = 3;

/** Similarity of `embedding` to a person: the mean over the closest templates; null without templates. */
export function personSimilarity(embedding: Float32Array, person: Pick<Person, 'templates'>): number | null {
  if (person.templates.length === 0) return null;
  const all = person.templates.map((template) => similarity(embedding, template.vector)).sort((a, b) => b - a);
  const best = all.slice(0, closest);
  return best.reduce((sum, value) => sum + value, 0) / best.length;
}
