// Hanging and slow children as real processes: what is ended, how soon, and what is left alone.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import type { Engine } from '../../src/engine/engine.js';
import type { HangLimits } from '../../src/engine/hang.js';
import { createEngine } from '../../src/engine/supervisor.js';
import type { Frame } from '../../src/vision/picture.js';
import { madePicture } from '../vision/made-picture.js';

const fakePath = fileURLToPath(new URL('./fake-child.js', import.meta.url));
const frame: Frame = { ...madePicture('noise', 64, 48), capturedAt: 0, sequence: 0 };
const analyze = (engine: Engine) => engine.analyze(frame, { search: 'auto' });

/** The same rule, six times as fast. */
const quick: Partial<HangLimits> = { sampleMs: 40, lateMs: 200, silentMs: 250, leastCpuMs: 330 };

function fakeEngine(plan: string, hangLimits: Partial<HangLimits> = {}): Engine {
  process.env['FAKE_CHILD_PLAN'] = plan;
  process.env['FAKE_CHILD_STARTS'] = join(mkdtempSync(join(tmpdir(), 'roomkin-hang-')), 'starts');
  return createEngine({ childPath: fakePath, delegate: false, hangLimits });
}

/** The child process whose arguments contain `text`. */
function childPid(text: string): number {
  const children = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim().split(' ');
  const pid = children.find((child) => readFileSync(`/proc/${child}/cmdline`, 'utf8').includes(text));
  if (pid === undefined) throw new Error(`no child process ${text}`);
  return Number(pid);
}

/** Analyses frames until one succeeds. How many failed, and the milliseconds until then. */
async function untilFrames(engine: Engine) {
  const startedAt = performance.now();
  const errors: { message: string; afterMs: number }[] = [];
  for (;;) {
    try {
      await analyze(engine);
      return { errors, tookMs: performance.now() - startedAt };
    } catch (error) {
      errors.push({ message: (error as Error).message, afterMs: performance.now() - startedAt });
      if (errors.length > 20) throw error;
    }
  }
}

t.test('after kill -STOP of the child with the real models, frames come again', async (t) => {
  await using engine = createEngine();
  await engine.start();
  await analyze(engine);
  process.kill(childPid('engine/child.js'), 'SIGSTOP');
  const { errors, tookMs } = await untilFrames(engine);
  t.equal(errors.length, 1, 'one frame is lost');
  t.match(errors[0]!.message, /did not answer: no progress for \d+\.\d s.*state T/);
  t.comment(`noticed after ${errors[0]!.afterMs.toFixed(0)} ms, the next frame after ${tookMs.toFixed(0)} ms`);
});

t.test('a child that loops without progress is ended when it has used more CPU time than a step may', async (t) => {
  // The start of a child is not measured either, and takes up to a second of CPU time while V8 counts what is covered.
  await using engine = fakeEngine('ok busy-on-frame ok', { unmeasuredCpuMs: 5000 });
  await engine.start();
  process.kill(childPid('fake-child'), 'SIGKILL');
  const { errors } = await untilFrames(engine);
  // Its last message left it although it never returned to its event loop.
  t.match(errors.at(-1)!.message, /no progress for .* in step "detect", which used .* of CPU time/);
});

t.test('a child that is stopped and continued in turn is slow, not hung', async (t) => {
  await using engine = fakeEngine('work-on-frame', quick);
  await engine.start();
  const pid = childPid('fake-child');
  const analysis = analyze(engine);
  let stopped = false;
  const timer = setInterval(() => {
    stopped = !stopped;
    process.kill(pid, stopped ? 'SIGSTOP' : 'SIGCONT');
  }, 60);
  t.match(await analysis, { faces: [] });
  clearInterval(timer);
  process.kill(pid, 'SIGCONT');
});

t.test('a child without a CPU is slow, not hung', async (t) => {
  await using engine = fakeEngine('work-on-frame', quick);
  await engine.start();
  const pid = String(childPid('fake-child'));
  // It gets its CPU only when nobody else wants it, and somebody does.
  if (spawnSync('taskset', ['-a', '-p', '-c', '0', pid]).status !== 0) return void t.comment('skipped: no taskset');
  const burner: ChildProcess = spawn('taskset', ['-c', '0', process.execPath, '-e', 'for (;;);']);
  t.teardown(() => burner.kill('SIGKILL'));
  t.equal(spawnSync('chrt', ['-a', '-i', '-p', '0', pid]).status, 0);
  await delay(300);
  const startedAt = performance.now();
  setTimeout(() => {
    burner.kill('SIGKILL');
    spawnSync('chrt', ['-a', '-o', '-p', '0', pid]);
  }, 1500);
  t.match(await analyze(engine), { faces: [] });
  t.comment(`0.4 s of CPU time took ${(performance.now() - startedAt).toFixed(0)} ms`);
});

t.test('a load in many steps may take longer than any limit', async (t) => {
  await using engine = fakeEngine('steps-at-load', quick);
  await engine.start();
  t.match(await analyze(engine), { faces: [] });
});

t.test('a parent that was blocked itself does not blame the child', async (t) => {
  await using engine = fakeEngine('work-on-frame', quick);
  await engine.start();
  const analysis = analyze(engine);
  await delay(20);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2000);
  t.match(await analysis, { faces: [] });
});

t.test('no process is left', async (t) => {
  t.equal(readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim(), '');
});
