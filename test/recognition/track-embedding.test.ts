import t from 'tap';
import {
  addObservation,
  agreement,
  effectiveObservations,
  noTrackEmbedding,
  pooledEmbedding,
} from '../../src/recognition/track-embedding.js';
import { vector } from '../helpers/people.js';

const options = { halfLifeMs: 10_000, repetition: 0.3 };
const ada = vector(1);
const ben = vector(0, 1);
const add = (before = noTrackEmbedding, embedding = ada, weight = 1, atMs = 1000) =>
  addObservation(before, embedding, weight, atMs, options);
const isAbout = (value: number, expected: number) => Math.abs(value - expected) < 1e-6;

t.test('observations are added by weight, and old ones fade', async (t) => {
  const first = add(noTrackEmbedding, ada, 0.8);
  t.match(first, { weight: 0.8, observations: 1, goodObservations: 1, firstMs: 1000, lastMs: 1000 });
  t.ok(isAbout(first.length, 0.8));
  const second = add(first, ben, 0.4, 11_000);
  t.match(second, { observations: 2, goodObservations: 1, firstMs: 1000, lastMs: 11_000 });
  t.ok(isAbout(second.weight, 0.8), 'half of 0.8 after the half-life, and 0.4');
  t.ok(isAbout(second.length, 0.4 * Math.SQRT2));
  t.ok(isAbout(second.direction![0]!, Math.SQRT1_2) && isAbout(second.direction![1]!, Math.SQRT1_2));
  const older = add(first, ada, 0.4, 0);
  t.ok(isAbout(older.weight, 1.2), 'an observation of an older frame fades nothing');
});

t.test('an observation is good from a weight of 0.5 on, and one without weight changes nothing', async (t) => {
  t.equal(add(noTrackEmbedding, ada, 0.5).goodObservations, 1);
  t.equal(add(noTrackEmbedding, ada, 0.49).goodObservations, 0);
  t.equal(add(add(), ada, 1, 1100).goodObservations, 2);
  const first = add();
  t.equal(add(first, ada, 0, 1100), first);
  t.equal(add(noTrackEmbedding, ada, Number.NaN), noTrackEmbedding);
});

t.test('observations that cancel each other out are not added', async (t) => {
  const first = add();
  t.equal(add(first, vector(-1), 1, 1000), first);
  t.equal(add(noTrackEmbedding, ada, 1e-6).observations, 0);
  t.equal(add(noTrackEmbedding, ada, 2e-6).observations, 1);
});

t.test('the vector to compare is shorter the more the observations scatter', async (t) => {
  t.equal(pooledEmbedding(noTrackEmbedding), null);
  const scattered = pooledEmbedding(add(add(), ben))!;
  t.ok(isAbout(Math.hypot(...scattered), Math.SQRT1_2 ** 0.3));
});

t.test('effective observations grow to one over the repetition', async (t) => {
  const worth = (weight: number) => effectiveObservations({ ...noTrackEmbedding, weight }, options);
  t.equal(worth(0.5), 0.5);
  t.equal(worth(1), 1);
  t.ok(isAbout(worth(3), 3 / 1.6));
  t.ok(worth(1e6) > 3.333 && worth(1e6) < 1 / 0.3);
});

t.test('agreement is the similarity to the track, null where one of the two is missing', async (t) => {
  t.ok(isAbout(agreement(add(), vector(0.6))!, 0.6));
  t.equal(agreement(add(), null), null);
  t.equal(agreement(noTrackEmbedding, ada), null);
});
