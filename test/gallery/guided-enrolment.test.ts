import fc from 'fast-check';
import t from 'tap';
import { type Random, seededRandom } from '../../src/commands/evaluate/random.js';
import { duplicateAbove } from '../../src/gallery/enrolment.js';
import {
  advice,
  beginGuidance,
  count,
  type Guidance,
  type GuidedFace,
  good,
  guide,
  isStuck,
  leftOutWords,
  poses,
  wanted,
  wantedSamples,
} from '../../src/gallery/guided-enrolment.js';
import { similarity } from '../../src/gallery/similarity.js';
import type { Quality } from '../../src/vision/face.js';
import { direction, face, near } from '../room/simulator.js';

const dimension = 64;
const box = [100, 100, 130, 130] as const;
const random = seededRandom(1);
const ada = direction(dimension, random);
const ben = direction(dimension, random);

/** A look of `who`, no two the same. */
function look(who: Float32Array, quality: Partial<Quality> = {}, dice: Random = random): GuidedFace {
  return face(box, near(who, 0.85, direction(dimension, dice)), { yawDegrees: 0, pitchDegrees: 0, ...quality });
}

/** Somebody who does what is asked, a picture each 200 ms, until the end or `mostMs`. */
function obedient(answer: (now: Guidance, atMs: number) => readonly GuidedFace[] | null, mostMs = 120_000): Guidance {
  let now = beginGuidance(0);
  for (let atMs = 200; atMs <= mostMs && now.next !== null; atMs += 200) now = guide(now, answer(now, atMs), atMs);
  return now;
}

const doing = (now: Guidance): Partial<Quality> =>
  ({
    front: {},
    left: { yawDegrees: 25 },
    right: { yawDegrees: -25 },
    up: { pitchDegrees: 12 },
    down: { pitchDegrees: -12 },
  })[now.next ?? 'front'];

t.test('who does what is asked is done in a quarter of a minute', async (t) => {
  const now = obedient((before) => [look(ada, doing(before))]);
  t.equal(now.next, null);
  for (const pose of poses) t.equal(count(now.samples, pose), wanted[pose], pose);
  t.equal(now.samples.length, wantedSamples);
  t.ok(now.atMs < 15_000, `${now.atMs} ms`);
  t.same(now.over, []);
  t.equal(advice(now), 'that is all, thank you');
});

t.test('up and down are as against the own front, since cameras hang high and heads differ', async (t) => {
  const level = -15;
  const now = obedient((before) => {
    const { pitchDegrees = 0, yawDegrees = 0 } = doing(before);
    return [look(ada, { yawDegrees, pitchDegrees: level + pitchDegrees })];
  });
  t.equal(now.next, null);
  for (const { pose, quality } of now.samples)
    t.equal(pose === 'up', quality.pitchDegrees > level + 5, `${pose} at ${quality.pitchDegrees}`);
});

t.test('each thing that is wrong is said with its figure, and nothing is taken', async (t) => {
  const wrong: [Partial<Quality>, RegExp][] = [
    [{ eyesPx: 24 }, /^come closer \(24 px between the eyes, 40 wanted\)$/],
    [{ light: 0.05 }, /^more light on the face \(0\.05, 0\.2 wanted\)$/],
    [{ light: 0.96 }, /^less light/],
    [{ contrast: 0.02 }, /^more even light/],
    [{ sharpness: 0.1 }, /^hold still \(sharpness 0\.10, 0\.5 wanted\)$/],
    [{ yawDegrees: 13 }, /^look into the camera$/],
    [{ yawDegrees: 70 }, /^look into the camera$/],
    [{ pitchDegrees: 40 }, /^look into the camera$/],
  ];
  for (const [quality, said] of wrong) {
    const now = guide(beginGuidance(0), [look(ada, quality)], 200);
    t.match(advice(now), said);
    t.ok(advice(now).length <= 73);
    t.equal(now.samples.length, 0);
  }
  t.match(advice(guide(beginGuidance(0), [], 200)), /^stand before the camera/);
  t.match(advice(guide(beginGuidance(0), null, 200)), /^wait: the camera gives no picture/);
  const unembedded = { ...look(ada), embedding: null };
  t.match(advice(guide(beginGuidance(0), [unembedded], 200)), /^show the whole face/);
});

t.test('of two faces neither is taken; a small one in the background does not count', async (t) => {
  const two = guide(beginGuidance(0), [look(ada, { eyesPx: 80 }), look(ben, { eyesPx: 40 })], 200);
  t.equal(two.obstacle, 'several');
  t.match(advice(two), /^one face only, please: 2 /);
  t.equal(two.samples.length, 0);
  const behind = guide(beginGuidance(0), [look(ben, { eyesPx: 15 }), look(ada, { eyesPx: 80 })], 200);
  t.equal(behind.obstacle, 'taken');
  t.equal(behind.face?.quality.eyesPx, 80);
});

