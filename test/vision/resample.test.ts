import t from 'tap';
import { planes } from '../../src/vision/picture.js';
import { resample } from '../../src/vision/resample.js';
import { viewAround, wholeView } from '../../src/vision/view.js';
import { madePicture, toI420 } from './made-picture.js';

const mean = (values: ArrayLike<number>): number => Array.from(values).reduce((a, b) => a + b, 0) / values.length;
const worst = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((max, value, i) => Math.max(max, Math.abs(value - b[i]!)), 0);

t.test('at its own size a picture stays as it is', async (t) => {
  const picture = madePicture('noise', 64, 64);
  t.ok(worst(resample(picture, wholeView(picture), 64), picture.data) < 1e-3);
});

t.test('shrinking keeps every pixel: the mean does not change', async (t) => {
  const picture = madePicture('noise', 200, 200);
  for (const side of [7, 48, 100, 150]) {
    t.ok(Math.abs(mean(resample(picture, wholeView(picture), side)) - mean(picture.data)) < 0.5, `${side} px`);
  }
});

t.test('by a whole factor, each output pixel is the mean of its block', async (t) => {
  const picture = madePicture('mixed', 90, 90);
  const small = resample(picture, wholeView(picture), 30);
  let sum = 0;
  for (let y = 0; y < 3; y++) for (let x = 0; x < 3; x++) sum += picture.data[((12 + y) * 90 + 21 + x) * 3 + 1]!;
  t.ok(Math.abs(small[(4 * 30 + 7) * 3 + 1]! - sum / 9) < 1e-3);
});

t.test('growing interpolates', async (t) => {
  const picture = madePicture('gradient', 32, 32);
  const large = resample(picture, wholeView(picture), 128);
  const row = Array.from({ length: 128 }, (_, x) => large[(64 * 128 + x) * 3]!);
  t.ok(
    row.every((value, x) => x === 0 || value >= row[x - 1]! - 1e-3),
    'stays monotonous',
  );
});

t.test('outside the picture is black', async (t) => {
  const picture = madePicture('checker', 64, 32);
  const boxed = resample(picture, wholeView(picture), 64);
  t.ok(
    boxed.subarray(0, 15 * 64 * 3).every((value) => value === 0),
    'above the letterbox',
  );
  const camera = resample(toI420(picture), wholeView(picture), 64);
  t.ok(
    camera.subarray(0, 15 * 64 * 3).every((value) => Math.abs(value) < 1e-3),
    'chroma too',
  );
  t.ok(
    resample(picture, viewAround(1000, 1000, 50), 64).every((value) => value === 0),
    'a view that misses the picture',
  );
});

t.test('a camera frame and the same photo look alike', async (t) => {
  const photo = madePicture('gradient', 128, 96);
  for (const side of [48, 200]) {
    const view = viewAround(64, 48, 80);
    t.ok(worst(resample(toI420(photo, 64), view, side), resample(photo, view, side)) < 4, `${side} px`);
  }
});

t.test('data that does not fill the picture is refused', async (t) => {
  const picture = madePicture('gradient', 64, 32);
  t.throws(() => planes({ ...picture, data: picture.data.subarray(1) }), RangeError);
  t.throws(() => planes({ ...picture, stride: 10 }), RangeError);
  t.throws(() => planes({ ...picture, width: 0 }), RangeError);
  t.throws(() => planes({ ...toI420(picture), data: new Uint8Array(64 * 32) }), RangeError);
});
