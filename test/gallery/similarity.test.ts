// The similarity of two faces: the cosine, less what the faces of children have in common.
import { test } from 'tap';
import { readManifest } from '../../src/engine/manifest.js';
import { childhood } from '../../src/gallery/childhood.js';
import { centre, similarity } from '../../src/gallery/similarity.js';

const direction = unit(Float64Array.from(new Int8Array(Buffer.from(childhood.direction, 'base64'))));

/** A pseudorandom unit vector (sums of uniform numbers are nearly normal), the same for the same seed. */
function face(seed: number): Float64Array {
  let state = seed;
  const next = (): number => {
    state = (Math.imul(1664525, state) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  return unit(direction.map(() => next() + next() + next() + next() - 2));
}

function unit(vector: Float64Array): Float64Array {
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
}

const dot = (a: Float64Array, b: Float64Array): number => a.reduce((sum, value, i) => sum + value * b[i]!, 0);

/** `vector` plus `share` of `other`, as a unit vector. */
const plus = (vector: Float64Array, other: Float64Array, share: number): Float64Array =>
  unit(vector.map((value, i) => value + share * other[i]!));

/** The vector with at most `most` of the direction. */
const limited = (vector: Float64Array, most: number): Float64Array =>
  plus(vector, direction, Math.min(0, most - dot(vector, direction)));

const scaled = (vector: Float64Array, factor: number): Float32Array =>
  Float32Array.from(vector, (value) => value * factor);

const compare = (a: Float64Array, b: Float64Array): number => similarity(scaled(a, 1), scaled(b, 1));

test('the direction belongs to the space of every shipped embedder', async (t) => {
  const { embedders } = readManifest();
  t.ok(embedders.length > 0);
  for (const embedder of embedders) {
    t.equal(embedder.space, childhood.space, embedder.id);
    t.equal(embedder.dimension, direction.length, embedder.id);
  }
});

test('two children are compared with no more of what children have in common than adults have', async (t) => {
  const [a, b] = [plus(face(1), direction, 0.8), plus(face(2), direction, 0.8)];
  // Another way to the same number: the rest is taken out of both vectors first.
  const expected = dot(limited(a, childhood.most), limited(b, childhood.most));
  t.ok(dot(a, b) > 0.35, 'their cosine is that of a pair that is alike');
  t.ok(Math.abs(compare(a, b) - expected) < 1e-5);
  t.ok(compare(a, b) < 0.2);
  t.equal(compare(a, b), compare(b, a), 'the order does not matter');
});

test('a face is as similar to itself as ever, and two photos of one child stay close', async (t) => {
  const child = plus(face(3), direction, 0.8);
  t.ok(Math.abs(compare(child, child) - 1) < 1e-5);
  t.ok(compare(child, plus(child, face(4), 0.3)) > 0.9);
});

test('faces with little of it keep their cosine, and no similarity is above the cosine', async (t) => {
  const [a, b] = [limited(face(5), 0.2), limited(plus(face(5), face(6), 0.8), 0.24)];
  t.ok(dot(a, b) > 0.5);
  t.ok(Math.abs(compare(a, b) - dot(a, b)) < 1e-6);
  for (let seed = 10; seed < 60; seed++) {
    const [c, d] = [plus(face(seed), direction, (seed % 7) / 5 - 0.6), plus(face(seed + 1), face(seed), 1)];
    t.ok(compare(c, d) <= dot(c, d) + 1e-6);
    t.ok(compare(c, d) >= -1);
  }
  // A child and a face with the opposite do not come closer.
  const opposite = plus(face(7), direction, -0.8);
  t.ok(
    Math.abs(compare(plus(face(8), direction, 0.8), opposite) - dot(plus(face(8), direction, 0.8), opposite)) < 1e-6,
  );
});

test('shorter vectors, as the centre of several photos, are less similar by their lengths', async (t) => {
  const [a, b] = [plus(face(1), direction, 0.8), plus(face(2), direction, 0.8)];
  t.ok(Math.abs(similarity(scaled(a, 0.9), scaled(b, 0.5)) - 0.45 * compare(a, b)) < 1e-6);
  const middle = centre([scaled(a, 1), scaled(plus(a, face(9), 0.4), 1)])!;
  t.ok(similarity(scaled(a, 1), middle) > 0.9);
});

test('vectors of another space and empty ones have their plain dot product', async (t) => {
  t.equal(similarity(Float32Array.of(0.6, 0.8), Float32Array.of(1, 0)), Math.fround(0.6));
  t.equal(similarity(new Float32Array(192), scaled(face(1), 1)), 0);
  t.throws(() => similarity(new Float32Array(2), new Float32Array(3)), { message: 'embeddings of 2 and 3 numbers' });
});
