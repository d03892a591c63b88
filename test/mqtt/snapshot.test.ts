import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';
import t from 'tap';
import type { EngineAnalysis } from '../../src/engine/engine.js';
import { createLastFace } from '../../src/mqtt/snapshot.js';

const quality = { eyesPx: 30, sharpness: 1, yawDegrees: 0, pitchDegrees: 0, light: 0.5, contrast: 0.2 };
const point = [0, 0] as const;
const landmarks = [point, point, point, point, point, point] as const;
const face = (eyesPx: number) =>
  ({ box: [0, 0, 9, 9], landmarks, score: 1, quality: { ...quality, eyesPx }, embedding: null }) as const;
const grey = (value: number): Uint8Array => new Uint8Array(112 * 112 * 3).fill(value);
const analysis = (faces: EngineAnalysis['faces'], crops?: readonly Uint8Array[]): EngineAnalysis => ({
  capturedAt: 0,
  sequence: 0,
  width: 640,
  height: 480,
  faces,
  times: { detectMs: 0, alignMs: 0, embedMs: 0, tiles: 1 },
  ...(crops === undefined ? {} : { crops }),
});

t.test('the largest face is sent as a small JPEG, at most every 5 s', async (t) => {
  const clock = { now: 1000, monotonicMs: () => clock.now, wallMs: () => 0 };
  const sent: Uint8Array[] = [];
  const take = createLastFace((jpeg) => void sent.push(jpeg), clock);
  const until = async (count: number) => {
    for (let n = 0; n < 200 && sent.length < count; n++) await sleep(20);
  };
  take(analysis([face(20), face(40)], [grey(10), grey(200)]));
  take(analysis([face(20)], [grey(10)]));
  await until(1);
  const { width, height, format } = await sharp(sent[0]).metadata();
  t.strictSame([width, height, format], [224, 224, 'jpeg']);
  const { channels } = await sharp(sent[0]).stats();
  t.ok(Math.abs(channels[0]!.mean - 200) < 4, 'the larger one');
  clock.now += 5000;
  take(analysis([face(20)], [grey(10)]));
  await until(2);
  t.equal(sent.length, 2);
});

t.test('nothing is sent without faces, without crops or with a broken crop', async (t) => {
  const clock = { monotonicMs: () => performance.now() * 1e6, wallMs: () => 0 };
  const sent: Uint8Array[] = [];
  const take = createLastFace((jpeg) => void sent.push(jpeg), clock);
  take(analysis([]));
  take(analysis([face(20)]));
  take(analysis([face(20)], [new Uint8Array(7)]));
  await sleep(200);
  t.strictSame(sent, []);
});
