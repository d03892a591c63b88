import t from 'tap';
import { halver } from '../../src/vision/halve.js';
import { type Picture, planes, type View, viewAround, wholeView } from '../../src/vision/picture.js';
import { resample, resampler } from '../../src/vision/resample.js';
import { madePicture, toI420 } from './made-picture.js';

const mean = (values: ArrayLike<number>): number => Array.from(values).reduce((a, b) => a + b, 0) / values.length;
const worst = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((max, value, i) => Math.max(max, Math.abs(value - b[i]!)), 0);

t.test('at its own size a picture does not change', async (t) => {
  const picture = madePicture('noise', 64, 64);
  t.ok(worst(resample(picture, wholeView(picture), 64), picture.data) < 1e-3);
});

t.test('shrinking counts every pixel: the mean does not change', async (t) => {
  const picture = madePicture('noise', 200, 200);
  for (const side of [7, 48, 100, 150]) {
    t.ok(Math.abs(mean(resample(picture, wholeView(picture), side)) - mean(picture.data)) < 0.5, `${side} px`);
  }
});

t.test('at an integer factor, each output pixel is the mean of its block', async (t) => {
  const picture = madePicture('mixed', 90, 90);
  const small = resample(picture, wholeView(picture), 30);
  let sum = 0;
  for (let y = 0; y < 3; y++) for (let x = 0; x < 3; x++) sum += picture.data[((12 + y) * 90 + 21 + x) * 3 + 1]!;
  t.ok(Math.abs(small[(4 * 30 + 7) * 3 + 1]! - sum / 9) < 1);
});

t.test('enlarging interpolates', async (t) => {
  const picture = madePicture('gradient', 32, 32);
  const large = resample(picture, wholeView(picture), 128);
  const row = Array.from({ length: 128 }, (_, x) => large[(64 * 128 + x) * 3]!);
  t.ok(
    row.every((value, x) => x === 0 || value >= row[x - 1]! - 1e-3),
    'stays monotonic',
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
    'a view outside the picture',
  );
});

t.test('a camera frame and the same photo give similar pixels', async (t) => {
  const photo = madePicture('gradient', 128, 96);
  for (const side of [48, 200]) {
    const view = viewAround(64, 48, 80);
    t.ok(worst(resample(toI420(photo, 64), view, side), resample(photo, view, side)) < 4, `${side} px`);
  }
});

const square = (side: number) => ({ width: side, height: side });

/** A plane's exact area mean (or linear interpolation) at output pixel `(i, j)`, in plain real numbers. */
function exact(at: (x: number, y: number) => number, width: number, height: number, view: View, outPx: number) {
  const scale = view.width / outPx;
  const reach = Math.max(1, scale);
  const window = (start: number, index: number, size: number): readonly [number, number] => {
    const middle = start + (index + 0.5) * scale;
    const centre = scale < 1 ? Math.min(size - 0.5, Math.max(0.5, middle)) : middle;
    return [centre - reach / 2, centre + reach / 2];
  };
  const cover = (pixel: number, [low, high]: readonly [number, number]): number =>
    Math.max(0, Math.min(high, pixel + 1) - Math.max(low, pixel)) / reach;
  return (i: number, j: number): number => {
    const [across, down] = [window(view.x, i, width), window(view.y, j, height)];
    let sum = 0;
    for (let y = Math.max(0, Math.floor(down[0])); y < Math.min(height, down[1]); y++)
      for (let x = Math.max(0, Math.floor(across[0])); x < Math.min(width, across[1]); x++)
        sum += at(x, y) * cover(x, across) * cover(y, down);
    return sum;
  };
}

const views: readonly (readonly [View, number])[] = [
  [{ x: 0, y: 0, width: 90, height: 90 }, 23],
  [{ x: 11.3, y: 20.7, width: 37.9, height: 37.9 }, 24],
  [{ x: 40.2, y: -13.6, width: 61, height: 61 }, 60],
  [{ x: 20, y: 31.5, width: 17.3, height: 17.3 }, 41],
  [{ x: -200, y: -150, width: 500, height: 500 }, 16],
];

t.test(
  'every pixel is within two grey levels of the exact mean, at every position of its bytes in memory',
  async (t) => {
    for (const width of [96, 91]) {
      const picture = madePicture('mixed', width, 70);
      for (const offset of [0, 1, 2, 3]) {
        const data = new Uint8Array(picture.data.length + offset + 5).fill(255).subarray(offset, -5);
        data.set(picture.data);
        for (const [view, px] of views) {
          const actual = resample({ ...picture, data }, view, px);
          let worst = 0;
          for (let c = 0; c < 3; c++) {
            const expected = exact((x, y) => picture.data[(y * width + x) * 3 + c]!, width, 70, view, px);
            for (let j = 0; j < px; j++)
              for (let i = 0; i < px; i++)
                worst = Math.max(worst, Math.abs(actual[(j * px + i) * 3 + c]! - expected(i, j)));
          }
          t.ok(worst < 2, `${width} px wide, ${offset} bytes in, ${px} px: off by ${worst}`);
        }
      }
    }
  },
);

