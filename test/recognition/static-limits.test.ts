// The limits of static faces, each by itself, without an hour of frames.
import t from 'tap';
import { defaultOptions } from '../../src/recognition/options.js';
import {
  isStatic,
  mayBeStatic,
  noStaticFaces,
  restoreStaticFaces,
  type StaticFaces,
  staticFaces,
  watchStaticFaces,
} from '../../src/recognition/static-faces.js';
import { noTracks, track } from '../../src/recognition/tracker.js';
import type { Box } from '../../src/vision/face.js';

const options = { afterMs: 3_600_000, gapMs: 10_000 };
const box = (x: number, widthPx = 100): Box => [x, 100, widthPx, widthPx];
const hourMs = 3_600_000;
const restored = (...faces: readonly { readonly box: Box; readonly stillMs: number }[]) =>
  restoreStaticFaces([1280, 960], faces);

/** The state after frames without faces that cover `ms` of observed time. */
function unseen(before: StaticFaces, ms: number): StaticFaces {
  let state = before;
  const frame = (atMs: number, gapMs: number) => {
    state = watchStaticFaces(state, { atMs, size: [1280, 960], observations: [] }, [], [], { ...options, gapMs });
  };
  frame(1000, options.gapMs);
  frame(1000 + ms, ms);
  return state;
}

t.test('restored positions are numbered from 1, and new ones follow', async (t) => {
  const state = restored({ box: box(100), stillMs: hourMs }, { box: box(500), stillMs: 2 * hourMs });
  t.strictSame(
    state.positions.map(({ id }) => id),
    [1, 2],
  );
  t.equal(state.nextId, 3);
  t.equal(noStaticFaces.nextId, 1);
});

t.test('a face is static from exactly an hour on, the longest unmoved is first', async (t) => {
  const state = restored(
    { box: box(100), stillMs: hourMs },
    { box: box(300), stillMs: hourMs - 1 },
    { box: box(500), stillMs: 3 * hourMs },
    { box: box(700), stillMs: 2 * hourMs },
  );
  t.strictSame(
    staticFaces(state, options).map(({ id, box: [x] }) => [id, x]),
    [
      [3, 500],
      [4, 700],
      [1, 100],
    ],
  );
});

t.test(
  'a track has the still time of its position, and one that arrived from elsewhere only after five seconds',
  async (t) => {
    const at = (stillMs: number, startedHere: boolean, hereMs = 0): StaticFaces => ({
      ...restored({ box: box(100), stillMs }),
      atMs: 100_000,
      trackPositions: new Map([[7, { position: 1, sinceMs: 100_000 - hereMs, startedHere, away: 0, doubtful: 0 }]]),
    });
    t.ok(isStatic(at(hourMs, true), 7, options));
    t.notOk(isStatic(at(hourMs - 1, true), 7, options));
    t.ok(mayBeStatic(at(300_000, true), 7));
    t.notOk(mayBeStatic(at(299_999, true), 7));
    t.notOk(isStatic(at(hourMs, false, 4999), 7, options));
    t.ok(isStatic(at(hourMs, false, 5000), 7, options));
    t.notOk(isStatic(at(hourMs, true), 8, options), 'an unknown track');
  },
);

t.test('a position is forgotten after twelve hours unseen, that of a static face after a week', async (t) => {
  const kept = (stillMs: number, ms: number) => unseen(restored({ box: box(100), stillMs }), ms).positions.length === 1;
  t.ok(kept(hourMs - 1, 12 * hourMs - 1));
  t.notOk(kept(hourMs - 1, 12 * hourMs));
  t.ok(kept(hourMs, 7 * 24 * hourMs - 1));
  t.notOk(kept(hourMs, 7 * 24 * hourMs));
});

t.test('a vacated position is forgotten after 30 seconds', async (t) => {
  const state = restored({ box: box(100), stillMs: hourMs });
  const vacated = { ...state, positions: state.positions.map((position) => ({ ...position, vacated: true })) };
  t.equal(unseen(vacated, 29_999).positions.length, 1);
  t.equal(unseen(vacated, 30_000).positions.length, 0);
});

