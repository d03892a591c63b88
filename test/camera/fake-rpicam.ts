// A scripted rpicam-vid: a real process that imitates the observed behaviour and faults of the real one. Directives come
// first (`stride-align=64 stall-at=3 --`), then rpicam-vid's own arguments. Frames have the pattern of test-pattern.ts, so
// that a reader can tell whether every byte is in its place.
import { spawn } from 'node:child_process';
import { writeSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { drawPattern } from './test-pattern.js';

const separator = process.argv.indexOf('--');
const directives = new Map(
  process.argv.slice(2, separator).map((text): [string, string] => {
    const at = text.indexOf('=');
    return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
  }),
);
const args = process.argv.slice(separator + 1);
const number = (name: string, otherwise: number): number => Number(directives.get(name) ?? otherwise);
const argument = (name: string): string => args[args.indexOf(name) + 1] ?? '';
const print = (line: string): void => void process.stderr.write(`${line}\n`);

for (const required of ['-n', '-t', '--codec', '--flush', '-o']) {
  if (!args.includes(required)) {
    print(`ERROR: *** this fake needs ${required} ***`);
    process.exit(255);
  }
}

if (directives.has('say')) for (const line of directives.get('say')?.split('|') ?? []) print(line);
if (directives.has('exit')) process.exit(Number(directives.get('exit')));
if (directives.has('ignore-int')) process.on('SIGINT', () => {});
else process.on('SIGINT', () => process.exit(0));
if (directives.has('ignore-term')) process.on('SIGTERM', () => {});
if (directives.has('grandchild')) {
  // Holds the same pipes and ignores SIGINT and SIGTERM.
  spawn('/bin/sh', ['-c', "trap '' INT TERM; while :; do sleep 1; done", ...process.argv.slice(2, separator)], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
}

const [width, height] = (directives.get('size') ?? `${argument('--width')}x${argument('--height')}`)
  .split('x')
  .map(Number) as [number, number];
const alignment = number('stride-align', 64);
const stride = Math.ceil(width / alignment) * alignment;
const periodMs = 1000 / Number(argument('--framerate'));
print(
  `[0:13:53.111] [99]  INFO Camera camera.cpp:1215 configuring streams: (0) ${width}x${height}-YUV420/sYCC (1) 640x480-SBGGR8/RAW`,
);

/** Writes all bytes, blocking like fwrite. A closed pipe ends the program as SIGPIPE does. */
function write(bytes: Uint8Array): void {
  for (let from = 0; from < bytes.length; ) {
    try {
      from += writeSync(1, bytes, from);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') process.exit(134);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}

for (let k = 0; k < number('frames', Number.POSITIVE_INFINITY); k++) {
  const frame = drawPattern(k, width, height, stride);
  if (k === number('lose-byte-at', -1)) {
    write(frame.subarray(0, 1000));
    write(frame.subarray(1001));
  } else if (k === number('extra-byte-at', -1)) {
    write(Uint8Array.of(7));
    write(frame);
  } else if (k === number('late-at', -1)) {
    write(frame.subarray(0, frame.length >> 1));
    await delay(0.9 * periodMs);
    write(frame.subarray(frame.length >> 1));
  } else if (k === number('stall-at', -1)) {
    for (let i = 0; i < number('stall-rounds', 1e6); i++) {
      print('[0:14:00.1] [99]  ERROR V4L2 v4l2_videodevice.cpp:2100 /dev/video4: Camera frontend has timed out!');
      print('ERROR: Device timeout detected, attempting a restart!!!');
      await delay(100);
    }
  } else if (directives.has('no-flush')) {
    // stdio keeps the end of every other frame until the next one comes.
    write(
      k % 2 === 0
        ? frame.subarray(0, frame.length - 2048)
        : Buffer.concat([drawPattern(k - 1, width, height, stride).subarray(-2048), frame]),
    );
  } else {
    write(frame);
  }
  if (!directives.has('unpaced')) await delay(periodMs);
}
