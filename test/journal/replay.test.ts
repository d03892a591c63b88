import fc from 'fast-check';
import t from 'tap';
import type { Gallery } from '../../src/gallery/person.js';
import { type RecordedObservation, type ReplayedTrack, replayJournal, replaySteps } from '../../src/journal/replay.js';
import { noStaticFaces } from '../../src/recognition/static-faces.js';
import type { RoomOptions } from '../../src/room/options.js';
import { clipOptions } from '../room/clip-options.js';
import { replay } from '../room/replay-clip.js';
import { randomScene } from '../room/sequences.js';
import { type Scene, simulate } from '../room/simulator.js';
import { sampledEntries } from './made-journal.js';

/** A long sequence takes about 0.2 s. */
const sequences = Number(process.env['ROOMKIN_LONG_SEQUENCES'] ?? 4);
t.setTimeout(30_000 + 2000 * sequences);

/** Plays a scene and samples it as the daemon does. `observations` counts all observations. */
function recorded(
  scene: Scene,
  isScheduled = false,
): { gallery: Gallery; entries: RecordedObservation[]; observations: number } {
  const { frames, gallery } = simulate(scene);
  const replayed = replay(frames, gallery, clipOptions, noStaticFaces, isScheduled);
  const entries = sampledEntries(
    replayed,
    frames.map((frame) => frame.capturedAt),
  );
  return { gallery, entries, observations: replayed.steps.reduce((sum, step) => sum + step.observations.length, 0) };
}

/** A minute to two and a half, with visits of up to a minute, similarities around the threshold and entry-alikes. */
function longScene(seed: number): Scene {
  const scene = randomScene(seed, 10);
  const walks = scene.walks.map((walk) => ({
    ...walk,
    fromMs: walk.fromMs * 5,
    toMs: walk.toMs * 5,
    ...(walk.away === undefined ? {} : { away: [walk.away[0] * 5, walk.away[0] * 5 + 3000] as const }),
  }));
  return { ...scene, walks, durationMs: 120_000, similarity: 0.7 + (seed % 20) / 100 };
}

const changes = (tracks: readonly ReplayedTrack[]): ReplayedTrack[] =>
  tracks.filter(({ before, after }) => before.person !== after.person || before.state !== after.state);

t.test(`nothing changes under the same gallery and thresholds, in ${sequences} long sequences`, async (t) => {
  const count = { tracks: 0, named: 0, observations: 0, entries: 0 };
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 31 - 1 }), (seed) => {
        const { gallery, entries, observations } = recorded(longScene(seed), seed % 2 === 0);
        const tracks = replayJournal(() => entries, gallery, clipOptions);
        count.tracks += tracks.length;
        count.named += tracks.filter(({ before }) => before.person !== null).length;
        count.observations += observations;
        count.entries += entries.length;
        if (tracks.some(({ whole }) => !whole)) throw new Error('a track without its start');
        const [changed] = changes(tracks);
        if (changed) throw new Error(JSON.stringify(changed));
      }),
      { numRuns: sequences, seed: 20261123 },
    ),
  );
  t.ok(count.named > sequences / 2, 'names are among them');
  t.ok(count.entries < 0.6 * count.observations, 'and many observations were skipped');
  t.comment(
    `${count.tracks} tracks, ${count.named} named, ${count.entries} of ${count.observations} observations stored`,
  );
});

t.test('nothing changes on a board that analyses one frame in five or ten seconds', async (t) => {
  let named = 0;
  for (let seed = 1; seed <= 8; seed++) {
    for (const secondsPerFrame of [5, 10]) {
      const { walks, ...scene } = randomScene(seed, 5);
      const slow = (ms: number): number => ms * 5 * secondsPerFrame;
      const slowWalks = walks.map(({ away, ...walk }) => ({
        ...walk,
        fromMs: slow(walk.fromMs),
        toMs: slow(walk.toMs),
        ...(away === undefined ? {} : { away: [slow(away[0]), slow(away[1])] as const }),
      }));
      const { blind: _, ...seen } = scene;
      const { gallery, entries } = recorded({
        ...seen,
        framesPerSecond: 1 / secondsPerFrame,
        durationMs: slow(scene.durationMs),
        walks: slowWalks,
      });
      const tracks = replayJournal(() => entries, gallery, clipOptions);
      named += tracks.filter(({ before }) => before.person !== null).length;
      t.strictSame(changes(tracks), [], `seed ${seed}, a frame in ${secondsPerFrame} s`);
      t.ok(tracks.every(({ whole }) => whole));
    }
  }
  t.ok(named >= 8, `${named} tracks are named`);
});

