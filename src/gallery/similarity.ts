// How alike two faces are: the cosine of unit vectors of one embedding space. Higher is closer.
import type { Person, Template } from './person.js';

/** Cosine of two unit vectors (in general their dot product). Throws RangeError when the lengths differ. */
export function similarity(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) throw new RangeError(`embeddings of ${a.length} and ${b.length} numbers`);
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

/**
 * How much the scatter of several observations counts against their mean: 0 is the mean direction alone, 1 the mean of the
 * similarities. Measured (CelebA, 3,388 people; 100 people with 12 portraits each; both also degraded): with 0.3 the
 * similarity that 1 % of strangers reach in a household of 8 stays within 0.02 from 1 to 8 templates and from 1 to 5
 * pooled embeddings, so that one threshold serves all; misses are within 0.3 points of the best value for each case alone.
 */
const scatter = 0.3;

/**
 * The mean of unit vectors as one vector: direction of the mean, length `|mean| ** 0.3`, 1 when all agree. null when there
 * is none. Sharper against strangers than the closest template or the best three (FNIR at 1 % FPIR, 5 templates:
 * CelebA 3.3 % against 3.9 %).
 */
export function centre(vectors: readonly Float32Array[]): Float32Array | null {
  const [first] = vectors;
  if (first === undefined) return null;
  const mean = new Float32Array(first.length);
  for (const vector of vectors) for (let i = 0; i < mean.length; i++) mean[i]! += vector[i]! / vectors.length;
  const length = Math.hypot(...mean);
  return length < 1e-6
    ? null
    : scattered(
        mean.map((value) => value / length),
        length,
      );
}

/** A mean's direction (unit vector) and length (0 to 1) as the one vector that `centre` gives. */
export function scattered(direction: Float32Array, meanLength: number): Float32Array {
  const length = Math.min(1, meanLength) ** scatter;
  return direction.map((value) => value * length);
}

// A person is a value that never changes, so its centre can be remembered beside it.
const centres = new WeakMap<readonly Template[], Float32Array | null>();

/** Similarity of `embedding` (unit length, or pooled) to a person: to the centre of the templates; null without templates. */
export function personSimilarity(embedding: Float32Array, person: Pick<Person, 'templates'>): number | null {
  let middle = centres.get(person.templates);
  if (middle === undefined) {
    middle = centre(person.templates.map((template) => template.vector));
    centres.set(person.templates, middle);
  }
  return middle === null ? null : similarity(embedding, middle);
}

// "Not me": a face that was said not to be somebody takes their name from faces like it, and from nobody else.

/**
 * From here on a face is one that was rejected. Two good observations of one person are above 0.53 in 95 % of cases, of two people
 * below 0.52 in 99.9 % (100 people, 12 to 14 portraits each). A name wrongly given is refused to 99 % of the same stranger's other
 * observations that would get it (97 % where they are bad) and to all of their tracks; of the right person's observations it costs 0.02 to 0.3 %, of
 * their tracks nothing. At 0.5 and 0.65 it is 99.4 and 97.8 % at a cost up to 0.6 and 0.1 % (ADR 12).
 */
export const negativeFrom = 0.6;

/**
 * The rejection of `person` that `embedding` (of an observation or a track) is as near to as observations of one person are, and nearer than to
 * the person: `score` is the similarity to them. null where there is none. Pooled observations are shorter the more they scatter; both
 * similarities then are, so that neither side gains.
 */
export function negativeTemplateOf(
  embedding: Float32Array,
  { negativeTemplates: rejections = [] }: Pick<Person, 'negativeTemplates'>,
  score: number,
): Template | null {
  let nearest: Template | null = null;
  let most = score;
  for (const rejection of rejections) {
    const near = similarity(embedding, rejection.vector);
    if (near >= negativeFrom && near > most) [nearest, most] = [rejection, near];
  }
  return nearest;
}
