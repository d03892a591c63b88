import t from 'tap';
import { finishSampling, type SampledObservation, noSamplers, sample } from '../../src/journal/sampling.js';
import type { DecidedObservation } from '../../src/recognition/observation.js';
import { vector } from '../helpers/people.js';

const quality = { eyesPx: 40, sharpness: 0.6, yawDegrees: 0, pitchDegrees: 0, light: 0.5, contrast: 0.2 };
const ada: DecidedObservation = {
  ...{ atMs: 0, track: 1, box: [0, 0, 90, 90], score: 0.9, quality, embedding: vector(0.8), weight: 1 },
  ...{ best: 'ada', runnerUp: 'ben', similarity: 0.8, second: 0, margin: 0.8 },
  ...{
    person: 'ada',
    state: 'known',
    reason: { kind: 'match', best: 'ada', similarity: 0.8, needed: 0.56, margin: null },
  },
};

/** A room at 10 frames a second, each with one look of what is given. */
function room() {
  let notes = noSamplers;
  let atMs = 0;
  return {
    see(looks: number, over: Partial<DecidedObservation> = {}): SampledObservation[] {
      return Array.from({ length: looks }, () => {
        atMs += 100;
        const next = sample(notes, [{ ...ada, ...over, atMs }], atMs);
        notes = next.notes;
        return next.kept;
      }).flat();
    },
    nobody(forMs: number): readonly SampledObservation[] {
      atMs += forMs;
      const next = sample(notes, [], atMs);
      notes = next.notes;
      return next.kept;
    },
    get notes() {
      return notes;
    },
  };
}

const numbers = (looks: readonly SampledObservation[]): number[] => looks.map(({ nth }) => nth);

t.test('the first looks of a track are all kept, then one a second with the mean of the others', async (t) => {
  const r = room();
  t.strictSame(
    numbers(r.see(30)),
    Array.from({ length: 30 }, (_, i) => i + 1),
  );
  const later = [...r.see(9, { weight: 0.5, embedding: vector(0, 0.8) }), ...r.see(1)];
  t.strictSame(numbers(later), [40]);
  const { observations: looks, weight, mean } = later[0]!.skipped!;
  t.strictSame({ looks, weight }, { looks: 9, weight: 0.5 });
  t.ok(Math.abs(mean[1]! - 0.8) < 1e-6);
  t.strictSame(numbers(r.see(100)), [50, 60, 70, 80, 90, 100, 110, 120, 130, 140]);
});

t.test('at a low frame rate three seconds pass before thirty looks do: more than enough, all are kept', async (t) => {
  let notes = noSamplers;
  const kept = Array.from({ length: 60 }, (_, i) => {
    const next = sample(notes, [{ ...ada, atMs: i * 2000 }], i * 2000);
    notes = next.notes;
    return next.kept.length;
  });
  t.equal(
    kept.reduce((a, b) => a + b),
    60,
  );
});

t.test('a change of the verdict is kept with what led to it', async (t) => {
  const r = room();
  r.see(104);
  const changed = r.see(1, { person: null, state: 'stranger' });
  t.strictSame(numbers(changed), [101, 102, 103, 104, 105]);
  t.strictSame(
    changed.map(({ skipped }) => skipped),
    [null, null, null, null, null],
  );
});

t.test('a look that does not count changes nothing, and is in no mean', async (t) => {
  const r = room();
  const stranger = { person: null, state: 'stranger' } as const;
  r.see(40, stranger);
  const kept = [...r.see(9, { ...stranger, state: 'unclear', weight: 0 }), ...r.see(1, stranger)];
  t.match(kept, [{ nth: 50, skipped: null }]);
  t.equal(kept.length, 1);
});

t.test('each look that is nearest to somebody else than the name is kept', async (t) => {
  const r = room();
  r.see(40);
  t.strictSame(numbers(r.see(3, { best: 'ben' })), [41, 42, 43]);
  t.strictSame(numbers(r.see(3, { best: 'ben', weight: 0 })), [], 'unless it does not count');
});

t.test('the last look of a track is kept, whenever it ends', async (t) => {
  const r = room();
  r.see(44);
  t.strictSame(numbers(r.nobody(4000)), []);
  const [last] = r.nobody(2000);
  t.match(last, { nth: 44, skipped: { looks: 3 } });
  t.equal(r.notes.size, 0);
  r.see(35);
  t.strictSame(numbers(finishSampling(r.notes)), [35], 'also when the daemon stops');
  t.strictSame(numbers(r.see(5)), [40]);
  t.strictSame(finishSampling(r.notes), [], 'but not twice');
});

t.test('a camera of sixty frames a second does not fill the memory', async (t) => {
  let notes = noSamplers;
  let skipped = 0;
  for (let i = 0; i < 600; i++) {
    const next = sample(notes, [{ ...ada, atMs: i * 16 }], i * 16);
    notes = next.notes;
    t.ok(notes.get(1)!.runUp.length <= 32);
    for (const look of next.kept) skipped += look.skipped?.observations ?? 0;
  }
  t.ok(skipped > 300, 'and forgets none of them');
});

t.test('a picture on the wall, looked at all day, is noted once a minute', async (t) => {
  let notes = noSamplers;
  let kept = 0;
  for (let second = 0; second < 3600; second++) {
    const next = sample(
      notes,
      [{ ...ada, weight: 0, person: null, state: 'unclear', atMs: second * 1000 }],
      second * 1000,
    );
    notes = next.notes;
    kept += next.kept.length;
  }
  t.equal(kept, 30 + 59);
});

t.test('tracks are told apart', async (t) => {
  let notes = noSamplers;
  const kept = Array.from({ length: 100 }, (_, i) => {
    const looks = [1, 2].map((track) => ({ ...ada, track, atMs: i * 100 }));
    const next = sample(notes, looks, i * 100);
    notes = next.notes;
    return next.kept;
  }).flat();
  for (const track of [1, 2]) t.equal(kept.filter((look) => look.track === track).length, 30 + 7);
});
