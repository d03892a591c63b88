import { setTimeout as wait } from 'node:timers/promises';
import t from 'tap';
import { createBackoff, createRetried } from '../../src/base/retry.js';

function stoppedClock() {
  let nowMs = 1000;
  const pass = (ms: number): void => {
    nowMs += ms;
  };
  return { monotonicMs: () => nowMs, wallMs: () => 0, pass };
}

t.test('a wait doubles up to the longest and begins again after a success', async (t) => {
  const clock = stoppedClock();
  const backoff = createBackoff({ firstMs: 500, mostMs: 3000, clock });
  t.equal(backoff.waitMs(), 0, 'the first try waits for nothing');
  t.same(
    [1, 2, 3, 4, 5].map(() => backoff.failed()),
    [500, 1000, 2000, 3000, 3000],
  );
  for (let i = 0; i < 3000; i++) backoff.failed();
  t.equal(backoff.failed(), 3000, 'however often it failed');
  backoff.reset();
  t.equal(backoff.waitMs(), 0);
  t.equal(backoff.failed(), 500);
});

t.test('what is left of a wait', async (t) => {
  const clock = stoppedClock();
  const backoff = createBackoff({ firstMs: 500, mostMs: 3000, clock });
  backoff.failed();
  clock.pass(200);
  t.equal(backoff.waitMs(), 300);
  clock.pass(400);
  t.equal(backoff.waitMs(), 0);
});

t.test('a wait is scattered either way', async (t) => {
  const waits = [0, 0.5, 0.9].map((chance) =>
    createBackoff({ firstMs: 1000, mostMs: 9000, jitter: 0.25, random: () => chance, clock: stoppedClock() }).failed(),
  );
  t.same(waits, [750, 1000, 1200]);
});

t.test('free tries cost nothing until there are too many in a while', async (t) => {
  const clock = stoppedClock();
  const free = { count: 3, withinMs: 10_000 };
  const backoff = createBackoff({ firstMs: 30_000, mostMs: 30_000, free, clock });
  t.same([backoff.failed(), backoff.failed(), backoff.failed()], [0, 0, 30_000]);
  clock.pass(9_999);
  t.equal(backoff.waitMs(), 20_001);
  clock.pass(1);
  t.equal(backoff.waitMs(), 0, 'the first three are long ago');
});

t.test('work that fails is tried again until it works or is disposed of', async (t) => {
  let failures = 2;
  let tries = 0;
  const work = async (): Promise<boolean> => {
    tries += 1;
    return --failures < 0;
  };
  using retried = createRetried(work, { firstMs: 5, mostMs: 10 });
  t.equal(await retried.now(), false);
  t.equal(retried.isPending, true);
  while (retried.isPending) await wait(5);
  t.equal(tries, 3);
  t.equal(await retried.now(), true);
  failures = 9;
  t.equal(await retried.now(), false);
  retried[Symbol.dispose]();
  await wait(30);
  t.strictSame([tries, retried.isPending], [5, false]);
});
