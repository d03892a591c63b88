// Whatever happens to the child, the daemon gets an error for the frame in progress, and the engine works afterwards.

import { closeSync, cpSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import type { Log } from '../../src/base/log.js';
import type { AnalyzeOptions } from '../../src/engine/engine.js';
import { chooseEmbedder, defaultManifestPath, readManifest } from '../../src/engine/manifest.js';
import { modelPath } from '../../src/engine/model-file.js';
import { createEngine, type EngineOptions } from '../../src/engine/supervisor.js';
import type { Frame } from '../../src/vision/picture.js';

const childPath = fileURLToPath(new URL('./fake-child.js', import.meta.url));
const video: AnalyzeOptions = { search: 'auto' };
const frame = (sequence = 0): Frame => ({
  capturedAt: 7,
  sequence,
  width: 2,
  height: 2,
  format: 'rgb',
  stride: 6,
  data: new Uint8Array(12),
});

/** An engine whose child follows `plan`. */
function engineWith(plan: string, options: Partial<EngineOptions> = {}) {
  const file = join(mkdtempSync(join(tmpdir(), 'roomkin-engine-')), 'starts');
  process.env['FAKE_CHILD_PLAN'] = plan;
  process.env['FAKE_CHILD_STARTS'] = file;
  const lines: string[] = [];
  const log: Log = (level, message) => void (level === 'debug' || lines.push(message));
  const engine = createEngine({ childPath, delegate: false, log, ...options });
  const starts = (): number => readFileSync(file, 'utf8').split('start').length - 1;
  /** `with` or `without` the delegate, for each start. */
  const delegates = (): string[] => readFileSync(file, 'utf8').match(/with(out)?/g) ?? [];
  return { engine, lines, starts, delegates };
}

const failed = { code: 'ENGINE_FAILED' };

for (const act of ['die-on-frame', 'segv-on-frame', 'hang-on-frame', 'nonsense', 'half-an-answer', 'wrong-id']) {
  t.test(`${act}: that frame fails, the next one succeeds`, async (t) => {
    const { engine, starts } = engineWith(`${act} ok`);
    await engine.start();
    await t.rejects(engine.analyze(frame(), video), failed);
    const next = await engine.analyze(frame(5), video);
    t.match(next, { sequence: 5, capturedAt: 7, faces: [] });
    t.equal(starts(), 2);
    await engine.stop();
  });
}

t.test('the error contains the last line of the child', async (t) => {
  const { engine } = engineWith('die-on-frame');
  await engine.start();
  await t.rejects(engine.analyze(frame(), video), { message: /status 3.*something broke inside/ });
  await engine.stop();
});

t.test('an unknown error code becomes ENGINE_FAILED, and the child goes on', async (t) => {
  const { engine, starts } = engineWith('strange-code');
  await engine.start();
  await t.rejects(engine.analyze(frame(), video), { ...failed, message: 'a sentence' });
  await t.rejects(engine.analyze(frame(), video), failed);
  t.equal(starts(), 1);
  await engine.stop();
});

t.test('after one failed start the child is started again, a second failure is an error', async (t) => {
  const once = engineWith('die-at-load ok');
  await once.engine.start();
  t.match(await once.engine.analyze(frame(), video), { faces: [] });
  await once.engine.stop();
  for (const act of ['die-at-load', 'segv-at-load']) {
    const { engine, starts } = engineWith(act);
    await t.rejects(engine.start(), failed, act);
    t.equal(starts(), 2);
    await engine.stop();
  }
  const hanging = engineWith('hang-at-load');
  await t.rejects(hanging.engine.start(), { ...failed, message: /did not answer/ });
  await hanging.engine.stop();
});

t.test('a wrong model hash is reported as such, without a second start', async (t) => {
  const { engine, starts } = engineWith('hash-at-load');
  await t.rejects(engine.start(), { code: 'MODEL_HASH', exitCode: 78 });
  t.equal(starts(), 1);
  await engine.stop();
});

/** A file in place of the plug-in: the fake child does not load it. */
const pluginPath = childPath;

for (const [act, reason] of [
  ['segv-with-delegate', /XNNPACK did not start: .*SIGSEGV/],
  ['die-with-delegate', /XNNPACK did not start: .*status 3.*something broke inside/],
  ['fail-with-delegate', /XNNPACK did not start: not a library/],
  ['hang-with-delegate', /XNNPACK did not start: .*did not answer/],
] as const) {
  t.test(`${act}: the engine starts again without the delegate, for good`, async (t) => {
    const { engine, lines, delegates } = engineWith(`${act} die-on-frame ok`, { delegate: true, pluginPath });
    t.match(await engine.start(), { delegate: 'none', delegateReason: reason });
    t.same(lines, [], 'nothing is logged as a warning');
    await t.rejects(engine.analyze(frame(), video), failed);
    t.match(await engine.analyze(frame(), video), { faces: [] });
    t.same(delegates(), ['with', 'without', 'without']);
    await engine.stop();
  });
}

t.test('a delegate that works costs one start, and a later death is an ordinary restart with it', async (t) => {
  const { engine, delegates } = engineWith('segv-on-frame ok', { delegate: true, pluginPath });
  t.match(await engine.start(), { delegate: 'xnnpack', delegateReason: null });
  t.same(delegates(), ['with']);
  await t.rejects(engine.analyze(frame(), video), failed);
  t.match(await engine.analyze(frame(), video), { faces: [] });
  t.same(delegates(), ['with', 'with']);
  await engine.stop();
});

t.test('a child that loads neither with the delegate nor without it is started once more', async (t) => {
  const once = engineWith('segv-at-load die-at-load ok', { delegate: true, pluginPath });
  t.match(await once.engine.start(), { delegate: 'none' });
  t.same(once.delegates(), ['with', 'without', 'without']);
  await once.engine.stop();
  const never = engineWith('die-at-load', { delegate: true, pluginPath });
  await t.rejects(never.engine.start(), failed);
  t.equal(never.starts(), 3);
  const wrong = engineWith('hash-at-load', { delegate: true, pluginPath });
  await t.rejects(wrong.engine.start(), { code: 'MODEL_HASH' });
  t.equal(wrong.starts(), 1);
});

t.test('five restarts within a minute, then one each half minute', async (t) => {
  let now = 1000;
  const clock = { monotonicMs: () => now, wallMs: () => 0 };
  const { engine, starts } = engineWith('die-on-frame', { clock });
  await engine.start();
  for (let i = 0; i < 5; i++) await t.rejects(engine.analyze(frame(), video), failed);
  t.equal(starts(), 5);
  await t.rejects(engine.analyze(frame(), video), { message: /tried again every 30 s/ });
  t.equal(starts(), 5, 'not started for that frame');
  for (let i = 0; i < 3; i++) {
    now += 31_000;
    await t.rejects(engine.analyze(frame(), video), failed);
  }
  t.equal(starts(), 8);
  now += 120_000;
  await t.rejects(engine.analyze(frame(), video), failed);
  t.equal(starts(), 9);
  await engine.stop();
});

for (const [act, sentence] of [
  ['hash-at-load', /not that file/],
  ['missing-at-load', /cannot be read/],
  ['fail-at-load', /not a library/],
  ['die-at-load', /status 3.*something broke inside/],
] as const) {
  t.test(`${act} after a first start is a fault that passes`, async (t) => {
    const { engine, starts } = engineWith(`die-on-frame ${act} ${act} ok`);
    t.match(engine.fault, /not been started/);
    await engine.start();
    t.equal(engine.fault, null);
    await t.rejects(engine.analyze(frame(), video), failed);
    t.match(engine.fault, /status 3/);
    for (let i = 0; i < 2; i++) {
      await t.rejects(engine.analyze(frame(), video), { ...failed, message: sentence });
      t.match(engine.fault, sentence);
    }
    t.match(await engine.analyze(frame(5), video), { sequence: 5 });
    t.equal(engine.fault, null);
    t.equal(starts(), 4);
    await engine.stop();
    t.match(engine.fault, /stopped/);
  });
}

t.test('a child that died while nobody asked it is a fault until the next frame', async (t) => {
  const { engine } = engineWith('ok');
  await engine.start();
  const [pid] = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim().split(' ');
  process.kill(Number(pid), 'SIGKILL');
  while (engine.fault === null) await delay(5);
  t.match(engine.fault, /killed by SIGKILL/);
  t.match(await engine.analyze(frame(), video), { faces: [] });
  t.equal(engine.fault, null);
  await engine.stop();
});

t.test('an error of one frame is no fault of the engine', async (t) => {
  const { engine } = engineWith('strange-code');
  await engine.start();
  await t.rejects(engine.analyze(frame(), video), failed);
  t.equal(engine.fault, null);
  await engine.stop();
});

t.test('a frame that cannot be sent is an error of that frame', async (t) => {
  const { engine } = engineWith('ok');
  await engine.start();
  const strange = { ...frame(), data: (() => {}) as unknown as Uint8Array };
  await t.rejects(engine.analyze(strange, video), failed);
  t.match(await engine.analyze(frame(), video), { faces: [] });
  await engine.stop();
});

t.test('while a fault lasts, the error tells it and when it is tried again', async (t) => {
  const { engine } = engineWith('ok hash-at-load', { clock: { monotonicMs: () => 1000, wallMs: () => 0 } });
  await engine.start();
  const [pid] = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim().split(' ');
  process.kill(Number(pid), 'SIGKILL');
  while (engine.fault === null) await delay(5);
  for (let i = 0; i < 4; i++) await t.rejects(engine.analyze(frame(), video), failed);
  await t.rejects(engine.analyze(frame(), video), { ...failed, message: /not that file: tried again every 30 s/ });
  t.equal(engine.fault, 'not that file');
  await engine.stop();
});

t.test('without file descriptors for a new child, the frame fails and a later one succeeds', async (t) => {
  const { engine } = engineWith('die-on-frame ok');
  await engine.start();
  await t.rejects(engine.analyze(frame(), video), failed);
  const files: number[] = [];
  try {
    for (;;) files.push(openSync('/dev/null', 'r'));
  } catch (error) {
    t.equal((error as NodeJS.ErrnoException).code, 'EMFILE');
  }
  const result = await engine.analyze(frame(), video).catch((error: unknown) => error);
  const { fault } = engine;
  for (const file of files) closeSync(file);
  t.match(result, { ...failed, message: /EMFILE/ });
  t.match(fault, /EMFILE/);
  t.match(await engine.analyze(frame(), video), { faces: [] });
  t.equal(engine.fault, null);
  await engine.stop();
});

t.test('a bit that flips in a model file while the engine runs', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'roomkin-models-'));
  cpSync(dirname(defaultManifestPath), folder, { recursive: true });
  const manifestPath = join(folder, 'manifest.json');
  const manifest = readManifest(manifestPath);
  const file = modelPath(manifest, chooseEmbedder(manifest, null));
  const engine = createEngine({ manifestPath, threads: 1 });
  await engine.start();
  const whole = readFileSync(file);
  const kill = async (): Promise<void> => {
    const [pid] = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim().split(' ');
    process.kill(Number(pid), 'SIGKILL');
    while (engine.fault === null) await delay(5);
  };
  await kill();
  const damaged = Uint8Array.from(whole);
  damaged[10_000]! ^= 1;
  writeFileSync(file, damaged);
  await t.rejects(engine.analyze(frame(), video), { ...failed, message: /does not match its hash: install roomkin/ });
  t.ok(engine.fault?.includes(file), 'it names the file');
  rmSync(file);
  await t.rejects(engine.analyze(frame(), video), { ...failed, message: /cannot be read: install roomkin again/ });
  writeFileSync(file, whole);
  t.match(await engine.analyze(frame(), video), { faces: [] });
  t.equal(engine.fault, null);
  await engine.stop();
  rmSync(folder, { recursive: true });
});

t.test('calls run one after another, and a failure affects only its own call', async (t) => {
  const { engine } = engineWith('die-on-frame ok');
  await engine.start();
  const results = await Promise.allSettled([1, 2, 3].map((sequence) => engine.analyze(frame(sequence), video)));
  t.same(
    results.map(({ status }) => status),
    ['rejected', 'fulfilled', 'fulfilled'],
  );
  await engine.stop();
});

t.test('a child that does not end is killed, and nothing is analysed after stop or before start', async (t) => {
  const { engine } = engineWith('never-ends');
  await t.rejects(engine.analyze(frame(), video), { message: /not been started/ });
  await engine.start();
  await engine.stop();
  await t.rejects(engine.analyze(frame(), video), failed);
});
