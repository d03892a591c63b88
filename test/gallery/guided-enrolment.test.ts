import fc from 'fast-check';
import t from 'tap';
import { type Random, seededRandom } from '../../src/commands/evaluate/random.js';
import { duplicateAbove } from '../../src/gallery/enrolment.js';
import {
  advice,
  count,
  type Guidance,
  type GuidedFace,
  good,
  guide,
  isEnough,
  isStuck,
  leftOutWords,
  poses,
  startGuidance,
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

/** An observation of `person`. No two are equal. */
function observation(person: Float32Array, quality: Partial<Quality> = {}, dice: Random = random): GuidedFace {
  return face(box, near(person, 0.85, direction(dimension, dice)), { yawDegrees: 0, pitchDegrees: 0, ...quality });
}

/** A person who follows the instructions, with a frame every 200 ms, until the end or `mostMs`. */
function enrol(
  respond: (guidance: Guidance, atMs: number) => readonly GuidedFace[] | null,
  mostMs = 120_000,
): Guidance {
  let guidance = startGuidance(0);
  for (let atMs = 200; atMs <= mostMs && guidance.next !== null; atMs += 200)
    guidance = guide(guidance, respond(guidance, atMs), atMs);
  return guidance;
}

const requestedPose = (guidance: Guidance): Partial<Quality> =>
  ({
    front: {},
    left: { yawDegrees: 25 },
    right: { yawDegrees: -25 },
    up: { pitchDegrees: 12 },
    down: { pitchDegrees: -12 },
  })[guidance.next ?? 'front'];

t.test('a person who follows the instructions is enrolled within 15 s', async (t) => {
  const guidance = enrol((before) => [observation(ada, requestedPose(before))]);
  t.equal(guidance.next, null);
  for (const pose of poses) t.equal(count(guidance.samples, pose), wanted[pose], pose);
  t.equal(guidance.samples.length, wantedSamples);
  t.ok(guidance.atMs < 15_000, `${guidance.atMs} ms`);
  t.same(guidance.abandoned, []);
  t.equal(advice(guidance), 'that is all, thank you');
});

t.test('up and down are relative to the own front, because camera positions and heads differ', async (t) => {
  const level = -15;
  const guidance = enrol((before) => {
    const { pitchDegrees = 0, yawDegrees = 0 } = requestedPose(before);
    return [observation(ada, { yawDegrees, pitchDegrees: level + pitchDegrees })];
  });
  t.equal(guidance.next, null);
  for (const { pose, quality } of guidance.samples)
    t.equal(pose === 'up', quality.pitchDegrees > level + 5, `${pose} at ${quality.pitchDegrees}`);
});

t.test('each quality fault is named with its figure, and no sample is accepted', async (t) => {
  const wrong: [Partial<Quality>, RegExp][] = [
    [{ eyesPx: 24 }, /^come closer \(24 px between the eyes, 40 px wanted\)$/],
    [{ light: 0.05 }, /^more light on the face \(5 %, 20 % wanted\)$/],
    [{ light: 0.96 }, /^less light/],
    [{ contrast: 0.02 }, /^more even light/],
    [{ sharpness: 0.1 }, /^hold still \(sharpness 10 %, 50 % wanted\)$/],
    [{ yawDegrees: 13 }, /^look into the camera$/],
    [{ yawDegrees: 70 }, /^look into the camera$/],
    [{ pitchDegrees: 40 }, /^look into the camera$/],
  ];
  for (const [quality, expected] of wrong) {
    const guidance = guide(startGuidance(0), [observation(ada, quality)], 200);
    t.match(advice(guidance), expected);
    t.ok(advice(guidance).length <= 73);
    t.equal(guidance.samples.length, 0);
  }
  t.match(advice(guide(startGuidance(0), [], 200)), /^stand in front of the camera/);
  t.match(advice(guide(startGuidance(0), null, 200)), /^wait: the camera gives no picture/);
  const unembedded = { ...observation(ada), embedding: null };
  t.match(advice(guide(startGuidance(0), [unembedded], 200)), /^show the whole face/);
});

t.test('of two faces neither is accepted, but a small one in the background does not count', async (t) => {
  const two = guide(startGuidance(0), [observation(ada, { eyesPx: 80 }), observation(ben, { eyesPx: 40 })], 200);
  t.equal(two.obstacle, 'several');
  t.match(advice(two), /^one face only, please: 2 /);
  t.equal(two.samples.length, 0);
  const behind = guide(startGuidance(0), [observation(ben, { eyesPx: 15 }), observation(ada, { eyesPx: 80 })], 200);
  t.equal(behind.obstacle, 'accepted');
  t.equal(behind.face?.quality.eyesPx, 80);
});

t.test('samples of somebody else are not accepted, and those of a passer-by at the start are dropped', async (t) => {
  let guidance = guide(startGuidance(0), [observation(ben)], 200);
  t.equal(guidance.samples.length, 1);
  for (let atMs = 600; atMs <= 3000; atMs += 400) guidance = guide(guidance, [observation(ada)], atMs);
  t.equal(guidance.samples.length, wanted.front);
  for (const { vector } of guidance.samples) t.ok(similarity(vector, ada) > 0.5);
  guidance = guide(guidance, [observation(ben, { yawDegrees: 25 })], 4000);
  t.equal(guidance.obstacle, 'other');
  t.match(advice(guidance), /not the face that the enrolment started with/);
  t.equal(guidance.samples.length, wanted.front, 'the accepted samples stay');
});

t.test('a picture in front of the camera gives one sample, and the enrolment is stuck after a minute', async (t) => {
  const photo = observation(ada);
  const guidance = enrol(() => [photo], 61_000);
  t.equal(guidance.samples.length, 1);
  t.equal(guidance.obstacle, 'duplicate');
  t.match(advice(guidance), /^move your head a little and look into the camera$/);
  t.ok(isStuck(guidance));
});

t.test('a pose that cannot be taken is abandoned after 20 s of trying', async (t) => {
  const stiff = enrol((before) => [observation(ada, before.next === 'down' ? {} : requestedPose(before))]);
  t.equal(stiff.next, null);
  t.same(stiff.abandoned, ['down']);
  t.equal(leftOutWords(stiff), ', without down');
  t.ok(stiff.atMs > 20_000 && stiff.atMs < 40_000);
  const away = enrol((before, atMs) =>
    before.next === 'left' ? [] : [observation(ada, requestedPose(before), seededRandom(atMs))],
  );
  t.equal(away.next, 'left', 'an absent person does not try');
  t.same(away.abandoned, []);
  t.ok(isStuck(away));
});

t.test('a pose that gives only duplicates is abandoned after 5 s', async (t) => {
  const still = enrol((before) => [
    observation(ada, requestedPose(before), before.next === 'up' ? seededRandom(7) : random),
  ]);
  t.equal(still.next, null);
  t.same(still.abandoned, ['up']);
  t.equal(count(still.samples, 'up'), 1);
  t.equal(leftOutWords(still), '');
  t.ok(still.atMs < 20_000);
});

t.test('a single duplicate after other poses does not abandon a pose', async (t) => {
  const turned = () => [observation(ada, { yawDegrees: 25 }, seededRandom(7))];
  let guidance = withFront([0, 0, 0, 0, 0], { next: 'left', atMs: 10_000, sampledMs: 9000, progressMs: 9000 });
  guidance = guide(guidance, turned(), 10_400);
  t.equal(guidance.obstacle, 'accepted');
  for (let atMs = 10_800; atMs <= 18_000; atMs += 400) guidance = guide(guidance, [observation(ada)], atMs);
  t.equal(guidance.obstacle, 'pose', 'the head is turned back for 7 s');
  guidance = guide(guidance, turned(), 18_400);
  t.equal(guidance.obstacle, 'duplicate');
  t.same(guidance.abandoned, []);
  t.equal(guidance.next, 'left');
});

t.test('an enrolment on a board that analyses a frame in ten seconds gets twenty frames', async (t) => {
  let guidance = startGuidance(0);
  const stuckAfter = Array.from({ length: 40 }, (_, n) => n + 1).find((n) => {
    guidance = guide(guidance, [], n * 10_000);
    return isStuck(guidance);
  });
  t.equal(stuckAfter, 20);
});

t.test('a mirrored picture swaps left and right in the instructions', async (t) => {
  const guidance = enrol((before) => (before.next === 'left' ? null : [observation(ada, requestedPose(before))]), 5000);
  const facing = { ...guidance, obstacle: 'pose' } as const;
  t.equal(advice(facing), 'turn your head to your left');
  t.equal(advice(facing, true), 'turn your head to your right');
});

t.test('in any sequence every sample is good, shows one person and is no duplicate', async () => {
  const quality = fc.record({
    eyesPx: fc.integer({ min: 5, max: 120 }),
    sharpness: fc.double({ min: 0, max: 1, noNaN: true }),
    light: fc.double({ min: 0, max: 1, noNaN: true }),
    yawDegrees: fc.integer({ min: -60, max: 60 }),
    pitchDegrees: fc.integer({ min: -50, max: 50 }),
  });
  const observed = fc.record({ person: fc.constantFrom(ada, ben), quality, seed: fc.nat(40) });
  const picture = fc.record({ faces: fc.array(observed, { maxLength: 3 }), blind: fc.boolean(), afterMs: fc.nat(900) });
  fc.assert(
    fc.property(fc.array(picture, { maxLength: 150 }), (pictures) => {
      let [guidance, atMs] = [startGuidance(0), 0];
      for (const { faces, blind, afterMs } of pictures) {
        atMs += afterMs;
        const shown = faces.map(({ person, quality, seed }) => observation(person, quality, seededRandom(seed)));
        const before = guidance;
        guidance = guide(guidance, blind ? null : shown, atMs);
        if (guidance.samples.length <= before.samples.length) continue;
        const largest = Math.max(...shown.map(({ quality }) => quality.eyesPx));
        if (blind || shown.filter(({ quality }) => quality.eyesPx >= largest / 3).length !== 1) return false;
      }
      const vectors = guidance.samples.map(({ vector }) => vector);
      const duplicates = vectors.some((a, i) => vectors.some((b, j) => i < j && similarity(a, b) > duplicateAbove));
      const poor = guidance.samples.some(
        ({ quality }) => quality.eyesPx < good.eyesPx || quality.sharpness < good.sharpness,
      );
      const mixed =
        vectors.some((vector) => similarity(vector, ada) > 0.5) &&
        vectors.some((vector) => similarity(vector, ben) > 0.5);
      const tooMany = poses.some((pose) => count(guidance.samples, pose) > wanted[pose]);
      return !duplicates && !poor && !mixed && !tooMany;
    }),
    { numRuns: 500 },
  );
});

/** What a first frame with this face gives. */
const first = (quality: Partial<Quality>, score = 0.9) =>
  guide(startGuidance(0), [{ ...observation(ada, quality), score }], 200);

t.test('a face at exactly the limits of quality is accepted', async (t) => {
  const limits: Partial<Quality>[] = [
    { eyesPx: good.eyesPx },
    { light: good.leastLight },
    { light: good.mostLight },
    { contrast: good.contrast },
    { sharpness: good.sharpness },
  ];
  for (const quality of limits) t.equal(first(quality).obstacle, 'accepted', JSON.stringify(quality));
  t.equal(first({}, good.score).obstacle, 'accepted');
  t.equal(first({}, good.score - 0.01).obstacle, 'doubtful');
});

t.test('an enrolment is stuck after a time without progress, and never once it is complete', async (t) => {
  const stuckAt = (progressMs: number, atMs: number, next: Guidance['next'] = 'front') =>
    isStuck({ ...startGuidance(0), next, progressMs, atMs });
  const limitMs = Array.from({ length: 600 }, (_, n) => n * 1000).find((ms) => stuckAt(0, ms))!;
  t.ok(limitMs >= 5000, `${limitMs} ms`);
  t.ok(stuckAt(50_000, 50_000 + limitMs));
  t.notOk(stuckAt(50_000, 49_999 + limitMs));
  t.notOk(stuckAt(50_000, 50_000 + limitMs, null));
});

t.test('a mirrored picture swaps left and right, and nothing else', async (t) => {
  const asked = (next: Guidance['next'], mirrored: boolean) =>
    advice({ ...startGuidance(0), next, obstacle: 'accepted' }, mirrored);
  for (const [next, plain, mirrored] of [
    ['left', 'turn your head to your left', 'turn your head to your right'],
    ['right', 'turn your head to your right', 'turn your head to your left'],
    ['up', 'lift your chin a little', 'lift your chin a little'],
    ['front', 'look into the camera', 'look into the camera'],
  ] as const) {
    t.equal(asked(next, false), plain);
    t.equal(asked(next, true), mirrored);
  }
});

/** A guidance with samples from the front at these pitches. */
function withFront(pitches: readonly number[], more: Partial<Guidance> = {}): Guidance {
  const samples = pitches.map((pitchDegrees) => {
    const { quality, embedding } = observation(ada, { pitchDegrees });
    return { pose: 'front' as const, quality, vector: embedding! };
  });
  return { ...startGuidance(0), samples, ...more };
}

t.test('a pose begins and ends at its limits', async (t) => {
  const poseOf = (yawDegrees: number, pitchDegrees: number, front: readonly number[] = []) => {
    const after = guide(withFront(front), [observation(ada, { yawDegrees, pitchDegrees })], 1000);
    return after.obstacle === 'accepted' ? after.samples.at(-1)!.pose : after.obstacle;
  };
  t.strictSame([poseOf(12, 0), poseOf(-12, 0), poseOf(12.1, 0)], ['front', 'front', 'pose']);
  t.strictSame([poseOf(0, 22), poseOf(0, -22), poseOf(0, 22.1)], ['front', 'front', 'pose']);
  t.strictSame([poseOf(14.9, 0), poseOf(15, 0), poseOf(45, 0), poseOf(45.1, 0)], ['pose', 'left', 'left', 'pose']);
  t.strictSame([poseOf(-15, 0), poseOf(-45, 0)], ['right', 'right']);
  const front = [0, -20, -10];
  t.strictSame([poseOf(0, -2, front), poseOf(0, 25, front), poseOf(0, 25.1, front)], ['up', 'up', 'pose']);
  t.strictSame([poseOf(0, -18, front), poseOf(20, -2, front), poseOf(20.1, -2, front)], ['down', 'up', 'left']);
  t.not(poseOf(0, -2.1, front), 'up', 'relative to the median of the front');
  t.equal(poseOf(0, 9, [0, 0]), 'front', 'two samples do not give the level of the head');
});

t.test('samples are 300 ms apart', async (t) => {
  const before = withFront([0], { sampledMs: 1000 });
  const samplesAt = (atMs: number) => guide(before, [observation(ada)], atMs).samples.length;
  t.strictSame([samplesAt(1299), samplesAt(1300)], [1, 2]);
});

t.test('three samples from the front are enough, and are kept when somebody else comes', async (t) => {
  t.strictSame([isEnough(withFront([0, 0])), isEnough(withFront([0, 0, 0]))], [false, true]);
  const samplesAfterBen = (front: readonly number[]) =>
    guide(withFront(front), [observation(ben)], 1000).samples.length;
  t.strictSame([samplesAfterBen([0, 0]), samplesAfterBen([0, 0, 0])], [0, 3]);
});

t.test('a face with a third of the distance between the eyes is not in the background', async (t) => {
  const obstacleWith = (eyesPx: number) =>
    guide(startGuidance(0), [observation(ada, { eyesPx: 90 }), observation(ben, { eyesPx })], 200).obstacle;
  t.strictSame([obstacleWith(30), obstacleWith(29)], ['several', 'accepted']);
});

t.test('a pose is abandoned after it was tried for 20 s', async (t) => {
  const abandoned = (triedMs: number) =>
    guide(withFront([0, 0, 0], { next: 'left', triedMs }), [observation(ada, { yawDegrees: 13 })], 1000).abandoned;
  t.strictSame(abandoned(18_999), []);
  t.strictSame(abandoned(19_000), ['left']);
});
