import t from 'tap';
import { lumaGrid, motion } from '../../src/vision/motion.js';
import type { Picture } from '../../src/vision/picture.js';

const width = 320;
const height = 256;

/** A noisy grey frame with a square of another grey, I420. `seed` drives the noise (an LCG, as in Numerical Recipes). */
function frame(seed: number, base: number, square?: { x: number; y: number; luma: number }): Picture {
  const data = new Uint8Array((width * height * 3) / 2).fill(128);
  let state = seed;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      const inside = square && x >= square.x && x < square.x + 48 && y >= square.y && y < square.y + 48;
      data[y * width + x] = (inside ? square.luma : base) + ((state >>> 24) % 25) - 12;
    }
  }
  return { width, height, format: 'i420', stride: width, data };
}

t.test('noise alone is not motion', async (t) => {
  t.strictSame(motion(lumaGrid(frame(1, 100)), lumaGrid(frame(2, 100))), []);
});

t.test('the light going up everywhere is not motion', async (t) => {
  t.strictSame(motion(lumaGrid(frame(1, 100)), lumaGrid(frame(2, 140))), []);
});

t.test('something that moved is found where it was and where it is', async (t) => {
  const boxes = motion(
    lumaGrid(frame(1, 100, { x: 32, y: 32, luma: 180 })),
    lumaGrid(frame(2, 100, { x: 192, y: 96, luma: 180 })),
  );
  const covers = (px: number, py: number) =>
    boxes.some(([x, y, w, h]) => px >= x && px < x + w && py >= y && py < y + h);
  t.ok(covers(56, 56), 'where it was');
  t.ok(covers(216, 120), 'where it is');
  t.notOk(covers(280, 230), 'nowhere else');
});

t.test('without an earlier frame everything moved', async (t) => {
  t.strictSame(motion(null, lumaGrid(frame(1, 100))), [[0, 0, width, height]]);
});

t.test('rgb frames are measured by their green', async (t) => {
  const data = new Uint8Array(64 * 64 * 3);
  for (let i = 0; i < 64 * 64; i++) data[i * 3 + 1] = 77;
  t.ok(lumaGrid({ width: 64, height: 64, format: 'rgb', stride: 192, data }).luma.every((value) => value === 77));
});
