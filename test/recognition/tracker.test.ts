import fc from 'fast-check';
import t from 'tap';
import { defaultOptions } from '../../src/recognition/options.js';
import {
  bestAssignment,
  isAlive,
  noTracks,
  type Track,
  type TrackOptions,
  type Tracks,
  track,
  type WeightedFace,
} from '../../src/recognition/tracker.js';
import type { Box } from '../../src/vision/face.js';
import { overlap } from '../../src/vision/face.js';
import { vector } from '../helpers/people.js';

const options = defaultOptions.tracks;
const ada = vector(1);
const ben = vector(0, 1);

function observation(box: Box, embedding: Float32Array | null = null, weight = 1): WeightedFace {
  return { face: { box, embedding }, weight };
}

function play(
  frames: readonly { atMs: number; observations: readonly WeightedFace[] }[],
  more: Partial<TrackOptions> = {},
): { tracks: Tracks; ids: (readonly number[])[] } {
  let tracks = noTracks;
  const ids = frames.map(({ atMs, observations }) => {
    const step = track(tracks, observations, atMs, { ...options, ...more });
    tracks = step.tracks;
    return step.trackOf;
  });
  return { tracks, ids };
}

t.test('a moving face keeps its track, also through missed frames', async (t) => {
  const at = (n: number) => ({ atMs: n * 100, observations: [observation([100 + 20 * n, 100, 80, 80], ada)] });
  const { ids } = play([
    at(0),
    at(1),
    at(2),
    { atMs: 300, observations: [] },
    { atMs: 400, observations: [] },
    at(5),
    at(6),
  ]);
  t.strictSame(ids, [[1], [1], [1], [], [], [1], [1]]);
});

t.test('a track that was not seen for too long ends', async (t) => {
  const box: Box = [100, 100, 80, 80];
  const { ids, tracks } = play([
    { atMs: 0, observations: [observation(box, ada)] },
    { atMs: options.lostAfterMs + 1, observations: [observation(box, ada)] },
  ]);
  t.strictSame(ids, [[1], [2]]);
  t.equal(tracks.tracks.length, 1);
});

t.test('another face in the same position starts another track', async (t) => {
  const box: Box = [100, 100, 80, 80];
  const { ids } = play([
    { atMs: 0, observations: [observation(box, ada)] },
    { atMs: 100, observations: [observation(box, ben)] },
    { atMs: 200, observations: [observation(box, ada)] },
  ]);
  t.strictSame(ids, [[1], [2], [1]]);
});

t.test('an unusable observation continues the track at its position, whatever its embedding', async (t) => {
  const box: Box = [100, 100, 80, 80];
  const { ids, tracks } = play([
    { atMs: 0, observations: [observation(box, ada)] },
    { atMs: 100, observations: [observation(box, ben, 0)] },
    { atMs: 200, observations: [observation(box, null)] },
  ]);
  t.strictSame(ids, [[1], [1], [1]]);
  t.equal(tracks.tracks[0]!.pooled.observations, 1);
});

t.test('two people who cross each other keep their tracks', async (t) => {
  const frames = Array.from({ length: 21 }, (_, n) => ({
    atMs: n * 100,
    observations: [observation([100 + 20 * n, 100, 80, 80], ada), observation([500 - 20 * n, 104, 80, 80], ben)],
  }));
  t.strictSame(
    play(frames).ids,
    frames.map(() => [1, 2]),
  );
});

t.test('a jump across the room starts a new track, unless the embedding matches', async (t) => {
  const far = play([
    { atMs: 0, observations: [observation([100, 100, 80, 80])] },
    { atMs: 100, observations: [observation([600, 100, 80, 80])] },
  ]);
  t.strictSame(far.ids, [[1], [2]]);
  const quick = play([
    { atMs: 0, observations: [observation([100, 100, 80, 80], ada)] },
    { atMs: 300, observations: [observation([220, 100, 80, 80], ada)] },
  ]);
  t.strictSame(quick.ids, [[1], [1]]);
});

t.test('the number of tracks is bounded', async (t) => {
  const observations = Array.from({ length: 200 }, (_, n) => observation([n * 100, 0, 50, 50]));
  const { tracks } = play([
    { atMs: 0, observations },
    { atMs: 100, observations: observations.slice(50) },
  ]);
  t.equal(tracks.tracks.length, options.maxTracks);
});

/** Whether a face of `second` continues the track of a face of `first`, `elapsedMs` later. */
function continues(
  first: WeightedFace,
  second: WeightedFace,
  elapsedMs = 100,
  more: Partial<TrackOptions> = {},
): boolean {
  const { ids } = play(
    [
      { atMs: 1000, observations: [first] },
      { atMs: 1000 + elapsedMs, observations: [second] },
    ],
    more,
  );
  return ids[1]![0] === 1;
}
const square = (x: number, widthPx = 80): Box => [x, 100, widthPx, widthPx];

