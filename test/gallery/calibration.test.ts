import t from 'tap';
import { seededRandom } from '../../src/commands/evaluate/random.js';
import {
  allowedFpir,
  type Cohort,
  calibrate,
  calibrated,
  expectedFnir,
  nearness,
  type PersonCalibration,
} from '../../src/gallery/calibration.js';
import { calibrationAdvice } from '../../src/gallery/calibration-advice.js';
import { identify } from '../../src/gallery/identify.js';
import type { Gallery, Person } from '../../src/gallery/person.js';
import { optionsFor } from '../../src/recognition/options.js';
import { direction, near } from '../room/simulator.js';

const options = optionsFor('resnet50-w100');
const budget = { wrongNamesPerMonth: 1, strangersPerDay: 20 };
const size = 64;
const random = seededRandom(11);
const randomDirection = (): Float32Array => direction(size, random);

const vectors = Array.from({ length: 600 }, randomDirection);
/** Mean nearness of a random person to a random cohort, over a hundred people. */
const ordinary =
  Array.from({ length: 100 }, () => nearness(person('x', [randomDirection()]), vectors)).reduce(
    (sum, value) => sum + value,
    0,
  ) / 100;
const cohort: Cohort = { vectors, nearness: ordinary };

function person(id: string, photos: readonly Float32Array[]): Person {
  const templates = photos.map((vector, n) => ({ id: n, vector }));
  return { id, name: id.charAt(0).toUpperCase() + id.slice(1), templates };
}

/** A person with `count` photos of the given similarity to a direction. */
function somebody(id: string, count: number, similarity = 0.9, face = randomDirection()): Person {
  return person(
    id,
    Array.from({ length: count }, () => near(face, similarity, randomDirection())),
  );
}

function gallery(people: readonly Person[], strangers: readonly Float32Array[] = []): Gallery {
  return { space: 'test', version: 1, people, cohort: strangers };
}

const thresholdOf = (
  people: readonly Person[],
  of = 0,
  given = budget,
  strangers: readonly Float32Array[] = [],
): number => calibrate(gallery(people, strangers), cohort, given, options).people[of]!.adjustment.threshold;

t.test('a budget is a share of unknown people', async (t) => {
  t.equal(allowedFpir(budget), 1 / 600);
  t.equal(allowedFpir({ wrongNamesPerMonth: 0, strangersPerDay: 20 }), 1e-6, 'a share of 0 is not possible');
  t.equal(allowedFpir({ wrongNamesPerMonth: 100, strangersPerDay: 0.1 }), 0.05);
});

t.test('a smaller budget, more unknown people and more enrolled people raise the threshold', async (t) => {
  const people = Array.from({ length: 8 }, (_, n) => somebody(`p${n}`, 5));
  const usual = thresholdOf(people);
  t.ok(thresholdOf(people, 0, { ...budget, wrongNamesPerMonth: 0.2 }) > usual + 0.03);
  t.ok(thresholdOf(people, 0, { ...budget, strangersPerDay: 200 }) > usual + 0.03);
  t.ok(thresholdOf(people.slice(0, 2)) < usual - 0.02);
});

t.test('thresholds stay within the limits', async (t) => {
  const people = [somebody('ada', 5)];
  t.equal(thresholdOf(people, 0, { wrongNamesPerMonth: 100, strangersPerDay: 0.1 }), -0.06);
  const crowd = Array.from({ length: 600 }, () => near(people[0]!.templates[0]!.vector, 0.6, randomDirection()));
  const { people: calibrations } = calibrate(gallery(people), { ...cohort, vectors: crowd }, budget, options);
  t.equal(calibrations[0]!.adjustment.threshold, 0.1);
});

t.test('a person closer to the cohort has a higher threshold', async (t) => {
  const ada = somebody('ada', 5);
  const middle = ada.templates[0]!.vector;
  const like = vectors.map((vector, n) => (n < 30 ? near(middle, 0.45, randomDirection()) : vector));
  const { people } = calibrate(gallery([ada, somebody('ben', 5)]), { ...cohort, vectors: like }, budget, options);
  t.ok(people[0]!.adjustment.threshold > people[1]!.adjustment.threshold + 0.02);
});

