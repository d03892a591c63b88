import t from 'tap';
import { seededRandom } from '../../src/commands/evaluate/random.js';
import {
  allowedFpir,
  type Cohort,
  calibrate,
  calibrated,
  expectedFnir,
  nearness,
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
const one = (): Float32Array => direction(size, random);

const vectors = Array.from({ length: 600 }, one);
/** Nearness of a random cohort to somebody random: the mean over a hundred. */
const ordinary =
  Array.from({ length: 100 }, () => nearness(person('x', [one()]), vectors)).reduce((sum, value) => sum + value, 0) /
  100;
const cohort: Cohort = { vectors, nearness: ordinary };

function person(id: string, looks: readonly Float32Array[]): Person {
  const templates = looks.map((vector, n) => ({ id: n, vector }));
  return { id, name: id.charAt(0).toUpperCase() + id.slice(1), templates };
}

/** Somebody with `count` photos of this likeness to a direction. */
function somebody(id: string, count: number, likeness = 0.9, who = one()): Person {
  return person(
    id,
    Array.from({ length: count }, () => near(who, likeness, one())),
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

t.test('a budget is a share of strangers', async (t) => {
  t.equal(allowedFpir(budget), 1 / 600);
  t.equal(allowedFpir({ wrongNamesPerMonth: 0, strangersPerDay: 20 }), 1e-6, 'never is not to be had');
  t.equal(allowedFpir({ wrongNamesPerMonth: 100, strangersPerDay: 0.1 }), 0.05);
});

t.test('a smaller budget, more strangers and more people each raise what is needed', async (t) => {
  const people = Array.from({ length: 8 }, (_, n) => somebody(`p${n}`, 5));
  const usual = thresholdOf(people);
  t.ok(thresholdOf(people, 0, { ...budget, wrongNamesPerMonth: 0.2 }) > usual + 0.03);
  t.ok(thresholdOf(people, 0, { ...budget, strangersPerDay: 200 }) > usual + 0.03);
  t.ok(thresholdOf(people.slice(0, 2)) < usual - 0.02);
});

t.test('nothing moves a threshold further than the limits', async (t) => {
  const people = [somebody('ada', 5)];
  t.equal(thresholdOf(people, 0, { wrongNamesPerMonth: 100, strangersPerDay: 0.1 }), -0.06);
  const crowd = Array.from({ length: 600 }, () => near(people[0]!.templates[0]!.vector, 0.6, one()));
  const { people: calibrations } = calibrate(gallery(people), { ...cohort, vectors: crowd }, budget, options);
  t.equal(calibrations[0]!.adjustment.threshold, 0.1);
});

t.test('who lies nearer to strangers needs more than who lies apart', async (t) => {
  const ada = somebody('ada', 5);
  const middle = ada.templates[0]!.vector;
  const like = vectors.map((vector, n) => (n < 30 ? near(middle, 0.45, one()) : vector));
  const { people } = calibrate(gallery([ada, somebody('ben', 5)]), { ...cohort, vectors: like }, budget, options);
  t.ok(people[0]!.adjustment.threshold > people[1]!.adjustment.threshold + 0.02);
});

t.test(
  "a stranger of the user's own who looks like somebody raises that person's threshold above the likeness",
  async (t) => {
    const people = [somebody('ada', 5, 0.95), somebody('ben', 5, 0.95)];
    const postman = near(people[0]!.templates[0]!.vector, 0.62, one());
    const [ada, ben] = calibrate(gallery(people, [postman]), cohort, budget, options).people;
    t.ok(ada!.pooled > 0.58, `${ada!.pooled}`);
    t.equal(ben!.adjustment.threshold, thresholdOf(people, 1));
  },
);

t.test('two who are alike need a wider margin, two who are not the shipped one', async (t) => {
  const who = one();
  const twins = [somebody('ada', 5, 0.97, who), somebody('bea', 5, 0.97, near(who, 0.75, one())), somebody('cy', 5)];
  const { people, closestPair } = calibrate(gallery(twins), cohort, budget, options);
  t.ok(people[0]!.adjustment.margin > 0.02 && people[0]!.adjustment.margin <= 0.081, `${people[0]!.adjustment.margin}`);
  t.equal(people[2]!.adjustment.margin, 0);
  t.equal(people[0]!.closest?.person, 'bea');
  t.strictSame([...closestPair!.people].sort(), ['ada', 'bea']);
});

t.test('what the user set stands', async (t) => {
  const who = one();
  const twins = gallery([somebody('ada', 5, 0.97, who), somebody('bea', 5, 0.97, near(who, 0.8, one()))]);
  const { people } = calibrate(twins, cohort, budget, options, { threshold: true, margin: true });
  for (const { adjustment } of people) t.strictSame(adjustment, { threshold: 0, margin: 0, headroom: 0 });
});

t.test(
  'a budget that is not needed is not spent: photos enough leave room between a stranger and the person',
  async (t) => {
    const spared = (count: number, likeness = 0.92): number =>
      calibrate(gallery([somebody('ada', count, likeness)]), cohort, budget, options).people[0]!.adjustment.headroom!;
    t.equal(spared(1), 0, 'a lone photo leaves none');
    t.ok(spared(5) > 0.015 && spared(5) <= 0.02, `${spared(5)}`);
    t.equal(spared(5, 0.6), 0, 'nor do five that are unlike each other');
    const { people } = calibrate(gallery([somebody('ada', 5)]), cohort, budget, options);
    const [ada] = people;
    t.equal(ada!.pooled, options.pooled.threshold + ada!.adjustment.threshold + ada!.adjustment.headroom!);
  },
);

t.test('identify asks for what the calibration says, of each person', async (t) => {
  const ada = person('ada', [one()]);
  const ben = person('ben', [one()]);
  const adjusted = gallery([
    { ...ada, adjustment: { threshold: 0.1, margin: 0 } },
    { ...ben, adjustment: { threshold: -0.06, margin: 0 } },
  ]);
  const look = (of: Person, likeness: number): Float32Array => near(of.templates[0]!.vector, likeness, one());
  t.match(identify(look(ada, 0.6), adjusted, options.single), {
    state: 'unclear',
    reason: { kind: 'below-threshold', needed: options.single.threshold + 0.1 },
  });
  t.match(identify(look(ada, 0.7), adjusted, options.single), { person: 'ada' });
  t.match(identify(look(ben, 0.5), adjusted, options.single), { person: 'ben' });
  t.match(identify(look(ben, 0.5), gallery([ada, ben]), options.single), {
    state: 'unclear',
    reason: { kind: 'below-threshold', needed: options.single.threshold },
  });
});

t.test('a margin that the calibration widened makes two ambiguous', async (t) => {
  const who = one();
  const ada = person('ada', [near(who, 0.9, one())]);
  const ben = person('ben', [near(who, 0.9, one())]);
  const look = near(ada.templates[0]!.vector, 0.85, one());
  t.equal(identify(look, gallery([ada, ben]), options.single).state, 'known');
  const wide = { threshold: 0, margin: 0.5 };
  const people = [ada, ben].map((each) => ({ ...each, adjustment: wide }));
  t.equal(identify(look, gallery(people), options.single).state, 'ambiguous');
});

t.test('calibrated galleries keep everything else, and people without photos stay', async (t) => {
  const before = gallery([somebody('ada', 3), person('nobody-yet', [])]);
  const after = calibrated(before, calibrate(before, cohort, budget, options));
  t.ok(after.people[0]!.adjustment);
  t.equal(after.people[0]!.templates, before.people[0]!.templates);
  t.equal(after.people[1], before.people[1]);
  t.equal(after.version, 1);
  const empty = calibrate(gallery([]), cohort, budget, options);
  t.strictSame(empty, { people: [], closestPair: null });
});

t.test('strangers get names at the rate of the budget, not above', async (t) => {
  // Everybody random, with the spread of similarities that real strangers have: 1 / sqrt(50) = 0.1414 in 50 dimensions.
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
  t.ok(Math.max(...needed) < 0.06 && Math.min(...needed) > -0.06, 'by fitting, not by the limits');
});

t.test('misses fall with photos and with likeness, and rise with the threshold', async (t) => {
  const misses = (count: number, likeness = 0.92, look = 0.53) =>
    expectedFnir(somebody('x', count, likeness), look, look + 0.05);
  t.ok(misses(1).observations > misses(2).observations);
  t.ok(misses(2).observations > misses(5).observations);
  t.ok(misses(5, 0.75).observations > misses(5, 0.92).observations);
  t.ok(misses(5, 0.92, 0.75).observations > misses(5).observations);
  t.ok(misses(1).tracks < misses(1).observations);
  t.ok(Math.abs(misses(1).observations - 0.051) < 0.01, 'as counted with one template');
  t.equal(misses(2).own, false);
  t.equal(misses(3).own, true);
  t.strictSame(expectedFnir({ templates: [] }, 0.5, 0.5), { observations: 1, tracks: 1, own: false });
});

t.test('the advice names who needs photos, who are alike, and a photo of somebody else', async (t) => {
  const who = one();
  const odd = somebody('dan', 4, 0.95);
  const people = [
    somebody('ada', 5, 0.97, who),
    somebody('bea', 5, 0.97, near(who, 0.8, one())),
    somebody('cy', 1),
    { ...odd, templates: [...odd.templates, { id: 9, vector: one() }] },
  ];
  const advice = (given: Gallery) => calibrationAdvice(given, calibrate(given, cohort, budget, options)).join('\n');
  const said = advice(gallery(people));
  t.match(said, /^(Ada and Bea|Bea and Ada) are alike \(0\.\d\d\)/);
  t.match(said, /Cy has one photo; .*roomkin enrol "Cy" --photos/);
  t.match(said, /1 photo is unlike the others of Dan/);
  t.notMatch(said, /Ada has|Bea has/);
  t.equal(advice(gallery([somebody('ada', 5, 0.97), somebody('ben', 5, 0.97)])), '', 'nothing to do');
});
