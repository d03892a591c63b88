// A camera process for test/bars/frame-cost.ts: it writes the frames of a file again and again, at the frame rate that rpicam-vid is
// asked for.
//
//   node frame-cost-camera.js FILE -- RPICAM_ARGUMENTS...
import { readFileSync, writeSync } from 'node:fs';

const value = (name: string): number => Number(process.argv[process.argv.indexOf(name) + 1]);
const bytes = readFileSync(process.argv[2]!);
const frameBytes = (value('--width') * value('--height') * 3) / 2;
process.on('SIGINT', () => process.exit(0));

let frame = 0;
setInterval(() => {
  const at = (frame++ * frameBytes) % bytes.length;
  for (let from = at; from < at + frameBytes; ) {
    try {
      from += writeSync(1, bytes, from, at + frameBytes - from);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') process.exit(0);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}, 1000 / value('--framerate'));
