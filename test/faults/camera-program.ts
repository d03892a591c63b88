// Stands in for rpicam-vid: writes one picture again and again, moved to and fro, as YUV 4:2:0, and breaks as the file MODE says. The file is read before
// each frame, so that a test can break a running camera. Usage: node camera-program.js PICTURE MODE [arguments of rpicam-vid]
import { readFileSync, writeSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';

const [picturePath = '', modePath = ''] = process.argv.slice(2);
const original = readFileSync(picturePath);
const option = (name: string): number => Number(process.argv[process.argv.indexOf(name) + 1]);
const [width, height] = [option('--width'), option('--height')];

/** The picture 8 px further to the left: every frame differs from the one before, so each is analysed. */
const shifted = Buffer.from(original);
for (let row = 0; row < height; row += 1) {
  const at = row * width;
  original.copy(shifted, at, at + 8, at + width);
}
/** A grey room. Its two pictures differ in a corner, so that they are no still picture either. */
const empty = Buffer.alloc(original.length, 128);
const emptyAgain = Buffer.from(empty);
for (let row = 0; row < 16; row += 1) emptyAgain.fill(200, row * width, row * width + 16);
let frame = 0;
let picture = original;

/** Writes all of `bytes`; the pipe may take less at once. */
async function write(bytes: Uint8Array): Promise<void> {
  for (let sent = 0; sent < bytes.length; ) {
    try {
      sent += writeSync(1, bytes, sent);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      await wait(2);
    }
  }
}

for (;;) {
  frame += 1;
  picture = frame % 2 === 0 ? original : shifted;
  const mode = readFileSync(modePath, 'utf8').trim();
  switch (mode) {
    case 'silent':
      await wait(100);
      break;
    case 'exits':
      process.stderr.write('ERROR: *** failed to acquire camera /base/soc/i2c0mux/i2c@1/imx708@1a ***\n');
      process.exit(255);
      break;
    case 'torn':
      await write(picture.subarray(0, Math.floor(picture.length * 0.6)));
      await wait(200);
      break;
    case 'garbage':
      await write(Buffer.from(Array.from({ length: picture.length + 777 }, (_, n) => (n * 2_654_435_761) & 255)));
      await wait(200);
      break;
    case 'wrong size':
      await write(picture.subarray(0, picture.length / 4));
      await wait(200);
      break;
    case 'too fast':
      await write(picture);
      break;
    case 'empty':
      await write(frame % 2 === 0 ? empty : emptyAgain);
      await wait(200);
      break;
    default:
      await write(picture);
      await wait(200);
  }
}
