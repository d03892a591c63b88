// The faults of a real rpicam-vid, each imitated by a scripted one in a process of its own.
import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import type { Log } from '../../src/base/log.js';
import { openFake, processesWith, quickOptions, take, until } from './camera-harness.js';
import { readPattern } from './test-pattern.js';

t.jobs = 3;

t.test('frames arrive whole, in order, with their times', async (t) => {
  await using camera = openFake([]);
  t.equal(await camera.next(), null, 'nothing comes before the start');
  camera.start();
  t.equal(camera.status.state, 'starting');
  const frames = await take(camera, 5);
  t.equal(camera.status.state, 'online');
  frames.forEach((frame, i) => {
    t.not(readPattern(frame), null, 'every byte is in its place');
    if (i > 0) t.ok(frame.capturedAt > frames[i - 1]!.capturedAt && frame.sequence > frames[i - 1]!.sequence);
  });
});

t.test('padded rows are read with their real stride', async (t) => {
  for (const [align, stride] of [
    [64, 192],
    [128, 256],
  ] as const) {
    await using camera = openFake([`stride-align=${align}`], { width: 130 });
    camera.start();
    const frame = (await take(camera, 1))[0]!;
    t.equal(frame.stride, stride);
    t.equal(frame.width, 130);
    t.not(readPattern(frame), null);
  }
});

t.test('a size that the camera adjusted is used', async (t) => {
  await using camera = openFake(['size=120x90', 'stride-align=128']);
  camera.start();
  const frame = (await take(camera, 1))[0]!;
  t.match(frame, { width: 120, height: 90, stride: 128 });
  t.not(readPattern(frame), null);
});

t.test('a lost byte, an added byte and a late half cost one frame each and shift none', async (t) => {
  await using camera = openFake(['lose-byte-at=2', 'extra-byte-at=5', 'late-at=8']);
  camera.start();
  const patterns: number[] = [];
  while ((patterns.at(-1) ?? 0) < 11) patterns.push(readPattern((await take(camera, 1))[0]!) ?? -1);
  t.notOk(patterns.includes(-1), 'no damaged frame');
  for (const k of [2, 5, 8]) t.notOk(patterns.includes(k), `frame ${k} was dropped`);
  t.ok(camera.status.torn >= 1, 'bursts that the load of the machine joins count once');
  t.equal(camera.status.reopened, 0, 'the camera is not opened again');
});

t.test('frames that never end at an idle pipe are dropped, and the camera is opened again', async (t) => {
  const timings = { ...quickOptions.timings, openMs: 3000 };
  await using camera = openFake(['no-flush'], { timings, stallMs: 600 });
  camera.start();
  void camera.next().then((frame) => frame && t.not(readPattern(frame), null));
  // A slow start may end an opening before any byte comes.
  await until(camera, ({ reason }) => /bytes came, but no whole frame/.test(reason ?? ''));
  t.pass('the reason says so');
});

t.test('a stalled sensor that ignores SIGINT is killed and opened again', async (t) => {
  const states: string[] = [];
  const warnings: string[] = [];
  const log: Log = (level, message) => level === 'warning' && warnings.push(message);
  await using camera = openFake(['stall-at=3', 'ignore-int'], { stallMs: 600 }, log);
  camera.onState((status) => states.push(status.state));
  camera.start();
  await take(camera, 1);
  const offline = await until(camera, (s) => s.state === 'offline');
  t.match(offline.reason, /no frame for .* s: the sensor stopped sending: check the ribbon cable/);
  await until(camera, (s) => s.reopened === 1 && s.state === 'online');
  t.equal(camera.status.reason, null);
  t.same(states.slice(0, 4), ['starting', 'online', 'offline', 'online']);
  t.equal(warnings.length, 1);
});

t.test('a sensor that recovers by itself is not restarted', async (t) => {
  await using camera = openFake(['stall-at=2', 'stall-rounds=2']);
  camera.start();
  await take(camera, 6);
  t.equal(camera.status.reopened, 0);
});

t.test('a program that exits at once is started again after a growing delay', async (t) => {
  const waits: number[] = [];
  const log: Log = (_level, message, fields) => {
    if (message.includes('waiting before it is opened again')) waits.push(Number(fields?.['waitMs']));
  };
  await using camera = openFake(['say=ERROR: *** no cameras available ***', 'exit=255'], {}, log);
  camera.start();
  await until(camera, (s) => s.reopened >= 4);
  t.same(waits.slice(0, 4), [100, 200, 400, 400]);
  t.match(camera.status.reason, /no camera was found/);
  t.equal(camera.status.state, 'offline');
});

