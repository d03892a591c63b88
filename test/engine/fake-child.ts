// A child for tests, in place of the real one. Each start follows the next word of FAKE_CHILD_PLAN (the last word repeats), and writes
// `start`, then `with` or `without` (the delegate) to the file FAKE_CHILD_STARTS. `*-with-delegate` fails while it loads with the
// delegate, and works without it.
import { appendFileSync, readFileSync } from 'node:fs';
import type { FromChild, LoadOptions, ToChild } from '../../src/engine/protocol.js';

const state = process.env['FAKE_CHILD_STARTS']!;
appendFileSync(state, 'start ');
const starts = readFileSync(state, 'utf8').split('start').length - 1;
const plans = process.env['FAKE_CHILD_PLAN']!.split(' ');
const plan = plans[Math.min(starts, plans.length) - 1]!;
const send = (message: unknown): void => void process.send?.(message as FromChild);

const progress = (step: string): void => {
  const { user, system } = process.cpuUsage();
  send({ type: 'progress', step, cpuMs: (user + system) / 1000 });
};
const sleep = (ms: number): void => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
/** Uses `ms` of CPU time. */
function work(ms: number): void {
  for (const before = process.cpuUsage(); process.cpuUsage(before).user < ms * 1000; );
}

function die(): void {
  process.stderr.write('something broke inside\n', () => process.exit(3));
}

function onLoad({ delegatePath }: LoadOptions): void {
  appendFileSync(state, delegatePath === null ? 'without\n' : 'with\n');
  const act = plan.replace('with-delegate', delegatePath === null ? 'never' : 'at-load');
  if (act === 'die-at-load') die();
  else if (act === 'fail-at-load') send({ type: 'failed', id: null, code: 'ENGINE_FAILED', sentence: 'not a library' });
  else if (act === 'segv-at-load') process.kill(process.pid, 'SIGSEGV');
  else if (act === 'hash-at-load') send({ type: 'failed', id: null, code: 'MODEL_HASH', sentence: 'not that file' });
  else if (act === 'missing-at-load')
    send({ type: 'failed', id: null, code: 'MODEL_MISSING', sentence: 'cannot be read' });
  else if (act !== 'hang-at-load') {
    for (let i = 0; act === 'steps-at-load' && i < 30; i++) {
      progress(`step ${i}`);
      sleep(60);
    }
    send({ type: 'loaded', info: { detector: 'd', embedder: 'e', space: 's', dimension: 3 } });
  }
}

function onFrame(id: number): void {
  const times = { detectMs: 1, alignMs: 0, embedMs: 0, tiles: 0 };
  const nothing = { faces: [], times, crops: null };
  if (plan === 'die-on-frame') die();
  else if (plan === 'segv-on-frame') process.kill(process.pid, 'SIGSEGV');
  else if (plan === 'nonsense') send({ hello: 'world' });
  else if (plan === 'half-an-answer') send({ type: 'analyzed', id, analysis: { faces: 'many' } });
  else if (plan === 'wrong-id') send({ type: 'analyzed', id: id + 100, analysis: nothing });
  else if (plan === 'strange-code') send({ type: 'failed', id, code: '__proto__', sentence: 'a sentence' });
  else if (plan === 'busy-on-frame') {
    progress('detect');
    for (;;);
  } else if (plan === 'work-on-frame') {
    progress('detect');
    work(400);
    progress('answer');
    send({ type: 'analyzed', id, analysis: nothing });
  } else if (plan !== 'hang-on-frame') send({ type: 'analyzed', id, analysis: nothing });
}

process.on('message', (message: ToChild) => (message.type === 'load' ? onLoad(message.options) : onFrame(message.id)));
process.on('disconnect', () => plan === 'never-ends' || process.exit(0));
if (plan === 'never-ends') setInterval(() => {}, 1000);
