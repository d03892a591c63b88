import { chmodSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import t from 'tap';
import { seededRandom } from '../../src/commands/evaluate/random.js';
import { similarity } from '../../src/gallery/similarity.js';
import { decodeEntry, encodeEntry } from '../../src/journal/codec.js';
import { type JournalStore, type JournalStoreOptions, openJournalStore } from '../../src/journal/store.js';
import { unmeasuredQuality } from '../../src/vision/face.js';
import { defaultGate, refusal, strangerGate, templateGate } from '../../src/vision/quality-gate.js';
import { direction } from '../room/simulator.js';
import { openTestStore, quality, temporaryFolder } from '../sharing/household.js';
import { madeUpEntry } from './made-up-observations.js';

/** A store directory with a key that a gallery created, as in the daemon. */
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

const idsOf = (entries: Iterable<{ readonly id: number }>): number[] => [...entries].map(({ id }) => id);

t.test('entries are read as they were written, also after a restart', async (t) => {
  const directory = folder(t);
  const poor = madeUpEntry({
    ...{ wallMs: 1_000_100, embedding: null, weight: 0, best: null, runnerUp: null, similarity: null, second: null },
    ...{ margin: null, person: null, state: 'unclear', reason: { kind: 'too-small', eyesPx: 9, neededPx: 12 } },
  });
  {
    using store = openIn(directory);
    t.strictSame(store.append([madeUpEntry(), poor]), [1, 2]);
    t.strictSame(store.append([]), []);
  }
  using store = openIn(directory);
  const { embedding, ...rest } = store.find(1)!;
  const { embedding: given, ...expected } = madeUpEntry();
  t.strictSame(rest, { id: 1, ...expected }, 'every number is exact');
  t.ok(similarity(embedding!, given!) > 0.9999);
  t.strictSame(store.find(2), { id: 2, ...poor });
  t.equal(store.find(3), null);
  t.strictSame(idsOf(store.recent(1)), [2]);
  t.strictSame(idsOf(store.recent(10)), [1, 2], 'oldest first');
  t.strictSame(idsOf(store.since(1_000_100)), [2]);
});

t.test('an entry that was written before roll, misfit, glare and clarity were measured is read', async (t) => {
  // By the encoder of that version.
  const old = [
    'FK36XG1FSpNAAAAAAAAA8D8AAAAAAADwPwAAAAAAgCRAAAAAAACANEAAAAAAAIhWQAAAAAAAwFZAbmk1JO4x7T8AAAAAAABOQAAAAAAAAOA/AAAAAAAA',
    'AAAAAAAAAAAAAAAAAAAAAOA/mpmZmZmZyT83vAeFlIHnP9XPm4pUmOM/mpmZmZmZyT/d0mpI3GPaPwAAAAAAAAAAAAAAAAAAAAAEAAQCgTt/gX9/AAAA',
    'AAAAi1YqKs3TNVTSUSpJLQbnCHA+hbk2MSURTial5iE5G80xECWo7jEzJMJFJiiKDCyAbgIA',
  ];
  const { embedding, ...entry } = decodeEntry(Buffer.from(old.join(''), 'base64'));
  const { embedding: _, wallMs: _wallMs, ...expected } = madeUpEntry();
  t.strictSame(entry, { ...expected, quality: { ...quality, ...unmeasuredQuality } });
  t.ok(similarity(embedding!, Float32Array.from([0.5, -0.5, 0.5, 0.5])) > 0.9999);
  for (const gate of [defaultGate, templateGate, strangerGate])
    t.equal(refusal({ ...entry, embedding }, gate), null, 'what was not measured refuses no face');
});

t.test('an embedding loses almost nothing as 8-bit integers', async (t) => {
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const embedding = direction(192, seededRandom(seed));
        const back = decodeEntry(encodeEntry(madeUpEntry({ embedding }))).embedding!;
        return similarity(back, embedding) > 0.9999 && Math.abs(Math.hypot(...back) - 1) < 1e-5;
      }),
      { numRuns: 1000 },
    ),
  );
});

