import t from 'tap';
import { createQuantiles, normalAbove, normalBelow, quantile } from '../../src/base/stats.js';

t.test('`normalBelow` gives known shares', async (t) => {
  for (const [z, share] of [
    [0, 0.5],
    [1, 0.841344746],
    [1.959963985, 0.975],
    [-3, 0.001349898],
    [-5, 2.866515719e-7],
  ] as const) {
    t.ok(Math.abs(normalBelow(z) / share - 1) < 1e-6, `${z}: ${normalBelow(z)}`);
  }
});

t.test('`normalAbove` is the inverse of `normalBelow`', async (t) => {
  for (const rate of [0.5, 0.1, 0.002, 1e-4, 1e-9]) {
    t.ok(Math.abs(normalBelow(-normalAbove(rate)) / rate - 1) < 1e-6, `${rate}`);
  }
  t.ok(Math.abs(normalAbove(0.9) + normalAbove(0.1)) < 1e-6);
});

t.test('a quantile is one of the values, by nearest rank', async (t) => {
  t.equal(quantile([], 0.5), null);
  t.equal(quantile([7], 0.95), 7);
  const values = [30, 10, 20, 40];
  t.same(
    [0, 0.25, 0.26, 0.5, 0.95, 1].map((share) => quantile(values, share)),
    [10, 10, 20, 20, 40, 40],
  );
  t.same(values, [30, 10, 20, 40], 'which stay as they are');
});

t.test('quantiles of the newest values', async (t) => {
  const quantiles = createQuantiles(3);
  t.equal(quantiles.at(0.5), null);
  for (const value of [100, 1, 2, 3]) quantiles.add(value);
  t.equal(quantiles.count, 4);
  t.equal(quantiles.at(1), 3);
});