t.test('without an embedding a track continues from the least overlap on', async (t) => {
  t.ok(continues(observation(square(100)), observation(square(148))), 'an overlap of 0.25');
  t.notOk(continues(observation(square(100)), observation(square(149))), 'although it is near');
});

t.test('a similar face may be as far away as a face moves in the time', async (t) => {
  const isReached = (px: number, elapsedMs: number) =>
    continues(observation(square(100), ada), observation(square(100 + px), ada), elapsedMs);
  t.ok(isReached(159, 300), 'two face widths in 300 ms');
  t.notOk(isReached(160, 300));
  t.ok(isReached(319, 1500), 'four at most');
  t.notOk(isReached(321, 1500));
  const narrower = (px: number) => observation([110 + px, 110, 60, 60], ada);
  t.ok(continues(observation(square(100), ada), narrower(139), 300), 'of the mean of both sizes');
  t.notOk(continues(observation(square(100), ada), narrower(141), 300));
});

t.test('a similarity of exactly the limit counts as the same face, and as not different', async (t) => {
  const half = vector(0.5);
  const [here, beside] = [observation(square(100), ada), observation(square(180), half)];
  t.ok(continues(here, beside, 100, { sameAbove: 0.5 }));
  t.notOk(continues(here, beside, 100, { sameAbove: 0.51 }));
  const inPlace = observation(square(100), half);
  t.ok(continues(here, inPlace, 100, { differentBelow: 0.5 }));
  t.notOk(continues(here, inPlace, 100, { differentBelow: 0.51 }));
});

t.test('a face never continues a track of another size', async (t) => {
  const centred = (widthPx: number) => observation([500 - widthPx / 2, 500 - widthPx / 2, widthPx, widthPx], ada);
  t.strictSame(
    [40, 41, 249, 250].map((widthPx) => continues(centred(100), centred(widthPx))),
    [false, true, true, false],
  );
});

t.test('a face continues the nearer of two similar tracks, and the more similar of two tracks as near', async (t) => {
  const { ids } = play([
    { atMs: 0, observations: [observation(square(100), ada), observation(square(285), ada)] },
    { atMs: 100, observations: [observation(square(185), ada)] },
  ]);
  t.strictSame(ids, [[1, 2], [1]]);
  for (const [left, right, id] of [
    [vector(0.5), ada, 2],
    [ada, vector(0.5), 1],
  ] as const) {
    const between = play([
      { atMs: 0, observations: [observation(square(100), left), observation(square(140), right)] },
      { atMs: 100, observations: [observation(square(120), ada)] },
    ]);
    t.strictSame(between.ids[1], [id]);
  }
});

t.test('a face that was not detected is expected where it was going, for half a second', async (t) => {
  const expectedAt = (elapsedMs: number, px: number) => {
    const { ids } = play([
      { atMs: 1000, observations: [observation([100, 100, 80, 80], ada)] },
      { atMs: 1100, observations: [observation([140, 140, 80, 80], ada)] },
      { atMs: 1100 + elapsedMs, observations: [observation([140 + px, 140 + px, 80, 80])] },
    ]);
    return ids[2]![0] === 1;
  };
  t.ok(expectedAt(300, 60));
  t.notOk(expectedAt(300, 100));
  t.ok(expectedAt(500, 100));
  t.ok(expectedAt(1000, 100), 'it is not expected further away after a second');
  t.notOk(expectedAt(1000, 200));
  t.ok(expectedAt(-500, 0), 'an older frame counts as of the same time');
  for (const axis of [0, 1]) {
    const at = (px: number): Box => (axis === 0 ? [100 + px, 100, 80, 80] : [100, 100 + px, 80, 80]);
    const { ids } = play([
      { atMs: 1000, observations: [observation(at(0))] },
      { atMs: 1100, observations: [observation(at(40))] },
      { atMs: 1500, observations: [observation(at(120))] },
    ]);
    t.strictSame(ids, [[1], [1], [1]]);
  }
});

t.test('the velocity is the mean of the old one and that of the last path of the centre', async (t) => {
  const frames = [
    { atMs: 1000, observations: [observation([100, 100, 80, 80])] },
    { atMs: 1100, observations: [observation([120, 110, 90, 90])] },
    { atMs: 1200, observations: [observation([145, 125, 80, 80])] },
  ];
  const velocityAfter = (count: number) => play(frames.slice(0, count)).tracks.tracks[0]!.velocity;
  const isAbout = ([x, y]: Track['velocity'], expected: Track['velocity']) =>
    Math.hypot(x - expected[0], y - expected[1]) < 1e-9;
  t.strictSame(velocityAfter(1), [0, 0]);
  t.ok(isAbout(velocityAfter(2), [0.125, 0.075]));
  t.ok(isAbout(velocityAfter(3), [0.1625, 0.0875]));
});

