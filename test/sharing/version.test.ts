import fc from 'fast-check';
import t from 'tap';
import { foldName } from '../../src/gallery/names.js';
import {
  currentVersion,
  freeName,
  identityOf,
  isNewer,
  nextStamp,
  type Stamp,
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

t.test('versions have a total order', async () => {
  fc.assert(
    fc.property(version, version, version, (a, b, c) => {
      const total = same(a, b) ? !isNewer(a, b) : isNewer(a, b) !== isNewer(b, a);
      const transitive = !(isNewer(a, b) && isNewer(b, c)) || isNewer(a, c);
      return total && transitive && isNewer(a, null);
    }),
    { numRuns: 5000 },
  );
});

t.test('a local change is newer than the version before it', async () => {
  fc.assert(
    fc.property(stamp, fc.boolean(), fc.constantFrom('attic', 'kitchen'), (before, forgotten, room) => {
      const next = nextStamp(before, forgotten, room);
      return before.forgotten && forgotten
        ? next.life === before.life
        : next.room === room && isNewer({ stamp: next, digest: '' }, { stamp: before, digest: 'f' });
    }),
  );
});

t.test(
  'a forgotten person stays forgotten, however often another room changed them, until they are enrolled again',
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

t.test('the version of a person stays the same until something changes', async (t) => {
  t.equal(currentVersion(null, '', 'hall'), null);
  const known = currentVersion(null, 'a', 'hall')!;
  t.same(known, { stamp: { life: 1, forgotten: false, counter: 1, room: 'hall' }, digest: 'a' });
  t.equal(currentVersion(known, 'a', 'kitchen'), known);
  t.match(currentVersion(known, 'b', 'kitchen'), { stamp: { counter: 2, room: 'kitchen' }, digest: 'b' });
  const forgotten = currentVersion(known, '', 'kitchen')!;
  t.match(forgotten, { stamp: { life: 1, forgotten: true, counter: 2 }, digest: '' });
  t.equal(currentVersion(forgotten, '', 'hall'), forgotten);
  t.match(currentVersion(forgotten, 'a', 'hall'), { stamp: { life: 2, forgotten: false, counter: 1 } });
});

t.test('two records are the same person if the key or the name is equal', async (t) => {
  const [firstKey, secondKey] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
  t.equal(identityOf({ name: 'Ada', key: firstKey }, { name: 'Mina', key: firstKey }), 'same');
  t.equal(identityOf({ name: 'Ada', key: firstKey }, { name: 'ADA', key: secondKey }), 'merge');
  t.equal(identityOf({ name: 'Ada', key: firstKey }, { name: 'Àdá', key: secondKey }), 'separate');
});

t.test('a name in use gets a number', async (t) => {
  const used = new Set(['ada', 'ada 2', 'b'.repeat(64)]);
  t.equal(freeName('Ben', used), 'Ben');
  t.equal(freeName('ADA', used), 'ADA 3');
  const long = freeName('B'.repeat(64), used);
  t.equal(long, `${'B'.repeat(58)} 2`);
  t.notOk(used.has(foldName(long)));
});
