import t from 'tap';
import { ALIGNED_PX, alignmentOf, mirrored, warp } from '../../src/vision/alignment.js';
import type { Point } from '../../src/vision/face.js';
import { golden, type Kind, madePicture, madePixels, toI420 } from './made-picture.js';

interface AlignmentGolden {
  readonly cases: readonly {
    readonly inputs: { picture: Kind; width: number; height: number; landmarks: Point[] };
    readonly expected: { matrix: number[][]; everySeventh: number[][][] };
  }[];
  readonly tolerance: { matrix: number; pixel: number };
}

t.test('transforms and crops agree with Python', async (t) => {
  const { cases, tolerance } = golden<AlignmentGolden>('alignment');
  t.ok(cases.length >= 5);
  for (const { inputs, expected } of cases) {
    const similarity = alignmentOf(inputs.landmarks)!;
    const { a, b, tx, ty } = similarity;
    const far = [
      [a, -b, tx],
      [b, a, ty],
    ].flatMap((row, i) => row.map((v, j) => Math.abs(v - expected.matrix[i]![j]!)));
    t.ok(Math.max(...far) <= tolerance.matrix, `${inputs.picture}: matrix`);
    const crop = warp(madePicture(inputs.picture, inputs.width, inputs.height), similarity);
    let worst = 0;
    for (const [i, row] of expected.everySeventh.entries()) {
      for (const [j, pixel] of row.entries()) {
        const at = (i * 7 * ALIGNED_PX + j * 7) * 3;
        for (const [c, value] of pixel.entries()) worst = Math.max(worst, Math.abs(crop[at + c]! - value));
      }
    }
    t.ok(worst <= tolerance.pixel, `${inputs.picture}: pixels differ by ${worst}`);
  }
});

t.test('a camera frame and the same photo give the same crop', async (t) => {
  // Eyes 40 and 160 px apart. The large face is averaged over 4x4 samples per pixel of luma, 2x2 of chroma.
  for (const scale of [1, 4]) {
    const photo = madePicture('gradient', 160 * scale, 144 * scale);
    const landmarks: Point[] = [
      [60, 70],
      [100, 72],
      [81, 92],
      [80, 116],
    ];
    const similarity = alignmentOf(landmarks.map(([x, y]): Point => [x * scale, y * scale]))!;
    const fromPhoto = warp(photo, similarity);
    for (const padding of [0, 32]) {
      const fromCamera = warp(toI420(photo, padding), similarity);
      const worst = fromCamera.reduce((max, value, i) => Math.max(max, Math.abs(value - fromPhoto[i]!)), 0);
      t.ok(worst <= 4, `${scale} times, padding ${padding}: differs by ${worst} of 255 (chroma is halved)`);
    }
  }
});

t.test('landmarks that form no face give no transform', async (t) => {
  t.equal(
    alignmentOf([
      [5, 5],
      [5, 5],
      [5, 5],
      [5, 5],
    ]),
    null,
  );
  t.equal(
    alignmentOf([
      [Number.NaN, 5],
      [6, 5],
      [5, 7],
      [5, 9],
    ]),
    null,
  );
});

t.test('a face far larger than the crop is averaged, not sampled', async (t) => {
  // One-pixel stripes: bilinear sampling alone at an integer step would show all black or all white.
  const side = 896;
  const data = new Uint8Array(side * side * 3).map((_, i) => (Math.floor(i / 3) % 2 === 0 ? 0 : 255));
  const picture = { width: side, height: side, format: 'rgb', stride: side * 3, data } as const;
  const scale = 8;
  const crop = warp(picture, { a: 1 / scale, b: 0, tx: 0, ty: 0 });
  const middle = crop.subarray(ALIGNED_PX * 60 * 3 + 90, ALIGNED_PX * 60 * 3 + 240);
  t.ok(middle.every((value) => Math.abs(value - 127.5) <= 1));
});

t.test('the mirror image reverses each row', async (t) => {
  const crop = madePixels('mixed', ALIGNED_PX, ALIGNED_PX);
  const turned = mirrored(crop);
  t.same([...turned.subarray(0, 3)], [...crop.subarray((ALIGNED_PX - 1) * 3, ALIGNED_PX * 3)]);
  t.same(mirrored(turned), crop);
});
