// With the ffmpeg of this machine and a clip that it generates.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { systemClock } from '../../src/base/clock.js';
import { type Log, silentLog } from '../../src/base/log.js';
import { readAddress } from '../../src/camera/address.js';
import { ffmpegProgram } from '../../src/camera/ffmpeg.js';
import { openCamera } from '../../src/camera/open.js';
import type { CameraOptions } from '../../src/camera/options.js';
import { processesWith, quickOptions, take, until } from './camera-harness.js';

const skip = spawnSync('ffmpeg', ['-version']).error ? 'ffmpeg is not installed' : false;
const folder = mkdtempSync(join(tmpdir(), 'roomkin-ffmpeg-'));
t.teardown(() => rmSync(folder, { recursive: true }));
const clip = join(folder, "a clip's name.mkv");
const open = (options: Partial<CameraOptions>, log: Log = silentLog) =>
  openCamera({ ...quickOptions, source: 'ffmpeg', input: clip, ...options }, systemClock, log);

t.test('an address with a password is never an argument and never in a line of the log', async (t) => {
  const input = "rtsp://ada:s3%27cr'et@cam.lan:554/live";
  const program = ffmpegProgram({ ...quickOptions, source: 'ffmpeg', input });
  t.notMatch(program.args.join(' '), /cam\.lan|s3|ada/);
  t.match(program.stdin, "file 'rtsp://ada:s3%27cr%27et@cam.lan:554/live'\noption rtsp_transport tcp");
  t.equal(program.ends, false);
  for (const line of [
    `${input}: Connection refused`,
    "[concat] Impossible to open 'rtsp://ada:s3%27cr%27et@cam.lan:554/live'",
    "Authorization: s3'cr'et",
  ]) {
    t.notMatch(program.redact(line), /s3.*cr/, line);
  }
  t.equal(readAddress('http://cam.lan/x').redact('http://cam.lan/x: 404'), 'http://cam.lan/x: 404');
  t.equal(readAddress('/a/b@c.mp4').redact('file:/a/b@c.mp4: bad'), 'file:/a/b@c.mp4: bad');
});

t.test('a webcam is opened as a V4L2 device and does not end', async (t) => {
  const program = ffmpegProgram({ ...quickOptions, source: 'ffmpeg', input: '/dev/video9' });
  t.match(program.args.join(' '), '-f v4l2 -framerate 10 -video_size 128x96 -i /dev/video9 ');
  t.equal(program.ends, false);
  const settings = { input_format: 'mjpeg' } as const;
  const { args } = ffmpegProgram({ ...quickOptions, source: 'ffmpeg', input: '/dev/video9', options: settings });
  t.match(args.join(' '), '-f v4l2 -input_format mjpeg -framerate 10');
  const rtsp = { source: 'ffmpeg', input: 'rtsp://cam.lan/x', options: { rtsp_transport: 'udp' } } as const;
  t.match(ffmpegProgram({ ...quickOptions, ...rtsp }).stdin, '\noption rtsp_transport udp\n');
});

t.test('with ffmpeg', { skip }, async (t) => {
  const result = spawnSync(
    'ffmpeg',
    // Two seconds of white, 16:9, limited range BT.709 as cameras and films are.
    [
      '-hide_banner',
      '-loglevel',
      'error',
      '-f',
      'lavfi',
      '-i',
      'color=white:s=320x180:r=25:d=2',
      '-c:v',
      'ffv1',
      '-pix_fmt',
      'yuv420p',
      clip,
    ],
    { encoding: 'utf8' },
  );
  if (result.status !== 0) throw new Error(result.stderr);

  t.test('a file plays at its own speed, in the requested size, in full range, and ends', async (t) => {
    await using camera = open({});
    const startedAt = performance.now();
    camera.start();
    const frame = (await take(camera, 1))[0]!;
    t.match(frame, { width: 128, height: 96, stride: 128, format: 'i420' });
    t.equal(frame.data[48 * 128 + 64], 255, 'white is 255, not 235');
    t.ok(frame.data[0]! <= 16, 'the bars of a letterbox are black');
    t.equal(frame.data[128 * 96 + 24 * 64 + 32], 128, 'white has no colour');
    let last = frame;
    for (let next = await camera.next(); next; next = await camera.next()) last = next;
    t.ok(performance.now() - startedAt > 1500, 'two seconds take two seconds');
    t.ok(camera.status.frames >= 15 && camera.status.frames <= 22, `${camera.status.frames} frames at 10 a second`);
    t.equal(last.sequence, camera.status.frames - 1, 'the last frame was given');
    t.match(camera.status, { state: 'offline', reason: 'the video is over', reopened: 0 });
  });

  t.test('a looped file goes on', async (t) => {
    await using camera = open({ loop: true });
    camera.start();
    await until(camera, (s) => s.frames > 26);
    t.equal(camera.status.reopened, 0);
  });

  t.test('the reason says what is wrong with the input', async (t) => {
    const text = join(folder, 'notes.txt');
    writeFileSync(text, 'no video');
    for (const [input, reason] of [
      [join(folder, 'absent.mp4'), /does not exist/],
      [text, /not a video/],
      ['/dev/video77', /does not exist/],
      ['rtsp://ada:secret@127.0.0.1:9/live', /nothing answers/],
    ] as const) {
      const messages: string[] = [];
      await using camera = open({ input }, (_level, message) => void messages.push(message));
      camera.start();
      t.match((await until(camera, (s) => s.state === 'offline')).reason, reason);
      t.notMatch(messages.join('\n'), /secret/);
    }
  });

  t.test('a name that looks like a protocol or an option is a file', async (t) => {
    for (const input of ['concat:a|b', '-version']) {
      await using camera = open({ input });
      camera.start();
      t.match((await until(camera, (s) => s.state === 'offline')).reason, /does not exist/, input);
    }
  });

  t.test('the password is in no process list, and no process is left after stop', async (t) => {
    const marker = join(folder, 'ffmpeg.log');
    // A listener that accepts and never answers keeps ffmpeg waiting.
    const { createServer } = await import('node:net');
    const server = createServer(() => {}).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as { port: number };
    t.teardown(() => void server.close());
    const command = ['/bin/sh', '-c', `exec ffmpeg "$@"`, marker];
    // A size of its own tells this ffmpeg from those of other tests.
    const options = { input: `rtsp://ada:secret@127.0.0.1:${port}/live`, command, width: 142, height: 98 };
    const { args } = ffmpegProgram({ ...quickOptions, source: 'ffmpeg', ...options });
    const filters = args[args.indexOf('-vf') + 1]!;
    const camera = open(options);
    const connected = new Promise((resolve) => server.once('connection', resolve));
    camera.start();
    await connected;
    const ids = processesWith(filters);
    t.ok(ids.length >= 1);
    for (const id of ids) t.notMatch(readFileSync(`/proc/${id}/cmdline`, 'utf8'), /secret/);
    await camera.stop();
    t.same(
      processesWith(filters).filter((id) => ids.includes(id)),
      [],
    );
  });
});
