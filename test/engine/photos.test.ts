// Photos beside the frames of a camera, at the real engine: in slices, with the result of an analysis in one go.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { packageRoot } from '../../src/base/files.js';
import { photoFrame, readPhoto } from '../../src/camera/photo.js';
import type { SharedEngine } from '../../src/engine/engine.js';
import { always, inSlices, type Once } from '../../src/engine/slices.js';
import { createEngine } from '../../src/engine/supervisor.js';
import type { Frame } from '../../src/vision/picture.js';
import { madePicture } from '../vision/made-picture.js';

const photo: Frame = photoFrame(
  await readPhoto(join(packageRoot, 'node_modules', '@vladmandic', 'face-api', 'demo', 'sample2.jpg'), {
    maxEdgePx: 1600,
  }),
);
const request = { search: 'all', mirror: true } as const;
const camera: Frame = { ...madePicture('noise', 128, 96), capturedAt: 0, sequence: 0 };
const nobody = new AbortController().signal;

let engine: SharedEngine;
t.before(async () => {
  engine = createEngine({ threads: 1 });
  await engine.start();
});
t.teardown(() => engine.stop());

t.test('work goes on where it stopped, and computes nothing twice', async (t) => {
  let nowMs = 0;
  const computed: number[] = [];
  const work = (once: Once): string =>
    [1, 2, 3, 4, 5]
      .map((n) =>
        once(() => {
          computed.push(n);
          nowMs += 10;
          return n * n;
        }),
      )
      .join();
  const sliced = inSlices(work, () => nowMs);
  t.equal(sliced.goOn(20), null);
  t.same(computed, [1, 2]);
  t.equal(sliced.goOn(0), null, 'a slice without time computes one value all the same');
  t.same(computed, [1, 2, 3]);
  t.same(sliced.goOn(1000), { result: '1,4,9,16,25' });
  t.same(computed, [1, 2, 3, 4, 5]);
  t.equal(work(always), '1,4,9,16,25');
  t.throws(
    () =>
      inSlices(() => {
        throw new Error('a fault');
      }).goOn(1),
    { message: 'a fault' },
  );
});

t.test('a photo in slices gives the faces of a photo in one go, and frames pass in between', async (t) => {
  const whole = await engine.analyze(photo, request);
  t.equal(whole.faces.length, 3);
  let isOver = false;
  const sliced = engine.analyzePhoto(photo, request, nobody).finally(() => {
    isOver = true;
  });
  let passed = 0;
  while (!isOver) {
    await engine.analyze({ ...camera, sequence: passed }, { search: 'whole' });
    if (!isOver) passed++;
  }
  const { faces, times } = await sliced;
  t.same(faces, whole.faces);
  t.equal(times.tiles, whole.times.tiles);
  t.ok(passed >= 5, `${passed} frames were analysed while the photo was`);
});

t.test('photos are analysed one after the other, and the steps of each are reported', async (t) => {
  const order: string[] = [];
  const steps: string[] = [];
  await Promise.all([
    engine.analyzePhoto(photo, request, nobody, (step) => steps.push(step)).then(() => order.push('first')),
    engine.analyzePhoto(camera, { search: 'whole' }, nobody).then(() => order.push('second')),
  ]);
  t.same(order, ['first', 'second']);
  t.ok(steps.filter((step) => step === 'detect').length > 3);
  t.ok(steps.includes('embed'));
});

t.test('whoever gives up is answered at the next slice, and the next photo is as good as ever', async (t) => {
  const left = new AbortController();
  await t.rejects(
    engine.analyzePhoto(photo, request, left.signal, () => left.abort()),
    { name: 'AbortError' },
  );
  await t.rejects(engine.analyzePhoto(photo, request, left.signal), { name: 'AbortError' });
  t.equal((await engine.analyzePhoto(photo, { search: 'whole', embed: false }, nobody)).faces.length, 3);
});

t.test(
  'a process that dies with a half analysed photo fails that photo, and the next one gets a new process',
  async (t) => {
    const [pid] = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim().split(' ').map(Number);
    let steps = 0;
    await t.rejects(
      engine.analyzePhoto(photo, request, nobody, () => {
        if (++steps === 4) process.kill(pid!, 'SIGKILL');
      }),
      { code: 'ENGINE_FAILED' },
    );
    t.equal((await engine.analyzePhoto(photo, { search: 'whole', embed: false }, nobody)).faces.length, 3);
  },
);