t.test('a frame of the same time or an older one changes neither the velocity nor the time of the track', async (t) => {
  for (const atMs of [1100, 900]) {
    const { tracks } = play([
      { atMs: 1000, observations: [observation([100, 100, 80, 80])] },
      { atMs: 1100, observations: [observation([110, 120, 80, 80])] },
      { atMs, observations: [observation([112, 122, 80, 80])] },
    ]);
    t.match(tracks.tracks, [{ velocity: [0.05, 0.1], firstMs: 1000, lastMs: 1100, frames: 3 }]);
  }
});

t.test('a track is alive up to its limit, in a replay up to the end that the journal knows', async (t) => {
  t.ok(isAlive({ lastMs: 1000 }, 3000, options));
  t.notOk(isAlive({ lastMs: 1000 }, 3001, options));
  t.ok(isAlive({ lastMs: 1000, untilMs: 5000 }, 7000, options));
  t.notOk(isAlive({ lastMs: 1000, untilMs: 5000 }, 7001, options));
});

t.test(
  'the tracks that were not seen for the longest time are dropped first, and the others keep their order',
  async (t) => {
    const at = (x: number) => observation([x, 100, 80, 80]);
    const frames = [
      { atMs: 0, observations: [at(0)] },
      { atMs: 100, observations: [at(300)] },
      { atMs: 200, observations: [at(600)] },
      { atMs: 300, observations: [at(900)] },
    ];
    const idsOf = (maxTracks: number) => play(frames, { maxTracks }).tracks.tracks.map(({ id }) => id);
    t.strictSame(idsOf(4), [1, 2, 3, 4]);
    t.strictSame(idsOf(3), [2, 3, 4]);
    t.strictSame(idsOf(2), [3, 4]);
  },
);

t.test('a recorded face keeps the track that the journal knows', async (t) => {
  const recorded = (
    id: number,
    frames: number,
    untilMs: number,
    embedding: Float32Array | null = ada,
  ): WeightedFace => ({
    face: { box: square(100 * id), embedding, recorded: { track: id, frames, untilMs, weight: 1 } },
    weight: 1,
  });
  const first = track({ tracks: [], nextId: 3 }, [recorded(7, 4, 2000), recorded(5, 1, 1500, null)], 1000, options);
  t.strictSame(first.trackOf, [7, 5]);
  t.match(first.tracks, {
    nextId: 8,
    tracks: [
      { id: 5, firstMs: 1000, lastMs: 1000, frames: 1, untilMs: 1500, pooled: { observations: 0 } },
      { id: 7, firstMs: 1000, lastMs: 1000, frames: 4, untilMs: 2000, pooled: { observations: 1 } },
    ],
  });
  const second = track(first.tracks, [recorded(7, 6, 2500)], 1200, options);
  t.match(second.tracks.tracks[1], { id: 7, firstMs: 1000, lastMs: 1200, frames: 6, pooled: { observations: 2 } });
  const older = track(second.tracks, [recorded(7, 7, 2500)], 1100, options);
  t.match(older.tracks.tracks[1], { lastMs: 1200, frames: 7 });
  t.equal(track({ tracks: [], nextId: 9 }, [recorded(2, 1, 0)], 0, options).tracks.nextId, 9);
});

t.test('of equal sums the earlier rows and columns are assigned to each other', async (t) => {
  t.strictSame(bestAssignment([[1, 1]]), [0]);
  t.strictSame(bestAssignment([[2, 2, 0]]), [0]);
  t.strictSame(bestAssignment([[], []]), [-1, -1], 'no columns');
  t.strictSame(bestAssignment([]), []);
});

t.test('the overlap of boxes is their intersection over union', async (t) => {
  t.equal(overlap([0, 0, 10, 10], [0, 0, 10, 10]), 1);
  t.equal(overlap([0, 0, 10, 10], [10, 0, 10, 10]), 0);
  t.ok(Math.abs(overlap([0, 0, 10, 10], [5, 0, 10, 10]) - 1 / 3) < 1e-12);
});

t.test('the best assignment is at least as good as every other', async (t) => {
  const table = fc.tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 5 })).chain(([rows, columns]) =>
    fc.array(fc.array(fc.integer({ min: -3, max: 9 }), { minLength: columns, maxLength: columns }), {
      minLength: rows,
      maxLength: rows,
    }),
  );
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(table, (gain) => {
        const assigned = bestAssignment(gain);
        const used = assigned.filter((column) => column >= 0);
        const sum = assigned.reduce((total, column, row) => total + (column < 0 ? 0 : gain[row]![column]!), 0);
        const isAllowed = assigned.every((column, row) => column < 0 || gain[row]![column]! > 0);
        return new Set(used).size === used.length && isAllowed && sum === exhaustive(gain, 0, new Set());
      }),
      { numRuns: 500 },
    ),
  );
});

function exhaustive(gain: readonly (readonly number[])[], row: number, used: Set<number>): number {
  if (row === gain.length) return 0;
  let best = exhaustive(gain, row + 1, used);
  gain[row]!.forEach((value, column) => {
    if (value > 0 && !used.has(column))
      best = Math.max(best, value + exhaustive(gain, row + 1, new Set([...used, column])));
  });
  return best;
}
