// With a real libcamera whose virtual camera plays pictures. ROOMKIN_VIRTUAL_CAMERA names its root folder (made by
// tools/pi/virtual-cam-root.sh of the shared folder), ROOMKIN_SHARED the shared folder with tools/pi/rpicam-vid.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import sharp from 'sharp';
import t from 'tap';
import { systemClock } from '../../src/base/clock.js';
import { packageRoot } from '../../src/base/files.js';
import { silentLog } from '../../src/base/log.js';
import { openCamera } from '../../src/camera/open.js';
import { defaultCameraOptions } from '../../src/camera/options.js';
import { processesWith, quickOptions, take, until } from './camera-harness.js';

const root = process.env['ROOMKIN_VIRTUAL_CAMERA'] ?? '';
const program = join(process.env['ROOMKIN_SHARED'] ?? resolve(packageRoot, '..', 'shared'), 'tools/pi/rpicam-vid');
const skip = skipReason();

function skipReason(): string | false {
  if (!existsSync(join(root, 'usr/local/lib/dmaheap-shim.so')))
    return 'ROOMKIN_VIRTUAL_CAMERA names no root folder with a virtual camera';
  if (!existsSync(program)) return `${program} does not exist`;
  return process.getuid?.() === 0 ? false : 'needs root';
}

t.test('a real libcamera', { skip }, async (t) => {
  const frames = mkdtempSync(join(tmpdir(), 'roomkin-virtual-'));
  t.teardown(() => rmSync(frames, { recursive: true }));
  const greys = [40, 120, 200];
  for (const [i, grey] of greys.entries()) {
    const background = { r: grey, g: grey, b: grey };
    await sharp({ create: { width: 1280, height: 960, channels: 3, background } })
      .jpeg()
      .toFile(join(frames, `${i}.jpg`));
  }
  const options = {
    ...defaultCameraOptions,
    timings: { ...quickOptions.timings, openMs: 15_000 },
    framerate: 10,
    command: ['env', `PI_CAMERA_ROOT=${root}`, `PI_CAMERA_FRAMES=${frames}`, program],
  };

  t.test('gives whole frames, each of one picture, until it is stopped', async (t) => {
    const camera = openCamera(options, systemClock, silentLog);
    camera.start();
    const firstFrames = await take(camera, 15);
    for (const { data, width, height, stride } of firstFrames) {
      t.match({ width, height, stride }, { width: 1280, height: 960, stride: 1280 });
      t.equal(data.length, (1280 * 960 * 3) / 2);
      const luma = data.subarray(0, 1280 * 960);
      t.ok(
        luma.every((value) => Math.abs(value - luma[0]!) <= 2),
        'no mixed rows of two pictures',
      );
      t.ok(
        data.subarray(1280 * 960).every((value) => Math.abs(value - 128) <= 2),
        'chroma is in its place',
      );
    }
    t.ok(new Set(firstFrames.map((frame) => frame.data[0])).size >= 3, 'all pictures appear');
    t.match(camera.status, { state: 'online', torn: 0, reopened: 0 });
    await camera.stop();
    t.same(processesWith('libcamerasrc'), []);
  });

  t.test('reports that there is no camera', async (t) => {
    await using camera = openCamera(
      { ...options, command: ['env', `PI_CAMERA_ROOT=${root}`, program] },
      systemClock,
      silentLog,
    );
    camera.start();
    t.match((await until(camera, (s) => s.state === 'offline')).reason, /no camera was found/);
  });
});
