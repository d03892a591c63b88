import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import t from 'tap';
import { systemClock } from '../../src/base/clock.js';
import { type Log, silentLog } from '../../src/base/log.js';
import type { Frame } from '../../src/camera/camera.js';
import { openCamera } from '../../src/camera/open.js';
import type { CameraOptions } from '../../src/camera/options.js';
import { quickOptions, take, until } from './camera-harness.js';

const folder = mkdtempSync(join(tmpdir(), 'roomkin-replay-'));
t.teardown(() => rmSync(folder, { recursive: true }));
const open = (options: Partial<CameraOptions>, log: Log = silentLog) =>
  openCamera({ ...quickOptions, source: 'replay', input: folder, ...options }, systemClock, log);
const draw = (name: string, red: number, width = 64, height = 48): Promise<unknown> =>
  sharp({ create: { width, height, channels: 3, background: { r: red, g: 0, b: 0 } } })
    .png()
    .toFile(join(folder, name));

await draw('10.png', 100);
await draw('2.png', 20);
await draw('1.png', 10, 30, 60);
writeFileSync(join(folder, '3.jpg'), 'no picture');
writeFileSync(join(folder, 'notes.txt'), 'no picture either');
const centre = 3 * (48 * 128 + 64);

t.test('a lossless replay gives every readable picture in natural order, each a period after the last', async (t) => {
  const warnings: string[] = [];
  await using camera = open(
    { lossless: true, framerate: 4 },
    (level, message) => level === 'warning' && warnings.push(message),
  );
  camera.start();
  const frames: Frame[] = [];
  for (let frame = await camera.next(); frame; frame = await camera.next()) {
    frames.push(frame);
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
  t.same(
    frames.map((frame) => frame.data[centre]),
    [10, 20, 100],
  );
  t.same(
    frames.map((frame) => frame.sequence),
    [0, 1, 2],
  );
  t.same(
    frames.map((frame) => Math.round(frame.capturedAt - frames[0]!.capturedAt)),
    [0, 250, 500],
  );
  for (const frame of frames) t.match(frame, { width: 128, height: 96, stride: 384, format: 'rgb' });
  for (const frame of frames) t.equal(frame.data.length, 384 * 96);
  t.equal(frames[0]!.data[3 * 48 * 128], 0, 'an upright picture has black bars');
  t.match(camera.status, { state: 'offline', reason: 'the replay is over', drops: 0 });
  t.equal(warnings.length, 1);
  t.match(warnings[0], /3\.jpg is skipped/);
});

t.test('at its own rate the newest picture is kept', async (t) => {
  await using camera = open({ loop: true, framerate: 50 });
  camera.start();
  const startedAt = performance.now();
  await until(camera, (s) => s.frames >= 20);
  t.ok(performance.now() - startedAt > 300, '20 pictures at 50 a second');
  const statusBefore = camera.status;
  t.ok(statusBefore.drops >= 18);
  const frame = (await take(camera, 1))[0]!;
  t.ok(frame.sequence >= statusBefore.frames - 1, 'the newest');
  await camera.stop();
  t.equal(await camera.next(), null);
  camera.start();
  t.equal((await take(camera, 1))[0]!.data[centre], 10, 'starts again at the first picture');
});

t.test('grey, transparent and rotated pictures become upright RGB', async (t) => {
  const odd = join(folder, 'odd');
  mkdirSync(odd);
  await sharp({ create: { width: 40, height: 20, channels: 4, background: { r: 255, g: 255, b: 255, alpha: 0 } } })
    .png()
    .toFile(join(odd, '1.png'));
  const grey = Buffer.alloc(128 * 96).fill(200, 0, 64 * 96);
  await sharp(grey, { raw: { width: 128, height: 96, channels: 1 } })
    .toColourspace('b-w')
    .withMetadata({ orientation: 3 })
    .jpeg()
    .toFile(join(odd, '2.jpg'));
  await using camera = open({ input: odd, lossless: true });
  camera.start();
  const [clear, turned] = await take(camera, 2);
  t.equal(clear!.data.length, 384 * 96);
  t.equal(clear!.data[centre], 0);
  t.equal(turned!.data.length, 384 * 96);
  t.ok(turned!.data[3 * 128 * 90]! > 190 && turned!.data[3 * 128 * 5]! < 10, 'orientation 3 is upside down');
  await using flipped = open({ input: odd, lossless: true, rotation: 180 });
  flipped.start();
  const back = (await take(flipped, 2))[1]!;
  t.ok(back.data[3 * 128 * 90]! < 10 && back.data[3 * 128 * 5]! > 190);
});

t.test('a missing or empty folder is a reason to be offline, and is read again later', async (t) => {
  const late = join(folder, 'late');
  await using camera = open({ input: late });
  camera.start();
  t.match((await until(camera, (s) => s.state === 'offline')).reason, /cannot be read \(ENOENT\)/);
  mkdirSync(late);
  await until(camera, (s) => /no readable picture/.test(s.reason ?? ''));
  await sharp({ create: { width: 8, height: 8, channels: 3, background: 'red' } })
    .png()
    .toFile(join(late, 'a.png'));
  t.equal((await take(camera, 1))[0]!.data[centre], 255);
});

t.test('a replay that nobody reads can be stopped', async () => {
  const camera = open({ lossless: true });
  camera.start();
  await camera.stop();
});
