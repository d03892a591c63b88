import { chmodSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import t from 'tap';
import { seededRandom } from '../../src/commands/evaluate/random.js';
import { similarity } from '../../src/gallery/similarity.js';
import { decodeEntry, encodeEntry } from '../../src/journal/codec.js';
import { type JournalStore, type JournalStoreOptions, openJournalStore } from '../../src/journal/store.js';
import { direction } from '../room/simulator.js';
import { openTestStore, temporaryFolder } from '../sharing/household.js';
import { madeUpLook } from './made-up-observations.js';

/** A store directory whose key was made by a gallery, as the daemon does it. */
function folder(t: { teardown(work: () => void): void }): string {
  const path = temporaryFolder();
  t.teardown(() => rmSync(path, { recursive: true }));
  openTestStore(path).close();
  return path;
}

const openIn = (directory: string, options: Partial<JournalStoreOptions> = {}): JournalStore =>
  openJournalStore({ directory, keyFile: join(directory, 'key'), ...options });

const everyByte = (directory: string): Buffer =>
  Buffer.concat(
    readdirSync(directory)
      .filter((name) => name.startsWith('looks'))
      .map((name) => readFileSync(join(directory, name))),
  );

const idsOf = (looks: Iterable<{ readonly id: number }>): number[] => [...looks].map(({ id }) => id);

t.test('looks come back as they were given, after a restart too', async (t) => {
  const directory = folder(t);
  const poor = madeUpLook({
    ...{ wallMs: 1_000_100, embedding: null, weight: 0, best: null, runnerUp: null, similarity: null, second: null },
    ...{ margin: null, person: null, state: 'unclear', reason: { kind: 'too-small', eyesPx: 9, neededPx: 12 } },
  });
  {
    using store = openIn(directory);
    t.strictSame(store.append([madeUpLook(), poor]), [1, 2]);
    t.strictSame(store.append([]), []);
  }
  using store = openIn(directory);
  const { embedding, ...rest } = store.find(1)!;
  const { embedding: given, ...expected } = madeUpLook();
  t.strictSame(rest, { id: 1, ...expected }, 'every number exactly');
  t.ok(similarity(embedding!, given!) > 0.9999);
  t.strictSame(store.find(2), { id: 2, ...poor });
  t.equal(store.find(3), null);
  t.strictSame(idsOf(store.recent(1)), [2]);
  t.strictSame(idsOf(store.recent(10)), [1, 2], 'oldest first');
  t.strictSame(idsOf(store.since(1_000_100)), [2]);
});

t.test('an embedding loses next to nothing as 8-bit integers', async (t) => {
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const embedding = direction(192, seededRandom(seed));
        const back = decodeEntry(encodeEntry(madeUpLook({ embedding }))).embedding!;
        return similarity(back, embedding) > 0.9999 && Math.abs(Math.hypot(...back) - 1) < 1e-5;
      }),
      { numRuns: 1000 },
    ),
  );
});

t.test('a look takes about 500 bytes, the file what its looks take', async (t) => {
  const directory = folder(t);
  using store = openIn(directory);
  const { length } = encodeEntry(madeUpLook());
  t.ok(length > 300 && length < 520, `${length} bytes before the seal`);
  const looks = Array.from({ length: 1000 }, (_, i) => madeUpLook({ wallMs: 1_000_000 + i * 100, nth: i + 1 }));
  store.append(looks);
  store.close();
  const bytes = statSync(join(directory, 'looks.sqlite')).size / looks.length;
  t.comment(`${bytes.toFixed(0)} bytes a look in the file`);
  t.ok(bytes < 700, `${bytes} bytes a look`);
});

t.test(
  'nothing of a look lies in the clear but its number and time, and only the owner may read the file',
  async (t) => {
    const directory = folder(t);
    using store = openIn(directory);
    store.append([madeUpLook({ person: 'wilhelmina', best: 'wilhelmina', run: 'a-certain-run' })]);
    const bytes = everyByte(directory);
    for (const word of ['wilhelmina', 'a-certain-run', 'similarity 0.61']) t.notOk(bytes.includes(word), word);
    const clear = encodeEntry(madeUpLook());
    for (let at = 0; at + 16 <= clear.length; at += 8) t.notOk(bytes.includes(clear.subarray(at, at + 16)));
    t.ok(bytes.includes('CREATE TABLE look'), 'the search does find what lies in the clear');
    for (const name of readdirSync(directory)) t.equal(statSync(join(directory, name)).mode & 0o077, 0, name);
    store.close();
    chmodSync(join(directory, 'looks.sqlite'), 0o644);
    openIn(directory).close();
    t.equal(statSync(join(directory, 'looks.sqlite')).mode & 0o777, 0o600);
  },
);

t.test('a look that was changed or moved does not open', async (t) => {
  const directory = folder(t);
  openIn(directory).append([madeUpLook(), madeUpLook({ person: 'ben' }), madeUpLook({ wallMs: 2_000_000 })]);
  const database = new Database(join(directory, 'looks.sqlite'));
  database.exec('UPDATE look SET sealed = (SELECT sealed FROM look WHERE id = 2) WHERE id = 1');
  database.exec('UPDATE look SET at_ms = 9000000 WHERE id = 3');
  database.close();
  using store = openIn(directory);
  t.equal(store.find(1), null);
  t.equal(store.find(3), null, 'nor one whose time was moved, to be kept for longer');
  t.strictSame(idsOf(store.since(0)), [2]);
});

