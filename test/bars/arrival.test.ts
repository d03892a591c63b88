// A short version of test/bars/arrival.ts, which prints the figures of a thousand visits.
import t from 'tap';
import { measureArrival } from './arrival.js';

for (const [framesPerSecond, limitMs] of [
  [10, 1000],
  [5, 1500],
] as const) {
  t.test(`time from the first observation to arrived at ${framesPerSecond} frames per second`, async (t) => {
    const { p50, p95 } = measureArrival(100, framesPerSecond, 0.1);
    t.ok(p95 <= limitMs, `95 of 100 within ${p95} ms`);
    t.comment(`median ${p50} ms, p95 ${p95} ms`);
  });
}