t.test('somebody else who steps in is not taken; who passed by before it began is dropped', async (t) => {
  let now = guide(beginGuidance(0), [look(ben)], 200);
  t.equal(now.samples.length, 1);
  for (let atMs = 600; atMs <= 3000; atMs += 400) now = guide(now, [look(ada)], atMs);
  t.equal(now.samples.length, wanted.front);
  for (const { vector } of now.samples) t.ok(similarity(vector, ada) > 0.5);
  now = guide(now, [look(ben, { yawDegrees: 25 })], 4000);
  t.equal(now.obstacle, 'other');
  t.match(advice(now), /another face/);
  t.equal(now.samples.length, wanted.front, 'what was taken stays');
});

t.test('a picture that is held before the camera gives one look, and it gives up after a minute', async (t) => {
  const photo = look(ada);
  const now = obedient(() => [photo], 61_000);
  t.equal(now.samples.length, 1);
  t.equal(now.obstacle, 'twin');
  t.match(advice(now), /^move your head a little, and look into the camera$/);
  t.ok(isStuck(now));
});

t.test('a pose that cannot be done is left out after 20 s of trying, and only then', async (t) => {
  const stiff = obedient((before) => [look(ada, before.next === 'down' ? {} : doing(before))]);
  t.equal(stiff.next, null);
  t.same(stiff.over, ['down']);
  t.equal(leftOutWords(stiff), ', without down');
  t.ok(stiff.atMs > 20_000 && stiff.atMs < 40_000);
  const away = obedient((before, atMs) =>
    before.next === 'left' ? [] : [look(ada, doing(before), seededRandom(atMs))],
  );
  t.equal(away.next, 'left', 'who is not there does not try');
  t.same(away.over, []);
  t.ok(isStuck(away));
});

t.test('a pose that shows nothing new is over after 5 s', async (t) => {
  const still = obedient((before) => [look(ada, doing(before), before.next === 'up' ? seededRandom(7) : random)]);
  t.equal(still.next, null);
  t.same(still.over, ['up']);
  t.equal(count(still.samples, 'up'), 1);
  t.equal(leftOutWords(still), '');
  t.ok(still.atMs < 20_000);
});

t.test('a mirrored picture swaps left and right in what is asked', async (t) => {
  const now = obedient((before) => (before.next === 'left' ? null : [look(ada, doing(before))]), 5000);
  const facing = { ...now, obstacle: 'pose' } as const;
  t.equal(advice(facing), 'turn your head to your left');
  t.equal(advice(facing, true), 'turn your head to your right');
});

t.test('whatever is seen, what was taken is good, of one face alone, and no look twice', async () => {
  const quality = fc.record({
    eyesPx: fc.integer({ min: 5, max: 120 }),
    sharpness: fc.double({ min: 0, max: 1, noNaN: true }),
    light: fc.double({ min: 0, max: 1, noNaN: true }),
    yawDegrees: fc.integer({ min: -60, max: 60 }),
    pitchDegrees: fc.integer({ min: -50, max: 50 }),
  });
  const seen = fc.record({ who: fc.constantFrom(ada, ben), quality, seed: fc.nat(40) });
  const picture = fc.record({ faces: fc.array(seen, { maxLength: 3 }), blind: fc.boolean(), afterMs: fc.nat(900) });
  fc.assert(
    fc.property(fc.array(picture, { maxLength: 150 }), (pictures) => {
      let [now, atMs] = [beginGuidance(0), 0];
      for (const { faces, blind, afterMs } of pictures) {
        atMs += afterMs;
        const shown = faces.map((one) => look(one.who, one.quality, seededRandom(one.seed)));
        const before = now;
        now = guide(now, blind ? null : shown, atMs);
        if (now.samples.length <= before.samples.length) continue;
        const largest = Math.max(...shown.map((one) => one.quality.eyesPx));
        if (blind || shown.filter((one) => one.quality.eyesPx >= largest / 3).length !== 1) return false;
      }
      const vectors = now.samples.map(({ vector }) => vector);
      const twins = vectors.some((a, i) => vectors.some((b, j) => i < j && similarity(a, b) > duplicateAbove));
      const poor = now.samples.some((one) => one.quality.eyesPx < good.eyesPx || one.quality.sharpness < good.sharpness);
      const mixed =
        vectors.some((one) => similarity(one, ada) > 0.5) && vectors.some((one) => similarity(one, ben) > 0.5);
      const tooMany = poses.some((pose) => count(now.samples, pose) > wanted[pose]);
      return !twins && !poor && !mixed && !tooMany;
    }),
    { numRuns: 500 },
  );
});