t.test("a face of the user's own cohort raises the threshold of a similar person above the similarity", async (t) => {
  const people = [somebody('ada', 5, 0.95), somebody('ben', 5, 0.95)];
  const postman = near(people[0]!.templates[0]!.vector, 0.62, randomDirection());
  const [ada, ben] = calibrate(gallery(people, [postman]), cohort, budget, options).people;
  t.ok(ada!.pooled > 0.58, `${ada!.pooled}`);
  t.equal(ben!.adjustment.threshold, thresholdOf(people, 1));
});

t.test('two similar people get a wider margin, two different people the shipped one', async (t) => {
  const face = randomDirection();
  const twins = [
    somebody('ada', 5, 0.97, face),
    somebody('bea', 5, 0.97, near(face, 0.75, randomDirection())),
    somebody('cy', 5),
  ];
  const { people, closestPair } = calibrate(gallery(twins), cohort, budget, options);
  t.ok(people[0]!.adjustment.margin > 0.02 && people[0]!.adjustment.margin <= 0.081, `${people[0]!.adjustment.margin}`);
  t.equal(people[2]!.adjustment.margin, 0);
  t.equal(people[0]!.closest?.person, 'bea');
  t.strictSame([...closestPair!.people].sort(), ['ada', 'bea']);
});

t.test('values that the user set are not adjusted', async (t) => {
  const face = randomDirection();
  const twins = gallery([somebody('ada', 5, 0.97, face), somebody('bea', 5, 0.97, near(face, 0.8, randomDirection()))]);
  const { people } = calibrate(twins, cohort, budget, options, { threshold: true, margin: true });
  for (const { adjustment } of people) t.strictSame(adjustment, { threshold: 0, margin: 0, headroom: 0 });
});

t.test('enough photos leave headroom between impostors and the person', async (t) => {
  const headroom = (count: number, similarity = 0.92): number =>
    calibrate(gallery([somebody('ada', count, similarity)]), cohort, budget, options).people[0]!.adjustment.headroom!;
  t.equal(headroom(1), 0, 'a single photo leaves none');
  t.ok(headroom(5) > 0.015 && headroom(5) <= 0.02, `${headroom(5)}`);
  t.equal(headroom(5, 0.6), 0, 'five photos that are unlike each other leave none');
  const { people } = calibrate(gallery([somebody('ada', 5)]), cohort, budget, options);
  const [ada] = people;
  t.equal(ada!.pooled, options.pooled.threshold + ada!.adjustment.threshold + ada!.adjustment.headroom!);
});

t.test('identify uses the calibrated threshold of each person', async (t) => {
  const ada = person('ada', [randomDirection()]);
  const ben = person('ben', [randomDirection()]);
  const adjusted = gallery([
    { ...ada, adjustment: { threshold: 0.1, margin: 0 } },
    { ...ben, adjustment: { threshold: -0.06, margin: 0 } },
  ]);
  const probe = (person: Person, similarity: number): Float32Array =>
    near(person.templates[0]!.vector, similarity, randomDirection());
  t.match(identify(probe(ada, 0.6), adjusted, options.single), {
    state: 'unclear',
    reason: { kind: 'below-threshold', needed: options.single.threshold + 0.1 },
  });
  t.match(identify(probe(ada, 0.7), adjusted, options.single), { person: 'ada' });
  t.match(identify(probe(ben, 0.5), adjusted, options.single), { person: 'ben' });
  t.match(identify(probe(ben, 0.5), gallery([ada, ben]), options.single), {
    state: 'unclear',
    reason: { kind: 'below-threshold', needed: options.single.threshold },
  });
});

t.test('a margin that the calibration widened makes two people ambiguous', async (t) => {
  const face = randomDirection();
  const ada = person('ada', [near(face, 0.9, randomDirection())]);
  const ben = person('ben', [near(face, 0.9, randomDirection())]);
  const probe = near(ada.templates[0]!.vector, 0.85, randomDirection());
  t.equal(identify(probe, gallery([ada, ben]), options.single).state, 'known');
  const wide = { threshold: 0, margin: 0.5 };
  const people = [ada, ben].map((each) => ({ ...each, adjustment: wide }));
  t.equal(identify(probe, gallery(people), options.single).state, 'ambiguous');
});

