// Replaces rpicam-vid: plays the frames of the current scene in a loop until the test sets another scene. ROOMKIN_SCENE names the
// file with the raw frames. This program writes its process id beside it.
import { readFileSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

const scene = process.env['ROOMKIN_SCENE'] ?? '';
const argument = (name: string): number => Number(process.argv[process.argv.indexOf(name) + 1]);
const [width, height] = [argument('--width'), argument('--height')];
const frameBytes = (width * height * 3) / 2;
process.on('SIGINT', () => process.exit(0));
writeFileSync(`${scene}.pid`, String(process.pid));
process.stderr.write(`INFO Camera camera.cpp:1215 configuring streams: (0) ${width}x${height}-YUV420/sYCC\n`);

let [frames, changed] = [Buffer.alloc(0), 0];
for (let n = 0; ; n += 1) {
  const { mtimeMs } = statSync(scene);
  if (mtimeMs !== changed) [frames, changed] = [readFileSync(scene), mtimeMs];
  const from = (n % Math.floor(frames.length / frameBytes)) * frameBytes;
  write(frames.subarray(from, from + frameBytes));
  await delay(1000 / argument('--framerate'));
}

/** Blocks like fwrite. A closed pipe ends the program. */
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