const walk = { who: 'ada', fromMs: 0, toMs: 9000, x0: 300, x1: 500, y: 400 };
const plain: Scene = {
  ...{ seed: 3, dimension: 64, framesPerSecond: 10, durationMs: 10_000, templates: 4, missed: 0.05, similarity: 0.9 },
  residents: ['ada', 'ben'],
  walks: [walk],
};

const stricter: RoomOptions = {
  ...clipOptions,
  single: { ...clipOptions.single, threshold: 0.9 },
  pooled: { ...clipOptions.pooled, threshold: 0.95 },
};

t.test('a replay shows the result under another gallery and other thresholds', async (t) => {
  const { gallery, entries } = recorded(plain);
  const [same] = replayJournal(() => entries, gallery, clipOptions);
  t.match(same, {
    run: 'run-1',
    track: 1,
    whole: true,
    before: { person: 'ada', state: 'known' },
    after: { person: 'ada' },
  });
  t.ok(same!.observations > entries.length, 'observations that were not stored are counted');
  t.ok(same!.lastMs - same!.firstMs > 8000);

  t.match(
    replayJournal(() => entries, gallery, stricter),
    [
      {
        before: { person: 'ada' },
        after: { person: null, state: 'unclear', reason: { kind: 'below-threshold', needed: 0.95 } },
      },
    ],
  );
  const without = { ...gallery, people: gallery.people.filter(({ id }) => id !== 'ada') };
  t.match(
    replayJournal(() => entries, without, clipOptions),
    [{ before: { person: 'ada' }, after: { person: null, state: 'stranger', reason: { kind: 'unlike-everybody' } } }],
  );
  const renamed = {
    ...gallery,
    people: gallery.people.map((person) => (person.id === 'ada' ? { ...person, id: 'zoe' } : person)),
  };
  t.match(
    replayJournal(() => entries, renamed, clipOptions),
    [{ before: { person: 'ada' }, after: { person: 'zoe' } }],
  );
  t.match(
    replayJournal(() => entries, { ...gallery, people: [] }, clipOptions),
    [{ after: { state: 'stranger' } }],
  );
});

t.test('a track of a stranger gets the name once the person is enrolled', async (t) => {
  const { gallery } = recorded(plain);
  const before = recorded({ ...plain, residents: ['ben'] });
  t.match(
    replayJournal(() => before.entries, before.gallery, clipOptions),
    [{ before: { state: 'stranger' }, after: { state: 'stranger' } }],
  );
  const again = recorded(plain).entries.map((entry) => ({ ...entry, person: null, state: 'stranger' as const }));
  t.match(
    replayJournal(() => again, gallery, clipOptions),
    [{ before: { person: null }, after: { person: 'ada' } }],
  );
});

t.test('a replay uses the present quality gate', async (t) => {
  const { gallery, entries } = recorded(plain);
  const larger = { ...clipOptions, gate: { ...clipOptions.gate, leastEyesPx: 60 } };
  t.match(
    replayJournal(() => entries, gallery, larger),
    [{ after: { person: null, state: 'unclear' } }],
  );
});

t.test('a track whose start is no longer in the journal is not replayed', async (t) => {
  const { gallery, entries } = recorded(plain);
  const later = entries.slice(10);
  t.match(
    replayJournal(() => later, gallery, stricter),
    [{ whole: false, before: { person: 'ada' }, after: { person: 'ada' } }],
  );
});

t.test('track numbers are separate for each run of the daemon', async (t) => {
  const { gallery, entries } = recorded(plain);
  const second = entries.map((entry) => ({
    ...entry,
    run: 'run-2',
    wallMs: entry.wallMs + 1e6,
    atMs: entry.atMs - 5000,
  }));
  const both = () => [...entries, ...second];
  const tracks = replayJournal(both, gallery, clipOptions);
  const steps = [...replaySteps(both, gallery, clipOptions)];
  t.match(tracks, [
    { run: 'run-1', track: 1, after: { person: 'ada' } },
    { run: 'run-2', track: 1, after: { person: 'ada' } },
  ]);
  t.equal(steps.at(-1), 4 * entries.length, 'progress counts both passes');
  t.strictSame(
    replayJournal(() => [], gallery, clipOptions),
    [],
  );
});
