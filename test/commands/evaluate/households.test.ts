import t from 'tap';
import { type HouseholdsPlan, households, type Identity } from '../../../src/commands/evaluate/households.js';
import { seededRandom } from '../../../src/commands/evaluate/random.js';
import { defaultRoomOptions } from '../../../src/room/options.js';
import { direction, face, near } from '../../room/simulator.js';

const plan: HouseholdsPlan = { people: 4, references: 2, trials: 5, seed: 1 };

/** People as random vectors; each picture has this cosine similarity to its person. */
function identities(count: number, pictures: number, similarity: number): Identity[] {
  const random = seededRandom(3);
  return Array.from({ length: count }, (_, n) => {
    const person = direction(64, random);
    return {
      name: `person-${n}`,
      pictures: Array.from({ length: pictures }, () => {
        const portrait = face([0, 0, 90, 90], near(person, similarity, direction(64, random)));
        return { reference: portrait, probe: portrait };
      }),
    };
  });
}

t.test('members get their names and unknown people get none', async (t) => {
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

/** Ten pairs; `alike` is the cosine similarity of the two people of a pair. */
function relatives(alike: number): Identity[] {
  const random = seededRandom(9);
  return Array.from({ length: 10 }).flatMap((_, n) => {
    const first = direction(64, random);
    return [first, near(first, alike, direction(64, random))].map((person, i) => ({
      name: `pair-${n}-${i}`,
      pictures: Array.from({ length: 8 }, () => {
        const portrait = face([0, 0, 90, 90], near(person, 0.9, direction(64, random)));
        return { reference: portrait, probe: portrait };
      }),
    }));
  });
}

t.test(
  'people who look alike are drawn together and not confused; doubtful tracks are ambiguous between them',
  async (t) => {
    const given = { ...plan, alike: true, trials: 20 };
    const sisters = households(relatives(0.6), given, defaultRoomOptions);
    t.ok(Math.abs(sisters.alike! - 0.6) < 0.1, `${sisters.alike}`);
    t.match(sisters.tracks!.atShippedThreshold, { misidentified: 0, fnir: 0 });
    const twins = households(relatives(0.99), given, defaultRoomOptions);
    const { misidentified, ambiguous, fnir } = twins.tracks!.atShippedThreshold;
    t.ok(misidentified < 0.02, `${misidentified} of twins get the name of the other`);
    t.ok(ambiguous > 0.8 && fnir >= ambiguous, `${ambiguous} of twins are ambiguous`);
    t.equal(households(relatives(0.6), plan, defaultRoomOptions).alike, null);
  },
);

t.test('an unknown person with the face of a member is named and counted in the FPIR', async (t) => {
  const members = identities(4, 12, 0.95);
  const guest: Identity = {
    name: 'guest',
    pictures: members[0]!.pictures.slice(0, 5),
  };
  const result = households([...members, guest], { ...plan, references: 6, trials: 3 }, defaultRoomOptions);
  t.equal(result.tracks!.atShippedThreshold.fpir, 1, 'an unknown twin of a member is named');
});

t.test('members who do not resemble their photos get no name', async (t) => {
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

t.test(
  'a member without a detected face counts in the FNIR, an unknown person without one does not count in the FPIR',
  async (t) => {
    const people = identities(12, 8, 0.9).map(({ name, pictures }) => ({
      name,
      pictures: pictures.map((picture, n) => (n < 4 ? { ...picture, probe: null } : picture)),
    }));
    const result = households(people, { ...plan, trials: 40 }, defaultRoomOptions);
    const missed = result.atShippedThreshold.fnir;
    t.ok(missed > 0.4 && missed < 0.6, `half of the probes have no detected face: ${missed}`);
    t.equal(result.atShippedThreshold.fpir, 0);
  },
);

t.test('too few people or pictures for a household are a RangeError', async (t) => {
  t.throws(
    () => households(identities(4, 8, 0.9), plan, defaultRoomOptions),
    RangeError,
    'nobody is left as an unknown person',
  );
  t.throws(() => households(identities(12, 2, 0.9), plan, defaultRoomOptions), RangeError, 'no probe is left');
});
