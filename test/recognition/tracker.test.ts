import fc from 'fast-check';
import t from 'tap';
import { defaultOptions } from '../../src/recognition/options.js';
import { bestAssignment, noTracks, type Tracks, track, type WeightedFace } from '../../src/recognition/tracker.js';
import type { Box } from '../../src/vision/face.js';
import { overlap } from '../../src/vision/face.js';
import { vector } from '../helpers/people.js';

const options = defaultOptions.tracks;
const ada = vector(1);
const ben = vector(0, 1);

function observation(box: Box, embedding: Float32Array | null = null, weight = 1): WeightedFace {
  return { face: { box, embedding }, weight };
}

function play(frames: readonly { atMs: number; observations: readonly WeightedFace[] }[]): {
  tracks: Tracks;
  ids: (readonly number[])[];
} {
  let tracks = noTracks;
  const ids = frames.map(({ atMs, observations }) => {
    const step = track(tracks, observations, atMs, options);
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