t.test('after steady frames the delay starts at its first value again', async (t) => {
  const waits: number[] = [];
  const log: Log = (_level, message, fields) => {
    if (message.includes('waiting before it is opened again')) waits.push(Number(fields?.['waitMs']));
  };
  const timings = { ...quickOptions.timings, steadyMs: 300 };
  await using camera = openFake(['frames=5'], { timings }, log);
  camera.start();
  await until(camera, (s) => s.reopened >= 3);
  t.same(waits.slice(0, 3), [100, 100, 100]);
});

t.test('a missing program is a reason to be offline, not a crash', async (t) => {
  await using camera = openFake([], { command: ['/nonexistent/rpicam-vid'] });
  camera.start();
  const status = await until(camera, (s) => s.state === 'offline');
  t.match(status.reason, /rpicam-vid is not installed/);
  await until(camera, (s) => s.reopened >= 2);
});

t.test('a program that is not executable is a reason to be offline', async (t) => {
  await using camera = openFake([], { command: ['/etc'] });
  camera.start();
  t.match((await until(camera, (s) => s.state === 'offline')).reason, /cannot be started \(EACCES\)/);
});

t.test('the pipe is drained while nobody takes frames, and the newest frame is kept', async (t) => {
  // 1.8 MB a frame: a pipe that is not drained blocks the program at once.
  await using camera = openFake([], { width: 1280, height: 960 });
  camera.start();
  await until(camera, (s) => s.frames >= 8);
  const statusBefore = camera.status;
  const frame = (await take(camera, 1))[0]!;
  t.ok(frame.sequence >= 7, `frame ${frame.sequence}`);
  t.ok(statusBefore.drops >= 6, `${statusBefore.drops} drops`);
  t.ok(frame.sequence >= statusBefore.frames - 1, 'the newest');
});

t.test('no process is left after stop, whichever signals the program ignores', async (t) => {
  for (const directives of [[], ['ignore-int'], ['ignore-int', 'ignore-term'], ['grandchild']]) {
    const marker = `id=${randomUUID()}`;
    const camera = openFake([marker, ...directives]);
    camera.start();
    await take(camera, 1);
    t.equal(processesWith(marker).length, directives.includes('grandchild') ? 2 : 1);
    await camera.stop();
    t.equal(await camera.next(), null, 'no frame is left either');
    await delay(50); // the kernel ends the grandchild in its own time
    t.same(processesWith(marker), [], directives.join(' '));
  }
});

t.test('a program that was killed is started again', async (t) => {
  const marker = `id=${randomUUID()}`;
  await using camera = openFake([marker]);
  camera.start();
  await take(camera, 1);
  for (const pid of processesWith(marker)) process.kill(pid, 'SIGKILL');
  t.match((await until(camera, (s) => s.state === 'offline')).reason, /rpicam-vid was killed/);
  await until(camera, (s) => s.state === 'online');
  t.equal(camera.status.reopened, 1);
});

t.test('when the daemon crashes, its camera program ends', async (t) => {
  const marker = `id=${randomUUID()}`;
  const harness = new URL('./camera-harness.js', import.meta.url).href;
  const script = `
    import { openFake, take } from '${harness}';
    const camera = openFake(['${marker}', 'stall-at=1', 'ignore-int', 'ignore-term']);
    camera.start();
    await take(camera, 1);
    throw new Error('a bug');`;
  const daemon = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  t.match(daemon.stderr, /a bug/);
  t.equal(daemon.status, 1);
  await delay(50);
  t.same(processesWith(marker), []);
});

t.test('repeated start and stop run one camera program at a time', async (t) => {
  await using camera = openFake([]);
  camera.start();
  camera.start();
  await take(camera, 1);
  const stopped = camera.stop();
  camera.start();
  await stopped;
  await take(camera, 1);
  t.equal(camera.status.state, 'online');
  await Promise.all([camera.stop(), camera.stop()]);
  t.match(camera.status, { state: 'offline', reason: 'stopped' });
  camera.start();
  t.not(readPattern((await take(camera, 1))[0]!), null);
});

t.test('a flood on stderr is drained and dropped', async (t) => {
  await using camera = openFake([`say=${'x'.repeat(100_000)}|${'y|'.repeat(5000)}`]);
  camera.start();
  t.equal((await take(camera, 2)).length, 2);
});

t.test('a busy reader does not mistake its own delay for an idle pipe', async (t) => {
  await using camera = openFake([], { width: 1280, height: 960 });
  camera.start();
  for (let i = 0; i < 6; i++) {
    const frame = (await take(camera, 1))[0]!;
    t.not(readPattern(frame), null);
    await delay(13 * i); // sometimes early, sometimes late in a frame
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 250);
  }
  t.ok(camera.status.torn <= 1, `${camera.status.torn} torn`); // the writer may have been delayed; the reader's delays must not count
});
