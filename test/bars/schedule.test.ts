// A short version of test/bars/schedule.ts: the schedule leaves most embeddings out, and nobody is named wrongly, later or not at all.
import t from 'tap';
import { measureSchedule } from './schedule.js';

for (const framesPerSecond of [5, 2]) {
  t.test(`rooms at ${framesPerSecond} frames a second, with and without the schedule`, async (t) => {
    const every = measureSchedule(8, framesPerSecond, false);
    const scheduled = measureSchedule(8, framesPerSecond, true);
    t.equal(every.embedded, 1);
    t.ok(scheduled.embedded < 0.5, `${(100 * scheduled.embedded).toFixed(0)} % of faces embedded`);
    t.ok(scheduled.wrong <= every.wrong, `${scheduled.wrong} wrong arrivals`);
    t.ok(scheduled.missed <= every.missed, `${scheduled.missed} residents missed`);
    t.ok(scheduled.p95 <= every.p95 + 1000 / framesPerSecond, `95 % arrive within ${scheduled.p95} ms`);
    t.ok(scheduled.takenP95 <= every.takenP95 + 1000, `in another's place within ${scheduled.takenP95} ms`);
  });
}