t.test('a calibrated gallery keeps everything else, also people without photos', async (t) => {
  const before = gallery([somebody('ada', 3), person('nobody-yet', [])]);
  const after = calibrated(before, calibrate(before, cohort, budget, options));
  t.ok(after.people[0]!.adjustment);
  t.equal(after.people[0]!.templates, before.people[0]!.templates);
  t.equal(after.people[1], before.people[1]);
  t.equal(after.version, 1);
  const empty = calibrate(gallery([]), cohort, budget, options);
  t.strictSame(empty, { people: [], closestPair: null });
});

t.test('the FPIR does not exceed the budget', async (t) => {
  // Everybody is random, with the standard deviation of similarities of real impostors: 1 / sqrt(50) = 0.1414 in 50 dimensions.
  const dice = seededRandom(5);
  const far = (): Float32Array => direction(50, dice);
  const known: Cohort = { vectors: Array.from({ length: 1500 }, far), nearness: 0.29 };
  let named = 0;
  let seen = 0;
  const needed: number[] = [];
  for (let house = 0; house < 25; house++) {
    const people = Array.from({ length: 6 }, (_, n) => person(`p${n}`, [far()]));
    const home = gallery(people);
    const ready = calibrated(home, calibrate(home, known, budget, options));
    needed.push(...ready.people.map((each) => each.adjustment!.threshold));
    for (let i = 0; i < 2000; i++, seen++)
      if (identify(far(), ready, { ...options.pooled, strangerBelow: 0.4 }).person !== null) named++;
  }
  t.ok(named / seen <= 1 / 600, `${named} of ${seen}`);
  t.ok(Math.max(...needed) < 0.06 && Math.min(...needed) > -0.06, 'the limits are not reached');
});

t.test('the FNIR falls with more or more similar photos and rises with the threshold', async (t) => {
  const fnir = (count: number, similarity = 0.92, threshold = 0.53) =>
    expectedFnir(somebody('x', count, similarity), threshold, threshold + 0.05);
  t.ok(fnir(1).observations > fnir(2).observations);
  t.ok(fnir(2).observations > fnir(5).observations);
  t.ok(fnir(5, 0.75).observations > fnir(5, 0.92).observations);
  t.ok(fnir(5, 0.92, 0.75).observations > fnir(5).observations);
  t.ok(fnir(1).tracks < fnir(1).observations);
  t.ok(Math.abs(fnir(1).observations - 0.051) < 0.01, 'as measured with one template');
  t.equal(fnir(2).own, false);
  t.equal(fnir(3).own, true);
  t.ok(close(expectedFnir({ templates: [{ id: 1, vector: along(1) }] }, 2, 2).observations, 1), 'a share of 1 at most');
  t.strictSame(expectedFnir({ templates: [] }, 0.5, 0.5), { observations: 1, tracks: 1, own: false });
});

t.test('the advice names people who need photos, similar people and a photo of somebody else', async (t) => {
  const face = randomDirection();
  const odd = somebody('dan', 4, 0.95);
  const people = [
    somebody('ada', 5, 0.97, face),
    somebody('bea', 5, 0.97, near(face, 0.8, randomDirection())),
    somebody('cy', 1),
    { ...odd, templates: [...odd.templates, { id: 9, vector: randomDirection() }] },
  ];
  const advice = (given: Gallery) => calibrationAdvice(given, calibrate(given, cohort, budget, options)).join('\n');
  const text = advice(gallery(people));
  t.match(text, /^(Ada and Bea|Bea and Ada) are alike \(similarity 0\.\d\d\)/);
  t.match(text, /Cy has one photo; .*roomkin enrol "Cy" --photos/);
  t.match(text, /1 photo is unlike the others of Dan/);
  t.notMatch(text, /Ada has|Bea has/);
  t.equal(advice(gallery([somebody('ada', 5, 0.97), somebody('ben', 5, 0.97)])), '', 'nothing to do');
});

/** A unit vector with these first components, its rest on the last axis. */
function along(...cosines: readonly number[]): Float32Array {
  const vector = new Float32Array(size);
  vector.set(cosines);
  vector[size - 1] = Math.sqrt(1 - cosines.reduce((sum, value) => sum + value * value, 0));
  return vector;
}
const close = (value: number, expected: number) => Math.abs(value - expected) < 1e-4;

