// The real child with the real models on the sample photos of a package.
import { join } from 'node:path';
import t from 'tap';
import { packageRoot } from '../../src/base/files.js';
import { photoFrame, readPhoto } from '../../src/camera/photo.js';
import type { Engine } from '../../src/engine/engine.js';
import { createEngine } from '../../src/engine/supervisor.js';
import type { Face } from '../../src/vision/face.js';
import type { Frame, Picture } from '../../src/vision/picture.js';
import { madePicture, toI420 } from '../vision/made-picture.js';

const sample = (n: number): string =>
  join(packageRoot, 'node_modules', '@vladmandic', 'face-api', 'demo', `sample${n}.jpg`);
const asFrame = (picture: Picture): Frame => ({ ...picture, capturedAt: 12.5, sequence: 3 });
const cosine = (a: Face, b: Face): number => a.embedding!.reduce((sum, value, i) => sum + value * b.embedding![i]!, 0);

let engine: Engine;
t.before(async () => {
  engine = createEngine({ threads: 1, embedder: 'mobilefacenet' });
  await engine.start();
});
t.teardown(() => engine.stop());

t.test('a photo gives its three faces with embeddings, quality and times', async (t) => {
  const photo = await readPhoto(sample(2), { maxEdgePx: 960 });
  const analysis = await engine.analyze(photoFrame(photo), { search: 'all' });
  t.equal(analysis.faces.length, 3);
  for (const { box, score, quality, embedding, landmarks } of analysis.faces) {
    t.ok(box[2] > 80 && box[2] < 130 && Math.abs(box[2] - box[3]) < 5);
    t.ok(score >= 0.5 && score <= 1);
    t.ok(
      landmarks.slice(0, 4).every(([x, y]) => x > box[0] && x < box[0] + box[2] && y > box[1] && y < box[1] + box[3]),
    );
    t.ok(quality.eyesPx > 10 && quality.sharpness > 0 && quality.sharpness < 1 && quality.light > 0.1);
    t.equal(embedding!.length, 192);
    t.ok(Math.abs(Math.hypot(...embedding!) - 1) < 1e-5);
  }
  t.ok(analysis.times.detectMs > 0 && analysis.times.embedMs > 0 && analysis.times.tiles > 5);
  t.notOk('crops' in analysis, 'no pixels unless asked for');
});

t.test('people of one photo differ, a camera frame of it shows the same people', async (t) => {
  const photo = await readPhoto(sample(3), { maxEdgePx: 960 });
  const even = { width: photo.width & ~1, height: photo.height & ~1 };
  const camera = asFrame(toI420({ ...photo, ...even }, 64));
  const still = await engine.analyze(photoFrame(photo), { search: 'all' });
  const video = await engine.analyze(camera, { search: 'auto', mirror: true });
  t.match(video, { capturedAt: 12.5, sequence: 3, ...even });
  t.ok(still.faces.length >= 2);
  for (const face of still.faces) {
    const best = Math.max(...video.faces.map((other) => cosine(face, other)));
    t.ok(best > 0.85, `seen by the camera too: ${best.toFixed(2)}`);
    t.ok(
      still.faces.every((other) => other === face || cosine(face, other) < 0.5),
      'and nobody else',
    );
  }
});

t.test('options: no embedding, crops, no embedding of small faces in video', async (t) => {
  const photo = photoFrame(await readPhoto(sample(2), { maxEdgePx: 960 }));
  const bare = await engine.analyze(photo, { search: 'whole', embed: false, crops: true });
  t.ok(bare.faces.length > 0 && bare.faces.every(({ embedding }) => embedding === null));
  t.same(
    bare.crops!.map(({ length }) => length),
    bare.faces.map(() => 112 * 112 * 3),
  );
  await using far = createEngine({ threads: 1, embedder: 'mobilefacenet', minEyesPx: 200, delegate: false });
  const info = await far.start();
  t.match(info, { delegate: 'none', space: 'mobilefacenet-192', dimension: 192, embedder: 'mobilefacenet' });
  const { faces } = await far.analyze(photo, { search: 'whole' });
  t.ok(faces.length > 0 && faces.every(({ embedding }) => embedding === null));
});

t.test('faces that are expected in their boxes are found and not embedded, others are', async (t) => {
  const photo = await readPhoto(sample(2), { maxEdgePx: 960 });
  const camera = asFrame(toI420({ ...photo, width: photo.width & ~1, height: photo.height & ~1 }));
  const { faces: before } = await engine.analyze(camera, { search: 'auto' });
  t.equal(before.length, 3);
  t.ok(before.every(({ embedding, isContinued }) => embedding !== null && isContinued === undefined));
  const [first, ...others] = before;
  const { faces } = await engine.analyze(camera, { search: 'auto', expected: others.map(({ box }) => box) });
  t.equal(faces.length, 3);
  for (const face of faces) {
    const isFirst = Math.abs(face.box[0] - first!.box[0]) < 10;
    t.equal(face.embedding !== null, isFirst);
    t.equal(face.isContinued, isFirst ? undefined : true);
    t.ok(face.quality.eyesPx > 10 && face.quality.sharpness > 0, 'its quality is measured all the same');
  }
  const still = await engine.analyze(camera, { search: 'all', expected: others.map(({ box }) => box) });
  t.ok(
    still.faces.every(({ embedding }) => embedding !== null),
    'in a photo each face is embedded',
  );
});

t.test('no face, and pictures of any size and stride', async (t) => {
  for (const picture of [
    madePicture('noise', 64, 48),
    madePicture('gradient', 17, 301),
    toI420(madePicture('mixed', 640, 480), 64),
  ]) {
    const { faces } = await engine.analyze(asFrame(picture), { search: 'all' });
    t.same(faces, [], `${picture.width}x${picture.height}`);
  }
});

t.test('a frame with too few bytes is refused, and the next one is analysed', async (t) => {
  const picture = madePicture('noise', 64, 48);
  const torn = { ...asFrame(picture), data: picture.data.subarray(0, 5000) };
  await t.rejects(engine.analyze(torn, { search: 'whole' }), { code: 'ENGINE_FAILED', message: /bytes/ });
  t.same((await engine.analyze(asFrame(picture), { search: 'whole' })).faces, []);
});

t.test('sending a camera frame does not block the daemon', async (t) => {
  const frame = asFrame(toI420(madePicture('gradient', 1280, 960)));
  await engine.analyze(frame, { search: 'whole' });
  // CPU time of this process and not elapsed time, which other processes lengthen.
  const held: number[] = [];
  for (let i = 0; i < 10; i++) {
    const before = process.cpuUsage();
    await engine.analyze(frame, { search: 'whole' });
    const { user, system } = process.cpuUsage(before);
    held.push((user + system) / 1000);
  }
  held.sort((a, b) => a - b);
  t.comment(`CPU time in this process: median ${held[5]!.toFixed(1)} ms`);
  t.ok(held[5]! < 60, 'far less than a frame at 5 a second');
});
