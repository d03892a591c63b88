import t from 'tap';
import { ALIGNED_PX } from '../../src/vision/alignment.js';
import type { Landmarks, Point } from '../../src/vision/face.js';
import { poseOf, qualityOf } from '../../src/vision/quality.js';
import { madePixels } from './made-picture.js';

/** An average head, in eye distances: right, down, towards the camera. */
const head: readonly (readonly [number, number, number])[] = [
  [-0.5, 0, 0],
  [0.5, 0, 0],
  [0, 0.64, 0.7],
  [0, 1.15, 0.3],
  [-1.1, 0.3, -1.3],
  [1.1, 0.3, -1.3],
];

/** The landmarks of the head in a frame, turned by yaw, pitch and roll, 50 px between the eyes. */
function seen(yawDegrees: number, pitchDegrees: number, rollDegrees = 0): Landmarks {
  const [yaw, pitch, roll] = [yawDegrees, pitchDegrees, rollDegrees].map((d) => (d * Math.PI) / 180) as [
    number,
    number,
    number,
  ];
  return head.map(([x, y, z]): Point => {
    const tiltedY = y * Math.cos(pitch) - z * Math.sin(pitch);
    const tiltedZ = z * Math.cos(pitch) + y * Math.sin(pitch);
    const turnedX = x * Math.cos(yaw) + tiltedZ * Math.sin(yaw);
    const [px, py] = [turnedX * 50, tiltedY * 50];
    return [300 + px * Math.cos(roll) - py * Math.sin(roll), 200 + px * Math.sin(roll) + py * Math.cos(roll)];
  }) as unknown as Landmarks;
}

t.test('pose follows the head at every roll', async (t) => {
  for (const roll of [0, 25, -60]) {
    t.ok(Math.abs(poseOf(seen(0, 0, roll)).yawDegrees) < 2);
    t.ok(Math.abs(poseOf(seen(0, 0, roll)).pitchDegrees) < 3);
    for (const angle of [15, 30, 45]) {
      t.ok(Math.abs(poseOf(seen(angle, 0, roll)).yawDegrees - angle) < 5, `yaw ${angle}, roll ${roll}`);
      t.ok(Math.abs(poseOf(seen(-angle, 0, roll)).yawDegrees + angle) < 5);
    }
    t.ok(poseOf(seen(0, 20, roll)).pitchDegrees > 10, 'up is positive');
    t.ok(poseOf(seen(0, -20, roll)).pitchDegrees < -10);
  }
});

t.test('landmarks that form no face still give finite numbers', async (t) => {
  const none = Array<Point>(6).fill([5, 5]) as unknown as Landmarks;
  t.same(poseOf(none), { yawDegrees: 0, pitchDegrees: 0 });
  t.ok(
    Object.values(qualityOf(new Uint8Array(ALIGNED_PX * ALIGNED_PX * 3), none)).every(
      (value) => value === null || Number.isFinite(value),
    ),
  );
});

/** `times` passes of a three by three mean. */
function blurred(crop: Uint8Array, times: number): Uint8Array {
  let from = crop;
  for (let pass = 0; pass < times; pass++) {
    const to = Uint8Array.from(from);
    for (let y = 1; y < ALIGNED_PX - 1; y++) {
      for (let i = (y * ALIGNED_PX + 1) * 3; i < (y * ALIGNED_PX + ALIGNED_PX - 1) * 3; i++) {
        let sum = 0;
        for (const row of [-1, 0, 1]) for (const column of [-3, 0, 3]) sum += from[i + row * ALIGNED_PX * 3 + column]!;
        to[i] = sum / 9;
      }
    }
    from = to;
  }
  return from;
}

t.test('blur lowers sharpness step by step, exposure does not', async (t) => {
  const crop = madePixels('mixed', ALIGNED_PX, ALIGNED_PX);
  const sharpness = [0, 1, 3, 9, 27].map((times) => qualityOf(blurred(crop, times), seen(0, 0)).sharpness);
  t.ok(
    sharpness.every((value, i) => i === 0 || value < sharpness[i - 1]!),
    sharpness.map((v) => v.toFixed(2)).join(' '),
  );
  const dark = qualityOf(
    crop.map((value) => value * 0.5),
    seen(0, 0),
  );
  const bright = qualityOf(crop, seen(0, 0));
  t.ok(Math.abs(dark.sharpness - bright.sharpness) < 0.02);
  t.ok(Math.abs(dark.light - bright.light / 2) < 0.01 && Math.abs(dark.contrast - bright.contrast / 2) < 0.01);
});

t.test('size is the distance between the eyes in the frame', async (t) => {
  t.ok(Math.abs(qualityOf(madePixels('mixed', ALIGNED_PX, ALIGNED_PX), seen(0, 0)).eyesPx - 50) < 1e-9);
});

t.test('noise in a flat picture does not count as sharpness', async (t) => {
  const flat = madePixels('noise', ALIGNED_PX, ALIGNED_PX).map((value) => 100 + (value % 3));
  t.ok(
    qualityOf(flat, seen(0, 0)).sharpness <
      qualityOf(madePixels('noise', ALIGNED_PX, ALIGNED_PX), seen(0, 0)).sharpness,
  );
});