t.test('the margin of two people grows with their similarity', async (t) => {
  const margin = (alike: number) =>
    calibrate(gallery([person('ada', [along(1)]), person('bea', [along(alike)])]), cohort, budget, options).people[0]!
      .adjustment.margin;
  // 3.719 standard deviations are exceeded by 1 of 10,000: 3.719 * (0.15 - 0.103 * 0.7) - (0.75 - 0.81 * 0.7) = 0.1067.
  t.ok(close(margin(0.7), 0.1067 - 0.06), `${margin(0.7)}`);
  t.equal(margin(0.5), 0);
});

t.test(
  'the closest pair is the most similar one, and of equally similar people the first is the closest',
  async (t) => {
    const people = [
      person('ada', [along(1)]),
      person('ben', [along(0, 1)]),
      person('cy', [along(0, 0.6, 0.8)]),
      person('dan', [along(0, 0, 0.1, 0.9)]),
    ];
    const { closestPair } = calibrate(gallery(people), cohort, budget, options);
    t.strictSame(closestPair!.people, ['ben', 'cy']);
    const equal = [person('ada', [along(1)]), person('ben', [along(0.5)]), person('cy', [along(0.5, 0)])];
    t.equal(calibrate(gallery(equal), cohort, budget, options).people[0]!.closest?.person, 'ben');
  },
);

t.test('the thresholds and hypotheses of a person follow the nearness to the cohort', async (t) => {
  const people = [person('ada', [along(1)]), person('ben', [along(0, 1)])];
  const own = nearness(people[0]!, vectors);
  const at = (mean: number) =>
    calibrate(gallery(people), { vectors, nearness: mean }, { wrongNamesPerMonth: 0.3, strangersPerDay: 20 }, options)
      .people[0]!;
  const [average, nearer] = [at(own), at(own - 0.02)];
  t.ok(close(average.hypotheses.impostor.mean, 0.0875 - 0.012));
  t.ok(close(nearer.hypotheses.impostor.mean, 0.0875 - 0.012 + 1.5 * 0.02));
  t.ok(close(average.hypotheses.falsePositiveRate, 0.3 / 600 / 2));
  t.ok(close(nearer.single - average.single, 1.5 * 0.02));
  t.ok(close(average.single, options.single.threshold + average.adjustment.threshold));
});

t.test("the threshold is 0.03 above the similarity to a face of the user's own cohort", async (t) => {
  const [ada] = calibrate(gallery([person('ada', [along(1)])], [along(0.6)]), cohort, budget, options).people;
  t.ok(close(options.pooled.threshold + ada!.adjustment.threshold, 0.63));
});

t.test('each limit of the advice', async (t) => {
  const one = (templates: number, tracks: number, threshold = 0): PersonCalibration => ({
    person: 'ada',
    name: 'Ada',
    templates,
    adjustment: { threshold, margin: 0 },
    hypotheses: {
      genuine: { mean: 0.8, standardDeviation: 0.05, own: true },
      impostor: { mean: 0.1, standardDeviation: 0.14 },
      falsePositiveRate: 0.001,
    },
    single: 0.53,
    pooled: 0.59,
    fnir: { observations: 0.02, tracks, own: true },
    closest: null,
  });
  const advice = (...people: readonly PersonCalibration[]) =>
    calibrationAdvice(gallery([]), { people, closestPair: null }).join('\n');
  t.match(advice(one(2, 0)), /^Ada has 2 photos/);
  t.equal(advice(one(3, 0.0099)), '');
  t.match(advice(one(3, 0.01)), /^Ada will be missed now and then \(1 % of tracks\)/);
  t.match(advice(one(3, 0.25)), /\(25 % of tracks\)/);
  t.match(advice(one(3, 0, 0.05)), /^Many strangers look like Ada/);
  t.equal(advice(one(3, 0, 0.049)), '');
  const pair = (similarity: number) => {
    const people = ['Ada', 'Ben', 'Cy'].map((name) => ({ ...one(3, 0), person: name.toLowerCase(), name }));
    return calibrationAdvice(gallery([]), { people, closestPair: { people: ['ben', 'cy'], similarity } }).join('\n');
  };
  t.match(pair(0.6), /^Ben and Cy are alike \(similarity 0\.60\)/);
  t.equal(pair(0.59), '');
});
