import fc from 'fast-check';
import t from 'tap';
import { foldName } from '../../src/gallery/names.js';
import {
  freeName,
  isNewer,
  meeting,
  nextStamp,
  type Stamp,
  standing,
  type Version,
} from '../../src/sharing/version.js';

const stamp: fc.Arbitrary<Stamp> = fc.record({
  life: fc.integer({ min: 1, max: 3 }),
  forgotten: fc.boolean(),
  counter: fc.integer({ min: 1, max: 3 }),
  room: fc.constantFrom('attic', 'hall', 'kitchen'),
});
const version: fc.Arbitrary<Version> = fc.record({ stamp, digest: fc.constantFrom('1', '2') });
const same = (a: Version, b: Version): boolean => JSON.stringify(a) === JSON.stringify(b);

t.test('of any two versions one is newer, and in a row of three the first and last agree', async () => {
  fc.assert(
    fc.property(version, version, version, (a, b, c) => {
      const total = same(a, b) ? !isNewer(a, b) : isNewer(a, b) !== isNewer(b, a);
      const row = !(isNewer(a, b) && isNewer(b, c)) || isNewer(a, c);
      return total && row && isNewer(a, null);
    }),
    { numRuns: 5000 },
  );
});

t.test('a change made here is newer than what it was made of', async () => {
  fc.assert(
    fc.property(stamp, fc.boolean(), fc.constantFrom('attic', 'kitchen'), (before, forgotten, room) => {
      const now = nextStamp(before, forgotten, room);
      return before.forgotten && forgotten
        ? now.life === before.life
        : now.room === room && isNewer({ stamp: now, digest: '' }, { stamp: before, digest: 'f' });
    }),
  );
});

t.test(
  'who is forgotten stays so, however often they were changed elsewhere, until they are enrolled again',
  async (t) => {
    const enrolled = nextStamp(null, false, 'kitchen');
    const forgotten = nextStamp(enrolled, true, 'attic');
    let changed = enrolled;
    for (let i = 0; i < 100; i += 1) changed = nextStamp(changed, false, 'kitchen');
    t.ok(isNewer({ stamp: forgotten, digest: '' }, { stamp: changed, digest: 'f' }));
    const again = nextStamp(forgotten, false, 'kitchen');
    t.ok(isNewer({ stamp: again, digest: '1' }, { stamp: forgotten, digest: '' }));
    t.ok(isNewer({ stamp: again, digest: '1' }, { stamp: changed, digest: 'f' }));
  },
);

t.test('a person stands where they stood until something was changed', async (t) => {
  t.equal(standing(null, '', 'hall'), null);
  const known = standing(null, 'a', 'hall')!;
  t.same(known, { stamp: { life: 1, forgotten: false, counter: 1, room: 'hall' }, digest: 'a' });
  t.equal(standing(known, 'a', 'kitchen'), known);
  t.match(standing(known, 'b', 'kitchen'), { stamp: { counter: 2, room: 'kitchen' }, digest: 'b' });
  const gone = standing(known, '', 'kitchen')!;
  t.match(gone, { stamp: { life: 1, forgotten: true, counter: 2 }, digest: '' });
  t.equal(standing(gone, '', 'hall'), gone);
  t.match(standing(gone, 'a', 'hall'), { stamp: { life: 2, forgotten: false, counter: 1 } });
});

t.test('the same person by their key, or by their name; two people otherwise', async (t) => {
  const [one, two] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
  t.equal(meeting({ name: 'Ada', key: one }, { name: 'Mina', key: one }), 'same');
  t.equal(meeting({ name: 'Ada', key: one }, { name: 'ADA', key: two }), 'unite');
  t.equal(meeting({ name: 'Ada', key: one }, { name: 'Àdá', key: two }), 'part');
});

t.test('a name that is taken gets a number', async (t) => {
  const taken = new Set(['ada', 'ada 2', 'b'.repeat(64)]);
  t.equal(freeName('Ben', taken), 'Ben');
  t.equal(freeName('ADA', taken), 'ADA 3');
  const long = freeName('B'.repeat(64), taken);
  t.equal(long, `${'B'.repeat(58)} 2`);
  t.notOk(taken.has(foldName(long)));
});