t.test('an entry takes about 500 bytes in the file', async (t) => {
  const directory = folder(t);
  using store = openIn(directory);
  const { length } = encodeEntry(madeUpEntry());
  t.ok(length > 300 && length < 520, `${length} bytes before the seal`);
  const entries = Array.from({ length: 1000 }, (_, i) => madeUpEntry({ wallMs: 1_000_000 + i * 100, nth: i + 1 }));
  store.append(entries);
  store.close();
  const bytes = statSync(join(directory, 'looks.sqlite')).size / entries.length;
  t.comment(`${bytes.toFixed(0)} bytes per entry in the file`);
  t.ok(bytes < 700, `${bytes} bytes per entry`);
});

t.test('only the id and the time of an entry are in the clear, and only the owner may read the file', async (t) => {
  const directory = folder(t);
  using store = openIn(directory);
  store.append([madeUpEntry({ person: 'wilhelmina', best: 'wilhelmina', run: 'a-certain-run' })]);
  const bytes = everyByte(directory);
  for (const word of ['wilhelmina', 'a-certain-run', 'similarity 0.61']) t.notOk(bytes.includes(word), word);
  const clear = encodeEntry(madeUpEntry());
  for (let at = 0; at + 16 <= clear.length; at += 8) t.notOk(bytes.includes(clear.subarray(at, at + 16)));
  t.ok(bytes.includes('CREATE TABLE look'), 'the search finds text in the clear');
  for (const name of readdirSync(directory)) t.equal(statSync(join(directory, name)).mode & 0o077, 0, name);
  store.close();
  chmodSync(join(directory, 'looks.sqlite'), 0o644);
  openIn(directory).close();
  t.equal(statSync(join(directory, 'looks.sqlite')).mode & 0o777, 0o600);
});

t.test('an entry that was changed or moved does not open', async (t) => {
  const directory = folder(t);
  openIn(directory).append([madeUpEntry(), madeUpEntry({ person: 'ben' }), madeUpEntry({ wallMs: 2_000_000 })]);
  const database = new Database(join(directory, 'looks.sqlite'));
  database.exec('UPDATE look SET sealed = (SELECT sealed FROM look WHERE id = 2) WHERE id = 1');
  database.exec('UPDATE look SET at_ms = 9000000 WHERE id = 3');
  database.close();
  using store = openIn(directory);
  t.equal(store.find(1), null);
  t.equal(store.find(3), null, 'an entry with a changed time does not open');
  t.strictSame(idsOf(store.since(0)), [2]);
});