t.test('forgetting a person erases every look that says something about them, and no other', async (t) => {
  const directory = folder(t);
  using store = openIn(directory);
  const nobody = { person: null, best: null, runnerUp: null } as const;
  store.append([
    madeUpLook(),
    madeUpLook({ ...nobody, best: 'ben' }),
    madeUpLook({ ...nobody, best: 'cleo', runnerUp: 'ada' }),
    madeUpLook({ ...nobody, reason: { kind: 'person-changed', before: 'ada' } }),
    madeUpLook({ ...nobody, reason: { kind: 'person-changed', before: 'adalbert' } }),
    madeUpLook({ ...nobody, person: 'ben', best: 'ben' }),
    ...Array.from({ length: 1200 }, (_, i) =>
      madeUpLook({
        wallMs: 3_000_000 + i,
        best: i % 2 ? 'ada' : 'ben',
        ...(i % 2 ? {} : { person: 'ben', runnerUp: null }),
      }),
    ),
  ]);
  const row = new Database(join(directory, 'looks.sqlite'), { readonly: true });
  t.teardown(() => row.close());
  const sealed = (id: number) => row.prepare('SELECT sealed FROM look WHERE id = ?').pluck().get(id) as Buffer;
  const [hers, bens] = [sealed(1), sealed(2)];
  store.forget('ada');
  t.strictSame(idsOf(store.since(0)).slice(0, 3), [2, 5, 6]);
  t.equal([...store.since(0)].length, 3 + 600, 'over several pages');
  const bytes = everyByte(directory);
  t.notOk(bytes.includes(hers.subarray(0, 64)), 'not a byte is left, in none of the files');
  t.ok(bytes.includes(bens.subarray(0, 64)), 'the search does find what is kept');
  t.strictSame(store.append([madeUpLook()]), [1207], 'the number of an erased look is not given again');
});

t.test('what is older goes, and what a wrong clock dated to the future; there is a most', async (t) => {
  const directory = folder(t);
  const dayMs = 86_400_000;
  const wallMs = () => 100 * dayMs;
  using store = openIn(directory, { wallMs, most: 5 });
  store.append([98, 99, 100, 102, 500].map((day) => madeUpLook({ wallMs: day * dayMs })));
  store.prune(99 * dayMs);
  t.strictSame(idsOf(store.since(0)), [2, 3]);
  store.append(Array.from({ length: 4 }, () => madeUpLook({ wallMs: 100 * dayMs })));
  t.strictSame(idsOf(store.since(0)), [6, 7, 8, 9].slice(0), 'of more than five the oldest numbers go');
});

t.test('another process sees what was kept at once', async (t) => {
  const directory = folder(t);
  using daemon = openIn(directory);
  using verb = openIn(directory);
  daemon.append([madeUpLook()]);
  t.strictSame(idsOf(verb.recent(5)), [1]);
  verb.forget('ada');
  t.strictSame(idsOf(daemon.recent(5)), []);
  t.strictSame(daemon.append([madeUpLook()]), [2]);
});

t.test('under another key file the looks are noise: they go, their numbers stay taken', async (t) => {
  const directory = folder(t);
  openIn(directory).append([madeUpLook(), madeUpLook()]);
  writeFileSync(join(directory, 'key'), 'ab'.repeat(32), { mode: 0o600 });
  const said: string[] = [];
  using store = openIn(directory, { onDamage: (sentence) => said.push(sentence) });
  t.strictSame(idsOf(store.since(0)), []);
  t.strictSame(store.append([madeUpLook()]), [3]);
  t.match(said, [/looks\.sqlite belongs to another key file/]);
});

t.test('without a key nothing is made: a locked gallery must not get a second one', async (t) => {
  const directory = temporaryFolder();
  t.teardown(() => rmSync(directory, { recursive: true }));
  t.throws(() => openIn(directory), { code: 'KEY_FILE' });
  t.strictSame(readdirSync(directory), []);
});

t.test('a damaged file is started afresh, whatever is wrong with it', async (t) => {
  const directory = folder(t);
  const path = join(directory, 'looks.sqlite');
  const many = Array.from({ length: 500 }, (_, i) => madeUpLook({ wallMs: i }));
  const damages: readonly [string, () => void][] = [
    ['no database', () => writeFileSync(path, 'this is not a database, and long enough to be looked at by SQLite')],
    ['cut in half', () => writeFileSync(path, readFileSync(path).subarray(0, 100_000))],
    ['overwritten in the middle', () => writeFileSync(path, readFileSync(path).fill(0x5a, 40_000, 90_000))],
    [
      'of another format',
      () => {
        const database = new Database(path);
        database.exec('DROP TABLE look; CREATE TABLE "another""one" (x)');
        database.pragma('user_version = 77');
        database.close();
      },
    ],
  ];
  for (const [what, damage] of damages) {
    openIn(directory).append(many);
    for (const log of ['-wal', '-shm']) rmSync(`${path}${log}`, { force: true });
    {
      using before = openIn(directory);
      before.append(many);
      t.ok(before.recent(1000).length > 0, what);
    }
    damage();
    const said: string[] = [];
    using store = openIn(directory, { onDamage: (sentence) => said.push(sentence) });
    t.strictSame(store.recent(10), [], what);
    store.append([madeUpLook()]);
    t.equal(store.recent(10).length, 1, what);
    t.ok(said.length <= 1, 'one warning');
    if (what !== 'of another format') t.match(said, [/was damaged and is started afresh/]);
  }
});
