import t from 'tap';
import {
  finishSampling,
  mergedUntilMs,
  noSamplers,
  type SampledObservation,
  sample,
  storeSkipped,
} from '../../src/journal/sampling.js';
import type { DecidedObservation } from '../../src/recognition/observation.js';
import { unmeasuredQuality } from '../../src/vision/face.js';
import { vector } from '../helpers/people.js';

const quality = {
  eyesPx: 40,
  sharpness: 0.6,
  yawDegrees: 0,
  pitchDegrees: 0,
  light: 0.5,
  contrast: 0.2,
  ...unmeasuredQuality,
};
const ada: DecidedObservation = {
  ...{ atMs: 0, track: 1, box: [0, 0, 90, 90], score: 0.9, quality, embedding: vector(0.8), weight: 1 },
  ...{ best: 'ada', runnerUp: 'ben', similarity: 0.8, second: 0, margin: 0.8 },
  ...{
    person: 'ada',
    state: 'known',
    reason: { kind: 'match', best: 'ada', similarity: 0.8, needed: 0.56, margin: null },
  },
};

/** A room at 10 frames per second. Each frame has one observation, with `over` replacing its members. */
function room() {
  let samplers = noSamplers;
  let atMs = 0;
  return {
    see(count: number, over: Partial<DecidedObservation> = {}): SampledObservation[] {
      return Array.from({ length: count }, () => {
        atMs += 100;
        const next = sample(samplers, [{ ...ada, ...over, atMs }], atMs);
        samplers = next.samplers;
        return next.entries;
      }).flat();
    },
    nobody(forMs: number): readonly SampledObservation[] {
      atMs += forMs;
      const next = sample(samplers, [], atMs);
      samplers = next.samplers;
      return next.entries;
    },
    get samplers() {
      return samplers;
    },
  };
}

const numbers = (entries: readonly SampledObservation[]): number[] => entries.map(({ nth }) => nth);

t.test('the first observations of a track are all stored, then ever fewer with the mean of the others', async (t) => {
  const scene = room();
  t.strictSame(
    numbers(scene.see(10)),
    Array.from({ length: 10 }, (_, i) => i + 1),
  );
  const later = [...scene.see(9, { weight: 0.5, embedding: vector(0, 0.8) }), ...scene.see(1)];
  t.strictSame(numbers(later), [20]);
  const { observations, weight, mean } = later[0]!.skipped!;
  t.strictSame({ observations, weight }, { observations: 9, weight: 0.5 });
  t.ok(Math.abs(mean[1]! - 0.8) < 1e-6);
  t.strictSame(numbers(scene.see(580)), [39, 77, 153, 303, 453], 'half the age of the track, at most 15 s');
});

t.test('at a low frame rate the first minute of a track is stored almost completely', async (t) => {
  let samplers = noSamplers;
  const entries = Array.from({ length: 60 }, (_, i) => {
    const next = sample(samplers, [{ ...ada, atMs: i * 2000 }], i * 2000);
    samplers = next.samplers;
    return next.entries;
  }).flat();
  t.strictSame(numbers(entries), [1, 2, 3, 4, 5, 6, 11, 19, 27, 35, 43, 51, 59]);
});

t.test('a change of the decision is stored with the observations that led to it', async (t) => {
  const scene = room();
  scene.see(81);
  const changed = scene.see(1, { person: null, state: 'stranger' });
  t.strictSame(numbers(changed), [78, 79, 80, 81, 82]);
  t.strictSame(
    changed.map(({ skipped }) => skipped),
    [null, null, null, null, null],
  );
});

t.test('an observation that does not count changes nothing and is part of no mean', async (t) => {
  const scene = room();
  const stranger = { person: null, state: 'stranger' } as const;
  scene.see(20, stranger);
  const entries = [...scene.see(18, { ...stranger, state: 'unclear', weight: 0 }), ...scene.see(1, stranger)];
  t.match(entries, [{ nth: 39, skipped: null }]);
  t.equal(entries.length, 1);
});

t.test('each observation that is closest to a person other than the name is stored', async (t) => {
  const scene = room();
  scene.see(40);
  t.strictSame(numbers(scene.see(3, { best: 'ben' })), [41, 42, 43]);
  t.strictSame(numbers(scene.see(3, { best: 'ben', weight: 0 })), [], 'except one that does not count');
});

t.test('the last observation of a track is stored, whenever the track ends', async (t) => {
  const scene = room();
  scene.see(43);
  t.strictSame(numbers(scene.nobody(4000)), []);
  const [last] = scene.nobody(2000);
  t.match(last, { nth: 43, skipped: { observations: 3 } });
  t.equal(scene.samplers.size, 0);
  scene.see(15);
  t.strictSame(numbers(finishSampling(scene.samplers)), [15], 'also when the daemon stops');
  t.strictSame(numbers(scene.see(5)), [20]);
  t.strictSame(finishSampling(scene.samplers), [], 'but not twice');
});

