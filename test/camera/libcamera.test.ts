import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { libcameraProgram } from '../../src/camera/libcamera.js';
import { turned } from '../../src/camera/turn.js';
import { fakeCommand, openFake, quickOptions, take, until } from './camera-harness.js';
import { readPattern } from './test-pattern.js';

const folder = mkdtempSync(join(tmpdir(), 'roomkin-libcamera-'));
t.teardown(() => rmSync(folder, { recursive: true }));

t.test('the options become arguments of rpicam-vid', async (t) => {
  t.same(
    libcameraProgram(quickOptions).args.join(' '),
    '-n -t 0 --codec yuv420 --width 128 --height 96 --framerate 10 --denoise cdn_off --flush -o -',
  );
  const options = {
    ...quickOptions,
    index: 1,
    hflip: true,
    vflip: true,
    rotation: 180,
    mode: '1640:1232:10:P',
    tuningFile: '/a b/imx219_noir.json',
    roi: [0.25, 0.25, 0.5, 0.5],
  } as const;
  t.same(libcameraProgram(options).args.slice(13), [
    ...['--flush', '--camera', '1', '--hflip', '--vflip', '--rotation', '180', '--mode', '1640:1232:10:P'],
    ...['--tuning-file', '/a b/imx219_noir.json', '--roi', '0.25,0.25,0.5,0.5', '-o', '-'],
  ]);
});

t.test('settings are passed on, and a quarter turn is made by roomkin itself', async (t) => {
  const settings = { lens_position: 2, awb: 'indoor', flicker_period: '10000us', denoise: 'cdn_hq' } as const;
  const { args, turn } = libcameraProgram({ ...quickOptions, rotation: 90, options: settings });
  t.match(args.join(' '), '--denoise cdn_hq --lens-position 2 --awb indoor --flicker-period 10000us');
  t.notMatch(args.join(' '), /--rotation|cdn_off/);
  t.equal(turn, 90);
  await using camera = openFake([], { rotation: 90 });
  camera.start();
  const frame = (await take(camera, 1))[0]!;
  t.match(frame, { width: 96, height: 128, stride: 96 });
  t.not(readPattern(turned(frame, 270)), null, 'turned back it is the picture of the camera');
});

t.test('the actual size is the one that libcamera configured for the first stream', async (t) => {
  const { sizeIn } = libcameraProgram(quickOptions);
  const line =
    '[0:13:53.1] [99]  INFO Camera camera.cpp:1215 configuring streams: (0) 640x480-YUV420/sYCC (1) 1640x1232-SBGGR10_CSI2P/RAW';
  t.same(sizeIn(line), { width: 640, height: 480 });
  t.equal(sizeIn('configuring streams: (0) 640x480-SBGGR8/RAW'), null);
  t.equal(sizeIn('Stream configuration adjusted'), null);
});

t.test('the old name is tried where the new one is not installed', async (t) => {
  const path = process.env['PATH'];
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  writeFileSync(
    join(bin, 'libcamera-vid'),
    `#!/bin/sh\nexec ${fakeCommand()
      .map((word) => `'${word}'`)
      .join(' ')} "$@"\n`,
    { mode: 0o755 },
  );
  process.env['PATH'] = bin;
  t.teardown(() => {
    process.env['PATH'] = path;
  });
  await using camera = openFake([], { command: null });
  camera.start();
  t.not(readPattern((await take(camera, 1))[0]!), null);
  await camera.stop();
  rmSync(bin, { recursive: true });
  camera.start();
  t.match((await until(camera, (s) => s.state === 'offline')).reason, /rpicam-vid is not installed/);
});
