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
import { noTrackEmbedding } from '../../src/recognition/track-embedding.js';
import { noTracks, type Track, track } from '../../src/recognition/tracker.js';
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
  t.ok(isSame(centred(140), centred(100)));
  t.notOk(isSame(centred(140), centred(99)));
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
  const [lighter] = seen([at(x, 1), at(y, 0.5, 100)]);
  t.ok(Math.abs(lighter!.direction![0]! - 1.4 / Math.hypot(1.4, 0.3)) < 1e-6);
  t.equal(seen([at(x, 0.5), at(y, 0, 100)])[0]!.weight, 0.5, 'an observation without weight adds nothing');
  t.equal(seen(Array.from({ length: 120 }, (_, n) => at(x, 1, n)))[0]!.weight, 100);
});

t.test('only observed time counts as unseen: a pause of more than ten seconds counts as ten', async (t) => {
  let state = restored({ box: box(100), stillMs: hourMs });
  const unseenMs = (atMs: number) => {
    state = watchStaticFaces(state, { atMs, size: [1280, 960], observations: [] }, [], [], options);
    return state.positions[0]!.unseenMs;
  };
  t.equal(unseenMs(1000), 0);
  t.equal(unseenMs(3000), 2000);
  t.equal(unseenMs(63_000), 12_000);
});

interface Sighting {
  readonly track: number;
  readonly box: Box;
  readonly embedding?: Float32Array;
  readonly weight?: number;
}

/** The state after frames 200 ms apart, the first one at 1000 ms. A track lives through all of them. */
function follow(before: StaticFaces, frames: readonly (readonly Sighting[])[]): StaticFaces {
  const tracks = new Map<number, Track>();
  let state = before;
  frames.forEach((sightings, n) => {
    const atMs = 1000 + 200 * n;
    for (const { track: id, box: each } of sightings) {
      const frameCount = (tracks.get(id)?.frames ?? 0) + 1;
      const times = { firstMs: 1000, lastMs: atMs };
      tracks.set(id, { id, box: each, velocity: [0, 0], ...times, frames: frameCount, pooled: noTrackEmbedding });
    }
    const observations = sightings.map(({ box: each, embedding = null, weight = 1 }) => ({
      face: { box: each, embedding },
      weight,
    }));
    const trackOf = sightings.map((sighting) => sighting.track);
    state = watchStaticFaces(state, { atMs, size: [1280, 960], observations }, trackOf, [...tracks.values()], options);
  });
  return state;
}

const [ada, ben] = [Float32Array.of(1, 0), Float32Array.of(0, 1)];
const here = { track: 7, box: box(100), embedding: ada };
const elsewhere = { track: 7, box: box(400), embedding: ada };
const hourHere = restored({ box: box(100), stillMs: hourMs });

t.test('a face that is tracked out of its position has moved with the third observation', async (t) => {
  const two = follow(hourHere, [[here], [elsewhere], [elsewhere]]);
  t.match(two.trackPositions.get(7), { position: 1, sinceMs: 1000, startedHere: true, away: 2, doubtful: 0 });
  t.match(two.positions[0], { id: 1, vacated: false, weight: 1 });
  const three = follow(hourHere, [[here], [elsewhere], [elsewhere], [elsewhere]]);
  t.strictSame(three.trackPositions.get(7), {
    position: 2,
    sinceMs: 1600,
    startedHere: false,
    away: 0,
    doubtful: 0,
  });
  t.match(three.positions[0], { id: 1, vacated: true, direction: null, weight: 0 });
  const shorter = follow(restored({ box: box(100), stillMs: hourMs - 1 }), [
    [here],
    [elsewhere],
    [elsewhere],
    [elsewhere],
  ]);
  t.strictSame(
    shorter.positions.map(({ id }) => id),
    [2],
    'a position that was not static is forgotten at once',
  );
});

t.test('a face that returns in time stays at its position', async (t) => {
  const back = follow(hourHere, [[here], [elsewhere], [elsewhere], [here]]);
  t.match(back.trackPositions.get(7), { position: 1, startedHere: true, away: 0, doubtful: 0 });
  const after = follow(hourHere, [[here], [elsewhere], [elsewhere], [elsewhere], [here]]);
  t.match(after.positions[0], { id: 1, vacated: false });
});

t.test('a position is not vacated by somebody else who only stood in front of it', async (t) => {
  const other = { ...elsewhere, embedding: ben };
  const two = follow(hourHere, [[here], [other], [other]]);
  t.match(two.trackPositions.get(7), { away: 2, doubtful: 2 });
  const three = follow(hourHere, [[here], [other], [other], [other]]);
  t.match(three.trackPositions.get(7), { position: 2, startedHere: false });
  t.match(three.positions[0], { id: 1, vacated: false, weight: 1 });
});

