import t from 'tap';
import { type HouseholdsPlan, households, type Identity } from '../../../src/commands/evaluate/households.js';
import { seededRandom } from '../../../src/commands/evaluate/random.js';
import { defaultRoomOptions } from '../../../src/room/options.js';
import { direction, face, near } from '../../room/simulator.js';

const plan: HouseholdsPlan = { people: 4, references: 2, trials: 5, seed: 1 };

/** People as random vectors; each picture has this cosine with its person. */
function identities(count: number, pictures: number, likeness: number): Identity[] {
  const random = seededRandom(3);
  return Array.from({ length: count }, (_, n) => {
    const who = direction(64, random);
    return {
      name: `person-${n}`,
      pictures: Array.from({ length: pictures }, () => {
        const look = face([0, 0, 90, 90], near(who, likeness, direction(64, random)));
        return { reference: look, probe: look };
      }),
    };
  });
}

t.test('people who look like themselves are found and strangers are not named', async (t) => {
  const result = households(identities(12, 8, 0.9), plan, defaultRoomOptions);
  t.match(result, {
    households: 5,
    people: 4,
    references: 2,
    probes: 5 * 4 * 6,
    strangers: 5 * 8 * 8,
    fnirAtFpir: { '0.01': 0, '0.001': 0 },
    atShippedThreshold: { fnir: 0, fpir: 0, misidentified: 0 },
    tracks: { looks: 5, probes: 5 * 4, strangers: 5 * 8, atShippedThreshold: { fnir: 0, fpir: 0, misidentified: 0 } },
  });
});

/** Five pairs; the two of a pair are this alike. */
function relatives(alike: number): Identity[] {
  const random = seededRandom(9);
  return Array.from({ length: 10 }).flatMap((_, n) => {
    const who = direction(64, random);
    return [who, near(who, alike, direction(64, random))].map((one, i) => ({
      name: `pair-${n}-${i}`,
      pictures: Array.from({ length: 8 }, () => {
        const look = face([0, 0, 90, 90], near(one, 0.9, direction(64, random)));
        return { reference: look, probe: look };
      }),
    }));
  });
}

t.test('people who look alike are drawn together, and never named as each other: in doubt both are said', async (t) => {
  const given = { ...plan, alike: true, trials: 20 };
  const sisters = households(relatives(0.6), given, defaultRoomOptions);
  t.ok(Math.abs(sisters.alike! - 0.6) < 0.1, `${sisters.alike}`);
  t.match(sisters.tracks!.atShippedThreshold, { misidentified: 0, fnir: 0 });
  const twins = households(relatives(0.99), given, defaultRoomOptions);
  const { misidentified, ambiguous, fnir } = twins.tracks!.atShippedThreshold;
  t.ok(misidentified < 0.02, `${misidentified} of twins are taken for each other`);
  t.ok(ambiguous > 0.8 && fnir >= ambiguous, `${ambiguous} of twins are said to be one of two`);
  t.equal(households(relatives(0.6), plan, defaultRoomOptions).alike, null);
});

t.test('a stranger with the face of a member is named, and counted', async (t) => {
  const members = identities(4, 12, 0.95);
  const guest: Identity = {
    name: 'guest',
    pictures: members[0]!.pictures.slice(0, 5),
  };
  const result = households([...members, guest], { ...plan, references: 6, trials: 3 }, defaultRoomOptions);
  t.equal(result.tracks!.atShippedThreshold.fpir, 1, 'a stranger who is the twin of a member is named');
});

t.test('people who look like nobody are missed', async (t) => {
  const { fnirAtFpir, atShippedThreshold } = households(identities(12, 8, 0.1), plan, defaultRoomOptions);
  t.ok(fnirAtFpir['0.01'] > 0.9);
  t.equal(atShippedThreshold.fnir, 1);
});

t.test('the same seed gives the same households, another seed others', async (t) => {
  const people = identities(12, 8, 0.6);
  const first = households(people, plan, defaultRoomOptions);
  t.strictSame(households(people, plan, defaultRoomOptions), first);
  t.notSame(households(people, { ...plan, seed: 2 }, defaultRoomOptions), first);
});

t.test('a member without a face found is missed, a stranger without one is not named', async (t) => {
  const people = identities(12, 8, 0.9).map(({ name, pictures }) => ({
    name,
    pictures: pictures.map((picture, n) => (n < 4 ? { ...picture, probe: null } : picture)),
  }));
  const result = households(people, { ...plan, trials: 40 }, defaultRoomOptions);
  const missed = result.atShippedThreshold.fnir;
  t.ok(missed > 0.4 && missed < 0.6, `half of the probes show no face: ${missed}`);
  t.equal(result.atShippedThreshold.fpir, 0);
});

t.test('a household takes more people with pictures than there are', async (t) => {
  t.throws(
    () => households(identities(4, 8, 0.9), plan, defaultRoomOptions),
    RangeError,
    'nobody is left to be a stranger',
  );
  t.throws(() => households(identities(12, 2, 0.9), plan, defaultRoomOptions), RangeError, 'no probe is left');
});
