// Cameras in the network that are not as the standards want them, each a real HTTP server, read by the ffmpeg of this machine.
import { spawnSync } from 'node:child_process';
import t from 'tap';
import { systemClock } from '../../src/base/clock.js';
import { type Log, silentLog } from '../../src/base/log.js';
import { openCamera } from '../../src/camera/open.js';
import type { CameraOptions } from '../../src/camera/options.js';
import { quickOptions, take, until } from './camera-harness.js';
import { httpCamera, jpegOf, live, mjpeg, transportStream } from './http-server.js';

const skip = spawnSync('ffmpeg', ['-version']).error ? 'ffmpeg is not installed' : false;
const open = (options: Partial<CameraOptions>, log: Log = silentLog) =>
  openCamera({ ...quickOptions, source: 'ffmpeg', framerate: 5, ...options }, systemClock, log);
const gray = ['-c:v', 'libx264', '-preset', 'ultrafast', '-bf', '0', '-sc_threshold', '0'];

t.test('MJPEG at the configured rate loses no frame, with and without lengths', { skip }, async (t) => {
  const pictures = await Promise.all(Array.from({ length: 16 }, (_, index) => jpegOf(10 + index * 15)));
  for (const hasLength of [true, false]) {
    await using server = await httpCamera(mjpeg((index) => pictures[index % 16]!, 200, { hasLength }));
    await using camera = open({ input: server.address });
    camera.start();
    await until(camera, ({ frames }) => frames >= 5);
    const startedAt = performance.now();
    const framesBefore = camera.status.frames;
    await until(camera, ({ frames }) => frames >= framesBefore + 30);
    const rate = 30_000 / (performance.now() - startedAt);
    // Each picture has a brightness of its own, so a picture that is missing shows.
    const seen = (await take(camera, 12)).map(({ data }) => Math.round((data[64 * 128 + 64]! - 10) / 15));
    const steps = seen.slice(1).map((value, index) => (value - seen[index]! + 16) % 16);
    t.ok(
      rate >= 4.9 || steps.every((step) => step === 1),
      `${rate.toFixed(2)} frames a second, steps ${steps.join(' ')}`,
    );
    t.match(camera.status, { state: 'online', reopened: 0, torn: 0, snapshots: false });
  }
});

t.test('MJPEG above the configured rate is limited to it', { skip }, async (t) => {
  const pictures = await Promise.all([20, 120, 220].map((grey) => jpegOf(grey)));
  let sent = 0;
  await using server = await httpCamera(mjpeg((index) => pictures[index % 3]!, 50, { onSent: () => sent++ }));
  await using camera = open({ input: server.address });
  camera.start();
  await until(camera, ({ frames }) => frames >= 5);
  const [sentBefore, framesBefore] = [sent, camera.status.frames];
  await until(camera, ({ frames }) => frames >= framesBefore + 20);
  t.ok(sent - sentBefore >= 50, `${sent - sentBefore} pictures for 20 frames; 80 on a quiet machine`);
});

t.test('a stream whose clock jumps forwards and back gives its frames', { skip }, async (t) => {
  const part = (offset: string) => ({
    bytes: transportStream('-i', 'testsrc=s=128x96:r=5:d=4', ...gray, '-g', '10', '-output_ts_offset', offset),
    ms: 4000,
  });
  await using server = await httpCamera(live([part('7200'), part('10'), part('90000')], { stays: true }));
  await using camera = open({ input: server.address });
  camera.start();
  const status = await until(camera, ({ frames, reopened }) => frames >= 54 || reopened > 0);
  t.match(status, { reopened: 0, torn: 0 }, '60 frames were sent in three parts');
});

t.test('a stream that changes its size in the middle goes on', { skip }, async (t) => {
  const part = (size: string) => ({
    bytes: transportStream('-i', `color=white:s=${size}:r=5:d=4`, ...gray, '-g', '10'),
    ms: 4000,
  });
  await using server = await httpCamera(live([part('128x96'), part('320x180'), part('96x128')], { stays: true }));
  await using camera = open({ input: server.address });
  camera.start();
  const shapes = new Set<string>();
  while (camera.status.frames < 50 && camera.status.reopened === 0) {
    const { data, width, height } = (await take(camera, 1))[0]!;
    const row = data.subarray(48 * 128, 49 * 128).filter((value) => value > 128).length;
    const column = Array.from({ length: 96 }, (_, y) => data[y * 128 + 64]!).filter((value) => value > 128).length;
    shapes.add(`${width}x${height}: ${row}x${column}`);
  }
  t.equal(camera.status.reopened, 0);
  t.same([...shapes], ['128x96: 128x96', '128x96: 128x72', '128x96: 72x96']);
});

t.test('a stream with few bytes gives its first frame soon', { skip }, async (t) => {
  const bytes = transportStream('-i', 'color=gray:s=128x96:r=2:d=20', ...gray, '-g', '40', '-crf', '40');
  t.ok(bytes.length < 40_000, `${bytes.length} bytes in 20 seconds`);
  await using server = await httpCamera(live([{ bytes, ms: 20_000 }], { stays: true }));
  await using camera = open({ input: server.address });
  camera.start();
  const status = await until(camera, ({ frames, reopened }) => frames >= 8 || reopened > 0);
  t.equal(status.reopened, 0);
});

