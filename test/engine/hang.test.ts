// When the engine's child hangs, and when it is only slow. The pure rule here; real processes in hang-processes.test.ts.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import {
  createHangWatch,
  defaultHangLimits,
  type HangWatch,
  readProcess,
  type SlowestSteps,
} from '../../src/engine/hang.js';

/** A watch whose clock runs at the test's command, on a child that starts with the step "start" and no CPU time. */
function watched(slowest: SlowestSteps = new Map(), isSent = true) {
  let nowMs = 5000;
  let cpuMs = 0;
  const clock = { monotonicMs: () => nowMs, wallMs: () => 0 };
  const watch: HangWatch = createHangWatch(defaultHangLimits, slowest, clock);
  watch.begin('start', { state: 'R', cpuMs });
  if (isSent) watch.sent();
  /** Samples for `durationMs` while the child is in `state` and uses `share` of a CPU. The first reason, with its time. */
  const run = (durationMs: number, state: string | null, share = 0) => {
    for (let atMs = 250; atMs <= durationMs; atMs += 250) {
      nowMs += 250;
      cpuMs += 250 * share;
      const reason = watch.sample(state === null ? null : { state, cpuMs });
      if (reason !== null) return { reason, atMs };
    }
    return null;
  };
  return {
    run,
    sent: () => watch.sent(),
    step: (name: string) => watch.progress(name, cpuMs),
    pause: (durationMs: number, share = 0) => {
      nowMs += durationMs;
      cpuMs += durationMs * share;
    },
  };
}

for (const state of ['T', 'S', 't', 'Z'])
  t.test(`a child in state ${state} that uses no CPU time hangs after 1.5 s`, async (t) => {
    const { run, step } = watched();
    t.equal(run(1250, 'R', 1), null);
    step('detect');
    t.match(run(10_000, state), { atMs: 1500, reason: new RegExp(`step "detect".*nothing.*state ${state}`) });
  });

t.test('a child that stops in the middle of a step hangs 1.5 s later', async (t) => {
  const { run } = watched();
  t.equal(run(3000, 'R', 0.9), null);
  t.match(run(10_000, 'T'), { atMs: 1500 });
});

t.test('a child that waits for a CPU or for the disk is slow', async (t) => {
  const starved = watched();
  t.equal(starved.run(3_600_000, 'R'), null);
  const onDisk = watched();
  t.equal(onDisk.run(59_000, 'D'), null);
  onDisk.step('read embedder');
  t.equal(onDisk.run(59_000, 'D'), null);
  const thrashing = watched();
  t.equal(thrashing.run(600_000, 'D', 0.01), null, 'every page comes from the disk');
  const mixed = watched();
  for (let i = 0; i < 20; i++) {
    t.equal(mixed.run(1000, 'S'), null);
    t.equal(mixed.run(250, 'R'), null);
  }
});

t.test('a child that waits for the disk for a minute is a fault', async (t) => {
  t.match(watched().run(120_000, 'D'), { atMs: 60_250, reason: /waits for the disk/ });
});

t.test('a little CPU time in each 1.5 s is progress, less is not', async (t) => {
  t.equal(watched().run(30_000, 'S', 0.02), null);
  t.match(watched().run(30_000, 'S', 0.01), { reason: /nothing/ });
});

t.test('a busy child may use ten times the CPU time of the slowest step of its kind, and at least 2 s', async (t) => {
  const { run, step } = watched();
  step('embed');
  t.equal(run(500, 'R', 1), null);
  step('embed');
  t.match(run(60_000, 'R', 1), { atMs: 5250, reason: /step "embed", which used 5.3 s of CPU time/ });
  const quick = watched(new Map([['detect', 20]]));
  quick.step('detect');
  t.match(quick.run(60_000, 'R', 1), { atMs: 2250 });
  const threads = watched(new Map([['detect', 20]]));
  threads.step('detect');
  t.match(threads.run(60_000, 'R', 4), { atMs: 1500 }, 'not before it was silent for 1.5 s');
  const starved = watched(new Map([['detect', 20]]));
  starved.step('detect');
  t.match(starved.run(600_000, 'R', 0.01), { atMs: 200_250 }, 'CPU time counts, not the clock');
});

t.test('a kind of step that was never measured may use a minute of CPU time', async (t) => {
  const { run, step } = watched(new Map([['detect', 20]]));
  step('create embedder');
  t.match(run(120_000, 'R', 1), { atMs: 60_250 });
});

t.test('a load of 70 s in many steps is accepted, on a starved board one of an hour', async (t) => {
  const slow = watched();
  for (let i = 0; i < 70; i++) {
    t.equal(slow.run(1000, 'S'), null);
    slow.step(`step ${i}`);
  }
  const starved = watched();
  for (let i = 0; i < 60; i++) {
    t.equal(starved.run(60_000, 'R', 0.005), null);
    starved.step('embed');
  }
});

t.test('the silence counts anew after the parent itself was late', async (t) => {
  const { run, pause } = watched(new Map([['start', 20]]));
  t.equal(run(1250, 'T'), null);
  pause(5000, 1);
  t.equal(run(1500, 'T'), null, 'its messages of these 5 s are still to be read');
  t.match(run(250, 'T'), { atMs: 250 });
  const { run: blocked, pause: block, step } = watched(new Map([['detect', 20]]));
  block(8000, 1);
  t.equal(blocked(250, 'R', 1), null);
  step('detect');
  t.equal(blocked(1250, 'R', 1), null, 'the message that was read now is the one that counts');
});

t.test('a child that sleeps while its frame is being sent waits for the parent', async (t) => {
  const { run, sent } = watched(new Map(), false);
  t.equal(run(9750, 'S'), null);
  sent();
  t.match(run(10_000, 'S'), { atMs: 1500 });
  t.match(watched(new Map(), false).run(20_000, 'S'), { atMs: 10_000 }, 'not for ever');
  t.match(watched(new Map(), false).run(20_000, 'T'), { atMs: 1500 }, 'a stopped one does not');
});

t.test('where /proc cannot be read, two minutes without a message are a hang', async (t) => {
  t.match(watched().run(300_000, null), { atMs: 120_000 });
  const { run, step } = watched();
  for (let i = 0; i < 5; i++) {
    t.equal(run(100_000, null), null);
    step('detect');
  }
});

t.test('state and CPU time of this process are read', async (t) => {
  const before = readProcess(process.pid)!;
  for (const startMs = performance.now(); performance.now() - startMs < 200; );
  const after = readProcess(process.pid)!;
  t.equal(after.state, 'R');
  t.ok(after.cpuMs - before.cpuMs >= 20, `${after.cpuMs - before.cpuMs} ms`);
  t.equal(readProcess(2 ** 30), null);
  t.equal(readProcess(undefined), null);
});

t.test('a process whose main thread sleeps while another one works is busy', async (t) => {
  const script = `const { Worker } = require('node:worker_threads');
    new Worker('require("node:worker_threads").parentPort.postMessage(1); for (;;);', { eval: true }).once('message', () => console.log('works'));`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  await delay(100);
  t.equal(readProcess(child.pid)?.state, 'R');
  const sleeper = spawn('sleep', ['60']);
  t.teardown(() => sleeper.kill('SIGKILL'));
  await delay(100);
  t.equal(readProcess(sleeper.pid)?.state, 'S');
});