t.test('forgetting a person erases every entry that mentions them, and no other', async (t) => {
  const directory = folder(t);
  using store = openIn(directory);
  const nobody = { person: null, best: null, runnerUp: null } as const;
  store.append([
    madeUpEntry(),
    madeUpEntry({ ...nobody, best: 'ben' }),
    madeUpEntry({ ...nobody, best: 'cleo', runnerUp: 'ada' }),
    madeUpEntry({ ...nobody, reason: { kind: 'person-changed', before: 'ada' } }),
    madeUpEntry({ ...nobody, reason: { kind: 'person-changed', before: 'adalbert' } }),
    madeUpEntry({ ...nobody, person: 'ben', best: 'ben' }),
    ...Array.from({ length: 1200 }, (_, i) =>
      madeUpEntry({
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
  t.notOk(bytes.includes(hers.subarray(0, 64)), 'no file contains a byte of it');
  t.ok(bytes.includes(bens.subarray(0, 64)), 'the search finds stored entries');
  t.strictSame(store.append([madeUpEntry()]), [1207], 'the id of an erased entry is not reused');
});

t.test('forgetting a person whose id is a common word, or whom only a reason mentions', async (t) => {
  const directory = folder(t);
  using store = openIn(directory);
  const nobody = { person: null, best: null, runnerUp: null } as const;
  store.append([
    madeUpEntry({ ...nobody, reason: { kind: 'static-face', stillMs: 45 * 60_000 } }),
    madeUpEntry({
      ...nobody,
      best: 'ben',
      reason: { kind: 'name-kept', person: 'min', because: { kind: 'too-small', eyesPx: 9, neededPx: 12 } },
    }),
    madeUpEntry({
      ...nobody,
      best: 'ben',
      reason: { kind: 'too-close', best: 'ben', second: 'min', margin: 0.01, needed: 0.06 },
    }),
  ]);
  store.forget('min');
  t.strictSame(idsOf(store.since(0)), [1], '"45 min" mentions nobody; a kept name and a second person are mentions');
});

t.test('old entries and entries dated to the future are erased, and the number of entries is limited', async (t) => {
  const directory = folder(t);
  const dayMs = 86_400_000;
  const wallMs = () => 100 * dayMs;
  using store = openIn(directory, { wallMs, maxEntries: 5 });
  store.append([98, 99, 100, 102, 500].map((day) => madeUpEntry({ wallMs: day * dayMs })));
  store.prune(99 * dayMs);
  t.strictSame(idsOf(store.since(0)), [2, 3]);
  store.append(Array.from({ length: 4 }, () => madeUpEntry({ wallMs: 100 * dayMs })));
  t.strictSame(idsOf(store.since(0)), [6, 7, 8, 9].slice(0), 'the oldest ids beyond five are erased');
});

t.test('another process sees new entries at once', async (t) => {
  const directory = folder(t);
  using daemon = openIn(directory);
  using verb = openIn(directory);
  daemon.append([madeUpEntry()]);
  t.strictSame(idsOf(verb.recent(5)), [1]);
  verb.forget('ada');
  t.strictSame(idsOf(daemon.recent(5)), []);
  t.strictSame(daemon.append([madeUpEntry()]), [2]);
});

t.test('under another key file the entries are erased and their ids are not reused', async (t) => {
  const directory = folder(t);
  openIn(directory).append([madeUpEntry(), madeUpEntry()]);
  writeFileSync(join(directory, 'key'), 'ab'.repeat(32), { mode: 0o600 });
  const messages: string[] = [];
  using store = openIn(directory, { onDamage: (sentence) => messages.push(sentence) });
  t.strictSame(idsOf(store.since(0)), []);
  t.strictSame(store.append([madeUpEntry()]), [3]);
  t.match(messages, [/looks\.sqlite belongs to another key file/]);
});

t.test('without a key no file is created, so that a locked gallery does not get a second key', async (t) => {
  const directory = temporaryFolder();
  t.teardown(() => rmSync(directory, { recursive: true }));
  t.throws(() => openIn(directory), { code: 'KEY_FILE' });
  t.strictSame(readdirSync(directory), []);
});

t.test('a damaged file is replaced, whatever the damage', async (t) => {
  const directory = folder(t);
  const path = join(directory, 'looks.sqlite');
  const many = Array.from({ length: 500 }, (_, i) => madeUpEntry({ wallMs: i }));
  const damages: readonly [string, () => void][] = [
    ['no database', () => writeFileSync(path, 'this is not a database, and long enough for SQLite to read it')],
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
  for (const [damageName, damage] of damages) {
    openIn(directory).append(many);
    for (const log of ['-wal', '-shm']) rmSync(`${path}${log}`, { force: true });
    {
      using before = openIn(directory);
      before.append(many);
      t.ok(before.recent(1000).length > 0, damageName);
    }
    damage();
    const messages: string[] = [];
    using store = openIn(directory, { onDamage: (sentence) => messages.push(sentence) });
    t.strictSame(store.recent(10), [], damageName);
    store.append([madeUpEntry()]);
    t.equal(store.recent(10).length, 1, damageName);
    t.ok(messages.length <= 1, 'one warning');
    if (damageName !== 'of another format') t.match(messages, [/was damaged and was replaced/]);
  }
});
