// Two thousand photos of one person: other processes can write the gallery all the time.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { chooseSamples, keepSamples } from '../../../src/commands/enrol/keep.js';
import type { NewTemplate } from '../../../src/store/store.js';
import { madeUpVector, openTestStore, quality, space, temporaryFolder } from '../../sharing/household.js';

const childPath = fileURLToPath(new URL('./many-child.js', import.meta.url));

t.test('nobody waits for the choice among two thousand samples', async (t) => {
  const directory = temporaryFolder();
  t.teardown(() => rmSync(directory, { recursive: true }));
  using store = openTestStore(directory);
  const child = spawn(process.execPath, [childPath, directory], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  const ended = once(child, 'close');
  let isRunning = true;
  void ended.then(() => {
    isRunning = false;
  });
  let longestMs = 0;
  for (let n = 0; isRunning; n++) {
    const startMs = performance.now();
    store.setSetting('position', String(n));
    longestMs = Math.max(longestMs, performance.now() - startMs);
    await wait(5);
  }
  const [code] = await ended;
  t.equal(code, 0);
  const result = JSON.parse(text) as { cpuMs: number; wallMs: number; templates: number; reports: number };
  t.equal(result.templates, 40);
  t.ok(result.cpuMs < 200, `the transaction takes ${result.cpuMs.toFixed(0)} ms of CPU time`);
  t.ok(result.reports >= 20, `${result.reports} reports of progress`);
  t.comment(`the longest write took ${longestMs.toFixed(0)} ms, the transaction ${result.wallMs.toFixed(0)} ms`);
});

t.test('templates that changed since the choice compete with what was chosen', async (t) => {
  const directory = temporaryFolder();
  t.teardown(() => rmSync(directory, { recursive: true }));
  using store = openTestStore(directory);
  const sample = (n: number): NewTemplate => ({
    space,
    vector: madeUpVector(`ada#${n}`),
    quality,
    source: Buffer.from(`photo ${n}`),
  });
  const enrolment = (from: number, to: number) => ({
    name: 'Ada',
    samples: Array.from({ length: to - from }, (_, n) => sample(from + n)),
    space,
    force: true,
    what: 'photos' as const,
  });
  const io = { progress() {} };
  const [first, second] = [enrolment(0, 50), enrolment(40, 100)];
  const [chosenFirst, chosenSecond] = [chooseSamples(store, first, io), chooseSamples(store, second, io)];
  store.change((changes) => keepSamples(changes, first, chosenFirst, () => {}));
  const kept = store.change((changes) => keepSamples(changes, second, chosenSecond, () => {}));
  t.equal(kept.templates, 40);
  t.equal(kept.added + kept.redundant, 60);
  t.equal(store.gallery(space).people[0]!.templates.length, 40);
});
