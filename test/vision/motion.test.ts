import t from 'tap';
import type { Box } from '../../src/vision/face.js';
import { coherent, lumaGrid, motion } from '../../src/vision/motion.js';
import type { Picture } from '../../src/vision/picture.js';

const width = 320;
const height = 256;

/** A noisy grey frame with a square of another grey, I420. `seed` drives the noise (an LCG, as in Numerical Recipes). */
function frame(seed: number, base: number, square?: { x: number; y: number; luma: number }, noiseRange = 25): Picture {
  const data = new Uint8Array((width * height * 3) / 2).fill(128);
  let state = seed;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      const inside = square && x >= square.x && x < square.x + 48 && y >= square.y && y < square.y + 48;
      data[y * width + x] = (inside ? square.luma : base) + ((state >>> 24) % noiseRange) - (noiseRange >> 1);
    }
  }
  return { width, height, format: 'i420', stride: width, data };
}

t.test('noise alone is not motion', async (t) => {
  t.strictSame(motion(lumaGrid(frame(1, 100)), lumaGrid(frame(2, 100))), []);
});

t.test('a brighter light everywhere is not motion', async (t) => {
  t.strictSame(motion(lumaGrid(frame(1, 100)), lumaGrid(frame(2, 140))), []);
});

t.test('an object that moved gives boxes at its old and its new position', async (t) => {
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

t.test('without an earlier frame the whole frame moved', async (t) => {
  t.strictSame(motion(null, lumaGrid(frame(1, 100))), [[0, 0, width, height]]);
});

t.test('rgb frames are measured by their green channel', async (t) => {
  const data = new Uint8Array(64 * 64 * 3);
  for (let i = 0; i < 64 * 64; i++) data[i * 3 + 1] = 77;
  t.ok(lumaGrid({ width: 64, height: 64, format: 'rgb', stride: 192, data }).luma.every((value) => value === 77));
});

t.test('cells of a body touch, cells of noise do not', async (t) => {
  const run = (column: number, row: number, cells: number): Box => [column * 32, row * 32, cells * 32, 32];
  const keptBoxes = (...runs: Box[]) => coherent(runs).length;
  t.equal(keptBoxes(run(0, 0, 3)), 1);
  t.equal(keptBoxes(run(0, 0, 2)), 0);
  t.equal(keptBoxes(run(0, 0, 1), run(0, 1, 1), run(0, 2, 1)), 3, 'a column');
  t.equal(keptBoxes(run(0, 0, 2), run(1, 1, 1)), 2, 'an angle');
  t.equal(keptBoxes(run(0, 0, 1), run(2, 0, 1), run(0, 1, 3)), 3, 'joined below');
  t.equal(keptBoxes(run(0, 0, 1), run(1, 1, 1), run(2, 2, 1)), 0, 'corners do not join');
  t.equal(keptBoxes(run(0, 0, 2), run(0, 2, 2)), 0, 'separate rows do not join');
  t.equal(keptBoxes(run(0, 0, 1), run(5, 0, 3), run(0, 1, 1)), 1);

  let [cells, solid] = [0, 0];
  for (let seed = 1; seed <= 100; seed++) {
    const moved = motion(
      lumaGrid(frame(7 * seed, 100, undefined, 49)),
      lumaGrid(frame(7 * seed + 3, 100, undefined, 49)),
    );
    cells += moved.length;
    solid += coherent(moved).length;
  }
  t.ok(cells > 50 && solid < cells / 50, `${solid} of ${cells} in the dark`);
});