t.test('memory is bounded at sixty frames per second', async (t) => {
  let samplers = noSamplers;
  let skipped = 0;
  for (let i = 0; i < 600; i++) {
    const next = sample(samplers, [{ ...ada, atMs: i * 16 }], i * 16);
    samplers = next.samplers;
    t.ok(samplers.get(1)!.pending.length <= 32);
    for (const entry of next.entries) skipped += entry.skipped?.observations ?? 0;
  }
  t.ok(skipped > 300, 'skipped observations are counted');
});

t.test('a static face is stored once a minute', async (t) => {
  let samplers = noSamplers;
  let stored = 0;
  for (let second = 0; second < 3600; second++) {
    const next = sample(
      samplers,
      [{ ...ada, weight: 0, person: null, state: 'unclear', atMs: second * 1000 }],
      second * 1000,
    );
    samplers = next.samplers;
    stored += next.entries.length;
  }
  t.equal(stored, 6 + 59);
});

t.test('tracks are sampled separately', async (t) => {
  let samplers = noSamplers;
  const entries = Array.from({ length: 100 }, (_, i) => {
    const observations = [1, 2].map((track) => ({ ...ada, track, atMs: i * 100 }));
    const next = sample(samplers, observations, i * 100);
    samplers = next.samplers;
    return next.entries;
  }).flat();
  for (const track of [1, 2]) t.equal(entries.filter((entry) => entry.track === track).length, 10 + 3);
});

t.test('a face whose embedding was not due is not stored, and counts as seen', async (t) => {
  let samplers = noSamplers;
  const stored: SampledObservation[] = [];
  for (let n = 1; n <= 43; n += 1) {
    const left = n > 2 && n % 10 !== 0 ? { embedding: null, weight: 0, isContinued: true } : {};
    const next = sample(samplers, [{ ...ada, ...left, atMs: n * 100 }], n * 100);
    samplers = next.samplers;
    stored.push(...next.entries);
  }
  stored.push(...finishSampling(samplers));
  const last = stored.pop();
  t.match(last, { atMs: 4300, embedding: null }, 'the end of the track');
  t.ok(stored.every(({ embedding }) => embedding !== null));
  t.strictSame(numbers(stored).slice(0, 3), [1, 2, 10]);
  const other = sample(
    samplers,
    [{ ...ada, embedding: null, weight: 0, isContinued: true, person: null, atMs: 4400 }],
    4400,
  );
  t.ok(
    other.entries.some(({ person }) => person === null),
    'a lost name is stored, whatever the face',
  );
});

t.test('every observation that is newer than the merged ones can be stored, or is', async (t) => {
  let samplers = noSamplers;
  const stored = new Set<number>();
  const add = (next: ReturnType<typeof storeSkipped>): void => {
    samplers = next.samplers;
    for (const { atMs } of next.entries) stored.add(atMs);
  };
  t.equal(mergedUntilMs(samplers, 1), Number.NEGATIVE_INFINITY);
  for (let n = 1; n <= 100; n += 1) {
    add(sample(samplers, [{ ...ada, atMs: n * 100 }], n * 100));
    const asked = [5, 3, 1].map((back) => (n - back) * 100);
    for (const atMs of asked.filter((atMs) => atMs > Math.max(0, mergedUntilMs(samplers, 1)))) {
      add(storeSkipped(samplers, 1, atMs));
      if (!stored.has(atMs)) t.fail(`${atMs} ms at ${n * 100} ms is lost`);
      break;
    }
  }
  t.ok(stored.size > 20);
  samplers = noSamplers;
  stored.clear();
  for (let n = 1; n <= 100; n += 1) add(sample(samplers, [{ ...ada, atMs: n * 100 }], n * 100));
  t.ok(mergedUntilMs(samplers, 1) > 1000, 'most are merged');
});

t.test('a skipped observation is stored on request, and no observation counts twice or is lost', async (t) => {
  let samplers = noSamplers;
  const stored: SampledObservation[] = [];
  const add = (next: ReturnType<typeof storeSkipped>): void => {
    samplers = next.samplers;
    stored.push(...next.entries);
  };
  for (let n = 1; n <= 40; n += 1) {
    add(sample(samplers, [{ ...ada, atMs: n * 100 }], n * 100));
    if (n === 17) add(storeSkipped(samplers, 1, 1500));
  }
  t.ok(numbers(stored).includes(15), 'the one that was asked for');
  const before = stored.length;
  add(storeSkipped(samplers, 1, 1500));
  add(storeSkipped(samplers, 1, 1));
  add(storeSkipped(samplers, 2, 1500));
  t.equal(stored.length, before, 'neither once more, nor one that there never was');
  stored.push(...finishSampling(samplers));
  const counted = stored.reduce((sum, { skipped }) => sum + 1 + (skipped?.observations ?? 0), 0);
  t.equal(counted, 40);
  t.strictSame(
    numbers(stored),
    numbers(stored).toSorted((a, b) => a - b),
    'in the order of time',
  );
  t.equal(new Set(numbers(stored)).size, stored.length);
});
