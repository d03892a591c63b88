import t from 'tap';
import { normalAbove, normalBelow } from '../../src/base/stats.js';

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
