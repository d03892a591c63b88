// A child that misbehaves as told, in the real child's place. What each start does is the next word of FAKE_CHILD_PLAN
// (the last word repeats); starts are counted by the lines of the file FAKE_CHILD_STARTS.
import { appendFileSync, readFileSync } from 'node:fs';
import type { FromChild, ToChild } from '../../src/engine/protocol.js';

const state = process.env['FAKE_CHILD_STARTS']!;
appendFileSync(state, 'start\n');
const starts = readFileSync(state, 'utf8').trim().split('\n').length;
const plan = process.env['FAKE_CHILD_PLAN']!.split(' ');
const act = plan[Math.min(starts, plan.length) - 1]!;
const say = (message: unknown): void => void process.send?.(message as FromChild);

function die(): void {
  process.stderr.write('something broke inside\n', () => process.exit(3));
}

function onLoad(): void {
  if (act === 'die-at-load') die();
  else if (act === 'segv-at-load') process.kill(process.pid, 'SIGSEGV');
  else if (act === 'hash-at-load') say({ type: 'failed', id: null, code: 'MODEL_HASH', sentence: 'not that file' });
  else if (act !== 'hang-at-load')
    say({ type: 'loaded', info: { detector: 'd', embedder: 'e', space: 's', dimension: 3 } });
}

function onFrame(id: number): void {
  const times = { detectMs: 1, alignMs: 0, embedMs: 0, tiles: 0 };
  const nothing = { faces: [], times, crops: null };
  if (act === 'die-on-frame') die();
  else if (act === 'segv-on-frame') process.kill(process.pid, 'SIGSEGV');
  else if (act === 'nonsense') say({ hello: 'world' });
  else if (act === 'half-an-answer') say({ type: 'analyzed', id, analysis: { faces: 'many' } });
  else if (act === 'wrong-id') say({ type: 'analyzed', id: id + 100, analysis: nothing });
  else if (act === 'strange-code') say({ type: 'failed', id, code: '__proto__', sentence: 'a sentence' });
  else if (act !== 'hang-on-frame') say({ type: 'analyzed', id, analysis: nothing });
}

process.on('message', (message: ToChild) => (message.type === 'load' ? onLoad() : onFrame(message.id)));
process.on('disconnect', () => act === 'never-ends' || process.exit(0));
if (act === 'never-ends') setInterval(() => {}, 1000);
