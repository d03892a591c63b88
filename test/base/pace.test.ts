import t from 'tap';
import {
  afterFrame,
  afterPause,
  isLastLate,
  noPace,
  type Pace,
  usualInterval,
  usualIntervalMs,
  windowMs,
} from '../../src/base/pace.js';

/** The pace after frames that are `intervals` apart. */
function after(intervals: readonly number[], from: Pace = afterFrame(noPace, 0)): Pace {
  let pace = from;
  for (const interval of intervals) pace = afterFrame(pace, (pace.lastMs ?? 0) + interval);
  return pace;
}

const times = (count: number, interval: number): number[] => Array.from({ length: count }, () => interval);

t.test('the interval is known from the third frame on', async (t) => {
  t.equal(usualInterval(noPace), null);
  t.equal(usualInterval(after([])), null);
  t.equal(usualInterval(after([5000])), null);
  t.equal(usualInterval(after([5000, 5000])), 5000);
});

t.test('a single stall is no pace, a second one is', async (t) => {
  const stalled = after([...times(10, 200), 8000]);
  t.equal(usualInterval(stalled), 200);
  t.ok(isLastLate(stalled));
  t.equal(usualInterval(after([200, 200], stalled)), 200);
  t.equal(usualInterval(after([8000], stalled)), 8000);
});

t.test('the pace is followed within two slow and fifteen fast frames', async (t) => {
  const slow = after([...times(16, 200), 10_000, 10_000]);
  t.equal(usualInterval(slow), 10_000);
  t.equal(usualInterval(after(times(15, 200), slow)), 200);
});

t.test('frames in bursts are judged by the time between the bursts', async (t) => {
  const bursts = Array.from({ length: 4 }, () => [20, 20, 20, 20, 4920]).flat();
  t.equal(usualInterval(after(bursts)), 4920);
});

t.test('a pause is no interval, and time never goes backwards', async (t) => {
  const paused = afterPause(after(times(5, 200)));
  const resumed = afterFrame(paused, 3_600_000);
  t.equal(usualInterval(resumed), 200);
  t.equal(resumed.intervals.length, 5);
  t.strictSame(afterFrame(resumed, 3_599_000), resumed);
});

t.test('hours without a frame are bounded', async (t) => {
  t.equal(usualInterval(after([3_600_000, 3_600_000])), 60_000);
});

t.test('a window is as shipped at two frames a second, and grows without a jump', async (t) => {
  t.equal(windowMs(2000, 3.5, usualIntervalMs), 2000);
  t.equal(windowMs(100, 3.5, usualIntervalMs), 100);
  t.ok(windowMs(100, 3.5, usualIntervalMs + 1) < 110);
  t.equal(windowMs(2000, 3.5, 1000), 3500);
  t.equal(windowMs(2000, 3.5, 10_000), 35_000);
  t.equal(windowMs(60_000, 3.5, 10_000), 60_000);
  for (let intervalMs = 400; intervalMs < 3000; intervalMs += 10) {
    const [before, window] = [windowMs(2000, 3.5, intervalMs - 10), windowMs(2000, 3.5, intervalMs)];
    t.ok(window >= before && window < before + 150, `${window} ms after ${before} ms`);
  }
});
