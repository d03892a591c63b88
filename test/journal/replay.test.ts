import fc from 'fast-check';
import t from 'tap';
import type { Gallery } from '../../src/gallery/person.js';
import { type RecordedObservation, type ReplayedTrack, replayJournal } from '../../src/journal/replay.js';
import type { RoomOptions } from '../../src/room/options.js';
import { clipOptions } from '../room/clip-options.js';
import { replay } from '../room/replay-clip.js';
import { randomScene } from '../room/sequences.js';
import { type Scene, simulate } from '../room/simulator.js';
import { keptLooks } from './made-journal.js';

/** A long one takes about a fifth of a second. */
const sequences = Number(process.env['ROOMKIN_LONG_SEQUENCES'] ?? 8);
t.setTimeout(30_000 + 2000 * sequences);

/** Plays a scene and keeps of it what a daemon would. */
function recorded(scene: Scene): { gallery: Gallery; looks: RecordedObservation[]; seen: number } {
  const { frames, gallery } = simulate(scene);
  const replayed = replay(frames, gallery, clipOptions);
  const looks = keptLooks(
    replayed,
    frames.map((frame) => frame.capturedAt),
  );
  return { gallery, looks, seen: replayed.steps.reduce((sum, step) => sum + step.observations.length, 0) };
}

/** A minute to two and a half, with visits of up to a minute, similarities around the threshold and look-alikes. */
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

const changes = (all: readonly ReplayedTrack[]): ReplayedTrack[] =>
  all.filter(({ before, after }) => before.person !== after.person || before.state !== after.state);

t.test(`nothing changes under the same gallery and thresholds, in ${sequences} long sequences`, async (t) => {
  const count = { tracks: 0, named: 0, seen: 0, kept: 0 };
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 31 - 1 }), (seed) => {
        const { gallery, looks, seen } = recorded(longScene(seed));
        const all = replayJournal(() => looks, gallery, clipOptions);
        count.tracks += all.length;
        count.named += all.filter(({ before }) => before.person !== null).length;
        count.seen += seen;
        count.kept += looks.length;
        if (all.some(({ whole }) => !whole)) throw new Error('a track without its beginning');
        const [changed] = changes(all);
        if (changed) throw new Error(JSON.stringify(changed));
      }),
      { numRuns: sequences, seed: 20261123 },
    ),
  );
  t.ok(count.named > sequences / 2, 'names are among them');
  t.ok(count.kept < 0.6 * count.seen, 'and many looks were left out');
  t.comment(`${count.tracks} tracks, ${count.named} named, ${count.kept} of ${count.seen} looks kept`);
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

t.test('it says what another gallery and other thresholds would have made of a track', async (t) => {
  const { gallery, looks } = recorded(plain);
  const [same] = replayJournal(() => looks, gallery, clipOptions);
  t.match(same, {
    run: 'run-1',
    track: 1,
    whole: true,
    before: { person: 'ada', state: 'known' },
    after: { person: 'ada' },
  });
  t.ok(same!.observations > looks.length, 'looks that were not kept are counted');
  t.ok(same!.lastMs - same!.firstMs > 8000);

  t.match(
    replayJournal(() => looks, gallery, stricter),
    [
      {
        before: { person: 'ada' },
        after: { person: null, state: 'unclear', reason: { kind: 'below-threshold', needed: 0.95 } },
      },
    ],
  );
  const without = { ...gallery, people: gallery.people.filter(({ id }) => id !== 'ada') };
  t.match(
    replayJournal(() => looks, without, clipOptions),
    [{ before: { person: 'ada' }, after: { person: null, state: 'stranger', reason: { kind: 'unlike-everybody' } } }],
  );
  const renamed = { ...gallery, people: gallery.people.map((one) => (one.id === 'ada' ? { ...one, id: 'zoe' } : one)) };
  t.match(
    replayJournal(() => looks, renamed, clipOptions),
    [{ before: { person: 'ada' }, after: { person: 'zoe' } }],
  );
  t.match(
    replayJournal(() => looks, { ...gallery, people: [] }, clipOptions),
    [{ after: { state: 'stranger' } }],
  );
});

t.test('a stranger becomes somebody once they are enrolled', async (t) => {
  const { gallery } = recorded(plain);
  const before = recorded({ ...plain, residents: ['ben'] });
  t.match(
    replayJournal(() => before.looks, before.gallery, clipOptions),
    [{ before: { state: 'stranger' }, after: { state: 'stranger' } }],
  );
  const again = recorded(plain).looks.map((look) => ({ ...look, person: null, state: 'stranger' as const }));
  t.match(
    replayJournal(() => again, gallery, clipOptions),
    [{ before: { person: null }, after: { person: 'ada' } }],
  );
});

t.test('the gate counts as it is now', async (t) => {
  const { gallery, looks } = recorded(plain);
  const larger = { ...clipOptions, gate: { ...clipOptions.gate, leastEyesPx: 60 } };
  t.match(
    replayJournal(() => looks, gallery, larger),
    [{ after: { person: null, state: 'unclear' } }],
  );
});

t.test('a track whose beginning is gone is not judged', async (t) => {
  const { gallery, looks } = recorded(plain);
  const later = looks.slice(10);
  t.match(
    replayJournal(() => later, gallery, stricter),
    [{ whole: false, before: { person: 'ada' }, after: { person: 'ada' } }],
  );
});

t.test('two runs of the daemon number their tracks each for itself', async (t) => {
  const { gallery, looks } = recorded(plain);
  const second = looks.map((look) => ({ ...look, run: 'run-2', wallMs: look.wallMs + 1e6, atMs: look.atMs - 5000 }));
  const steps: number[] = [];
  const all = replayJournal(
    () => [...looks, ...second],
    gallery,
    clipOptions,
    (done) => steps.push(done),
  );
  t.match(all, [
    { run: 'run-1', track: 1, after: { person: 'ada' } },
    { run: 'run-2', track: 1, after: { person: 'ada' } },
  ]);
  t.equal(steps.at(-1), 4 * looks.length, 'progress: everything twice');
  t.strictSame(
    replayJournal(() => [], gallery, clipOptions),
    [],
  );
});