t.test('of two faces near a position the nearer one is the face that stays there', async (t) => {
  for (const [first, second, nearer] of [
    [box(120), box(95), 1],
    [box(95), box(120), 0],
  ] as const) {
    const observations = [first, second].map((each) => ({ face: { box: each, embedding: null }, weight: 0 }));
    const { tracks, trackOf } = track(noTracks, observations, 1000, defaultOptions.tracks);
    const before = restored({ box: box(100), stillMs: hourMs });
    const frame = { atMs: 1000, size: [1280, 960] as const, observations };
    const after = watchStaticFaces(before, frame, trackOf, tracks.tracks, options);
    t.equal(after.trackPositions.get(trackOf[nearer]!)?.position, 1);
    t.equal(after.trackPositions.get(trackOf[nearer]!)?.startedHere, true);
  }
});

t.test('the position that did not move for longer gets the face first', async (t) => {
  const before = restored(
    { box: box(110), stillMs: 1000 },
    { box: box(90), stillMs: hourMs },
    { box: box(95), stillMs: 2000 },
  );
  const observations = [{ face: { box: box(100), embedding: null }, weight: 0 }];
  const { tracks, trackOf } = track(noTracks, observations, 1000, defaultOptions.tracks);
  const frame = { atMs: 1000, size: [1280, 960] as const, observations };
  t.equal(watchStaticFaces(before, frame, trackOf, tracks.tracks, options).trackPositions.get(1)?.position, 2);
});

/** The positions after one face in each frame. */
function seen(frames: readonly { atMs: number; box: Box; embedding?: Float32Array; weight?: number }[]) {
  let state = noStaticFaces;
  for (const { atMs, box: each, embedding = null, weight = 1 } of frames) {
    const observations = [{ face: { box: each, embedding }, weight }];
    state = watchStaticFaces(state, { atMs, size: [1280, 960], observations }, [], [], options);
  }
  return state.positions;
}

t.test('a face is at the same position up to a quarter of its width and 1.4 times its size', async (t) => {
  const isSame = (first: Box, second: Box) =>
    seen([first, second].map((each, n) => ({ atMs: n, box: each }))).length === 1;
  const centred = (widthPx: number): Box => [500 - widthPx / 2, 500 - widthPx / 2, widthPx, widthPx];
  t.ok(isSame(box(100), box(125)));
  t.notOk(isSame(box(100), box(126)));
  t.ok(isSame(centred(100), centred(140)));
  t.notOk(isSame(centred(100), centred(141)));
  t.notOk(isSame(centred(100), centred(71)));
});

t.test('a pause of up to ten seconds counts as observed', async (t) => {
  const stillMs = (pauseMs: number) =>
    seen([1000, 1000 + pauseMs].map((atMs) => ({ atMs, box: box(100) })))[0]!.stillMs;
  t.equal(stillMs(10_000), 10_000);
  t.equal(stillMs(10_001), 0);
});

t.test('the embedding of a position is the weighted sum of its observations, of a limited weight', async (t) => {
  const [x, y] = [Float32Array.of(1, 0), Float32Array.of(0.8, 0.6)];
  const at = (embedding: Float32Array, weight: number, atMs = 0) => ({ atMs, box: box(100), embedding, weight });
  const [position] = seen([at(x, 0.5), at(y, 1, 100)]);
  t.equal(position!.weight, 1.5);
  const length = Math.hypot(0.5 + 0.8, 0.6);
  t.ok(Math.abs(position!.direction![0]! - 1.3 / length) < 1e-6);
  t.ok(Math.abs(position!.direction![1]! - 0.6 / length) < 1e-6);
  t.equal(seen([at(x, 0.5), at(y, 0, 100)])[0]!.weight, 0.5, 'an observation without weight adds nothing');
  t.equal(seen(Array.from({ length: 120 }, (_, n) => at(x, 1, n)))[0]!.weight, 100);
});