t.test('a camera frame gives the same pixels at every position of its bytes in memory', async (t) => {
  const frame = toI420(madePicture('mixed', 96, 70), 4);
  const last = { ...frame, data: frame.data.subarray(0, frame.data.length - 2) };
  for (const [view, px] of views) {
    const expected = resample(frame, view, px);
    for (const offset of [0, 1, 2, 3]) {
      const data = new Uint8Array(frame.data.length + offset).subarray(offset);
      data.set(frame.data);
      t.same(resample({ ...frame, data }, view, px), expected);
    }
    t.same(
      resample({ ...last, data: Uint8Array.from(last.data) }, view, px),
      expected,
      'the padding of the last row missing',
    );
  }
});

t.test('a flat picture keeps its brightness', async (t) => {
  const flat = { ...madePicture('noise', 200, 200), data: new Uint8Array(200 * 200 * 3).fill(201) };
  for (const [px, most] of [
    [7, 4],
    [48, 4],
    [61, 3],
    [199, 4],
    [333, 4],
  ] as const) {
    t.ok(
      resampler(square(px), most)(flat, wholeView(flat)).every((value) => value === 201),
      `${px} px of ${most}x${most}`,
    );
  }
});

t.test('the mean of samples is close to the mean of all pixels', async (t) => {
  const picture = madePicture('gradient', 640, 480);
  for (const side of [640, 500, 333]) {
    const view = viewAround(320, 240, side);
    t.ok(worst(resampler(square(64), 4)(picture, view), resample(picture, view, 64)) < 4, `${side} px`);
  }
});

t.test('a resampler keeps no data of the previous picture', async (t) => {
  const again = resampler(square(33), 4);
  const pictures: Picture[] = [
    madePicture('noise', 300, 200),
    toI420(madePicture('checker', 96, 70)),
    madePicture('gradient', 91, 70),
  ];
  for (const picture of [...pictures, ...pictures.toReversed()]) {
    for (const [view] of views) t.same(again(picture, view), resampler(square(33), 4)(picture, view));
  }
});

t.test('data that is too short for the picture is refused', async (t) => {
  const picture = madePicture('gradient', 64, 32);
  t.throws(() => planes({ ...picture, data: picture.data.subarray(1) }), RangeError);
  t.throws(() => planes({ ...picture, stride: 10 }), RangeError);
  t.throws(() => planes({ ...picture, width: 0 }), RangeError);
  t.throws(() => planes({ ...toI420(picture), data: new Uint8Array(64 * 32) }), RangeError);
});

t.test('a view twice as wide as high gives a picture of that shape', async (t) => {
  const picture = madePicture('gradient', 200, 100);
  const view = { x: 20, y: 10, width: 160, height: 80 };
  const wide = resampler({ width: 64, height: 32 }, 4)(picture, view);
  t.equal(wide.length, 64 * 32 * 3);
  const left = resampler(square(32), 4)(picture, { ...view, width: 80 });
  const rows = Array.from({ length: 32 }, (_, row) => wide.subarray(row * 64 * 3, row * 64 * 3 + 32 * 3));
  t.ok(worst(Float32Array.from(rows.flatMap((row) => [...row])), left) < 1e-3);
});

t.test('a camera frame is halved to the same levels, one pixel moved', async (t) => {
  const size = { width: 64, height: 48 };
  const store = (level: number) => Math.round(level) - 128;
  for (const [kind, padding] of [
    ['mixed', 0],
    ['noise', 64],
  ] as const) {
    const frame = toI420(madePicture(kind, 128, 96), padding);
    for (const [x, y] of [
      [0, 0],
      [-2, -2],
      [-2, -8],
    ] as const) {
      const view = { x, y, width: 128, height: 96 };
      const out = new Int8Array(64 * 48 * 3).fill(77);
      t.ok(halver(size, store, out)(frame, view));
      t.ok(
        worst(
          Float32Array.from(out, (value) => value + 128),
          resampler(size, 4)(frame, view),
        ) <= 1.5,
        `${kind} at ${x}, ${y}`,
      );
    }
  }
});

t.test('only a frame of twice the size is halved', async (t) => {
  const size = { width: 64, height: 48 };
  const out = new Int8Array(64 * 48 * 3);
  const halve = halver(size, (level) => level - 128, out);
  const frame = toI420(madePicture('noise', 128, 96));
  const whole = { x: 0, y: 0, width: 128, height: 96 };
  t.notOk(halve(madePicture('noise', 128, 96), whole), 'a photo');
  t.notOk(halve(toI420(madePicture('noise', 130, 96)), whole), 'another size');
  t.notOk(halve(frame, { ...whole, width: 64, height: 48 }), 'a part');
  t.notOk(halve(frame, { ...whole, x: -1 }), 'half an output pixel');
  t.notOk(halve(frame, { ...whole, x: 2 }), 'a view to the right');
  t.ok(out.every((value) => value === 0));
});