t.test('a stream without a keyframe for 10 seconds is waited for', { skip }, async (t) => {
  const bytes = transportStream('-i', 'testsrc=s=128x96:r=5:d=14', ...gray, '-g', '50', '-keyint_min', '50');
  // Without the first packets of the first keyframe, so that nothing can be decoded before the second.
  const cut = bytes.subarray(188 * Math.ceil(bytes.length / 188 / 20));
  await using server = await httpCamera(live([{ bytes: cut, ms: 13_300 }], { stays: true }));
  await using camera = open({ input: server.address });
  camera.start();
  const status = await until(camera, ({ frames, reopened }) => frames >= 10 || reopened > 0);
  t.equal(status.reopened, 0);
});

t.test('a stream that freezes is opened again, and the state says why', { skip }, async (t) => {
  const bytes = transportStream('-i', 'testsrc=s=128x96:r=5:d=2', ...gray, '-g', '5');
  let opened = 0;
  await using server = await httpCamera((request, response) => {
    opened++;
    return live([{ bytes, ms: 2000 }], { stays: true })(request, response);
  });
  await using camera = open({ input: server.address, stallMs: 2000 });
  camera.start();
  await until(camera, ({ frames }) => frames > 3);
  t.match((await until(camera, ({ state }) => state === 'offline')).reason, /no frame for .*sends nothing/);
  await until(camera, ({ state, reopened }) => state === 'online' && reopened > 0);
  t.equal(opened, 2, 'a stream is not taken for a snapshot address');
});

t.test('the pixels of a stretched stream become square', { skip }, async (t) => {
  const white = (options: Partial<CameraOptions>, sar: string) => async () => {
    const bytes = transportStream(
      '-i',
      `color=white:s=176x180:r=5:d=4,setsar=${sar}`,
      '-c:v',
      'mpeg2video',
      '-r',
      '25',
    );
    await using server = await httpCamera(live([{ bytes, ms: 4000 }], { stays: true }));
    await using camera = open({ input: server.address, width: 160, height: 90, ...options });
    camera.start();
    const { data } = (await take(camera, 1))[0]!;
    const row = data.subarray(45 * 160, 46 * 160).filter((value) => value > 128).length;
    const column = Array.from({ length: 90 }, (_, y) => data[y * 160 + 80]!).filter((value) => value > 128).length;
    return [row, column];
  };
  t.same(await white({}, '20/11')(), [160, 90], 'as the stream says');
  t.same(await white({}, '1/1')(), [88, 90], 'square pixels stay as they are');
  t.same(await white({ aspect: 4 / 3 }, '1/1')(), [120, 90], 'as the configuration says');
});

t.test('a snapshot address is recognised and polled', { skip }, async (t) => {
  const pictures = await Promise.all([20, 120, 220].map((grey) => jpegOf(grey)));
  let asked = 0;
  let isBroken = false;
  await using server = await httpCamera((_request, response) => {
    asked++;
    if (isBroken) response.writeHead(503).end();
    else response.writeHead(200, { 'content-type': 'image/jpeg' }).end(pictures[asked % 3]);
  });
  const messages: string[] = [];
  await using camera = open({ input: server.address, snapshotMs: 100, stallMs: 1000 }, (_level, message) =>
    messages.push(message),
  );
  camera.start();
  // ffmpeg passes the first picture on as a video of one frame.
  await until(camera, ({ snapshots }) => snapshots);
  const frames = await take(camera, 3);
  for (const frame of frames) t.match(frame, { width: 128, height: 96, format: 'rgb', stride: 384 });
  const values = frames.map(({ data }) => data[3 * (48 * 128 + 64)]!);
  t.equal(new Set(values.map((value) => Math.round(value / 50))).size, 3, `${values.join(' ')}: each another picture`);
  t.match(camera.status, { state: 'online', snapshots: true, reopened: 0 });
  t.match(messages.join('\n'), /one picture for each request/);
  isBroken = true;
  t.match((await until(camera, ({ state }) => state === 'offline')).reason, /snapshot address.*503/);
  isBroken = false;
  await until(camera, ({ state }) => state === 'online');
  t.equal(camera.status.snapshots, true);
});

t.test('a snapshot address with a login, Basic or Digest', { skip }, async (t) => {
  const picture = await jpegOf(200);
  for (const challenge of ['Basic realm="cam"', 'Digest realm="cam", nonce="0a1b", qop="auth", algorithm=MD5']) {
    const kind = challenge.split(' ')[0]!;
    const seen: string[] = [];
    await using server = await httpCamera((request, response) => {
      const authorization = request.headers.authorization ?? '';
      seen.push(authorization);
      if (authorization.startsWith(`${kind} `)) response.writeHead(200, { 'content-type': 'image/jpeg' }).end(picture);
      else response.writeHead(401, { 'www-authenticate': challenge }).end();
    });
    await using camera = open({ input: server.address.replace('//', '//ada:s#3%20cret@'), snapshotMs: 100 });
    camera.start();
    await take(camera, 2);
    t.equal(camera.status.snapshots, true, kind);
    if (kind === 'Basic')
      t.ok(seen.includes(`Basic ${Buffer.from('ada:s#3 cret').toString('base64')}`), 'the login as it was written');
  }
});

t.test('an address that is no camera keeps the reason of ffmpeg', { skip }, async (t) => {
  await using server = await httpCamera((_request, response) => {
    response.writeHead(404).end('nothing here');
  });
  await using camera = open({ input: server.address });
  camera.start();
  t.match((await until(camera, ({ state }) => state === 'offline')).reason, /does not know this path/);
});