t.test('a position is not vacated while another face is nearer to it or stays there', async (t) => {
  const beside = { ...here, box: box(115) };
  const portrait = { ...here, track: 8 };
  const two = follow(hourHere, [[here], [portrait, beside], [portrait, beside]]);
  t.match(two.trackPositions.get(7), { position: 1, away: 2, doubtful: 2 });
  const away = follow(hourHere, [[here], [elsewhere], [elsewhere], [portrait, elsewhere]]);
  t.match(away.trackPositions.get(7), { position: 2 });
  t.match(away.positions[0], { id: 1, vacated: false });
});

t.test('a track that a frame does not show keeps its position', async (t) => {
  const state = follow(hourHere, [[here], []]);
  t.match(state.trackPositions.get(7), { position: 1, sinceMs: 1000, startedHere: true });
});

t.test('a track whose position was forgotten is at the position of its face', async (t) => {
  const { trackPositions } = follow(hourHere, [[here]]);
  const state = follow({ ...noStaticFaces, trackPositions, nextId: 2 }, [[elsewhere]]);
  t.match(state.trackPositions.get(7), { position: 2, sinceMs: 1000, away: 0 });
});

t.test('static faces are worth most, then those seen in the last ten seconds, then the longest unmoved', async (t) => {
  const place = (id: number, stillMs: number, unseenMs: number, seenMs: number | null) => ({
    ...restored({ box: box(100 * id), stillMs }).positions[0]!,
    ...{ id, unseenMs, seenMs },
  });
  const positions = [
    place(1, 4000, 0, null),
    place(2, 5000, 10_001, 500),
    place(3, 1000, 10_000, 500),
    place(4, hourMs, 10_001, 500),
    place(5, 2 * hourMs, 10_001, 500),
    place(6, hourMs, 0, 500),
    place(7, 6000, 10_001, 500),
  ];
  const order = follow({ ...noStaticFaces, positions, nextId: 8 }, [[]]).positions.map(({ id }) => id);
  t.strictSame(order, [6, 5, 4, 3, 7, 2, 1]);

  const overtaking = [place(1, 5000, 0, 900), place(2, 4900, 0, 800)];
  const after = follow({ ...noStaticFaces, positions: overtaking, nextId: 3 }, [[{ track: 1, box: box(200) }]]);
  t.match(after.positions, [
    { id: 2, stillMs: 5100 },
    { id: 1, stillMs: 5000 },
  ]);
});

t.test('a position is smoothed over four observations, and its range counts from the fourth on', async (t) => {
  const at = (...xs: readonly number[]) => seen(xs.map((x, n) => ({ atMs: n, box: box(x) })))[0]!;
  t.match(at(100), { x: 150, range: null, observations: 1, vacated: false });
  t.match(at(100, 110), { x: 155, range: null, observations: 2, vacated: false });
  t.equal(at(100, 100, 100).range, null);
  const still = [100, 100, 100, 100];
  t.match(at(...still), {
    observations: 4,
    range: [
      [150, 150],
      [150, 150],
      [100, 100],
    ],
  });
  t.match(at(...still, 108), {
    x: 152,
    observations: 4,
    range: [
      [150, 152],
      [150, 150],
      [100, 100],
    ],
  });
  t.match(at(...still, 108, 88), {
    x: 148.5,
    range: [
      [148.5, 152],
      [150, 150],
      [100, 100],
    ],
  });
});

t.test(
  'a face has moved when its range exceeds 15 % of its width, 30 % for the size, and half as much more once it is static',
  async (t) => {
    const stays = (range: StaticFaces['positions'][number]['range'], stillMs = 0) => {
      const [position] = restored({ box: box(100), stillMs }).positions;
      const before = { ...noStaticFaces, positions: [{ ...position!, range, observations: 4 }], nextId: 2 };
      return follow(before, [[{ track: 1, box: box(100) }]]).positions[0]!.id === 1;
    };
    const [x, y, width] = [
      [150, 150],
      [150, 150],
      [100, 100],
    ] as const;
    t.ok(stays([[150, 165], y, width]));
    t.notOk(stays([[150, 166], y, width]));
    t.ok(stays([x, [150, 165], width]));
    t.notOk(stays([x, [150, 166], width]));
    t.ok(stays([x, y, [100, 130]]));
    t.notOk(stays([x, y, [100, 131]]));
    t.ok(stays([[150, 172], y, width], hourMs));
    t.notOk(stays([[150, 172], y, width], hourMs - 1));
    t.notOk(stays([[150, 173], y, width], hourMs));
  },
);

t.test('only a good observation shows that another face is at the position', async (t) => {
  const count = (weight: number) =>
    seen([
      { atMs: 0, box: box(100), embedding: ada },
      { atMs: 200, box: box(100), embedding: ben, weight },
    ]).length;
  t.equal(count(0.5), 2);
  t.equal(count(0.49), 1);
});
