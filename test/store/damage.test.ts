// A gallery that is missing, damaged or edited: whatever is not as it was stored is said, and a snapshot takes its place.
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import t from 'tap';
import { RoomkinError } from '../../src/base/errors.js';
import { seededRandom } from '../../src/commands/evaluate/random.js';
import { databaseName } from '../../src/store/database.js';
import { lockDirectory } from '../../src/store/lock.js';
import { takeRestored } from '../../src/store/opening.js';
import { listSnapshots } from '../../src/store/snapshots.js';
import type { Store } from '../../src/store/store.js';
import { enrolMadeUp, madeUpTemplate, openTestStore, space, temporaryFolder } from '../sharing/household.js';

t.setTimeout(300_000);

function folder(t: { teardown(work: () => void): void }): string {
  const path = temporaryFolder();
  t.teardown(() => rmSync(path, { recursive: true }));
  return path;
}

/** A gallery with everything in it, closed. */
function filled(directory: string): void {
  using store = openTestStore(directory);
  for (const name of ['Ada', 'Ben', 'Wilhelmina']) enrolMadeUp(store, name, 3);
  store.change((changes) => {
    changes.disable([2]);
    changes.addNegativeTemplate('ada', madeUpTemplate('not her'));
    changes.addCorrectedTemplate('ben', madeUpTemplate('him'));
    changes.addToCohort(madeUpTemplate('somebody'));
  });
}

/** Everything that a gallery says. */
const everything = (store: Store): string =>
  JSON.stringify([
    store.people(),
    store.gallery(space),
    store.people().map(({ id }) => [store.openTemplates(id), store.openNegativeTemplates(id)]),
    store.openCohort(),
    store.corrections(),
  ]);

const withoutSnapshots = (directory: string): void =>
  rmSync(join(directory, 'snapshots'), { recursive: true, force: true });

t.test('a missing or empty gallery beside its key, log or snapshots is an error that says what to do', async (t) => {
  const directory = folder(t);
  const path = join(directory, databaseName);
  const open = (): void => openTestStore(directory).close();
  filled(directory);
  const [newest] = listSnapshots(directory);
  rmSync(path);
  t.throws(open, {
    code: 'DATABASE',
    message:
      /gallery\.sqlite is missing, but .*key and .*snapshots are there: restore the snapshot with `cp .*gallery-\d+\.sqlite .*`, or remove these to start with an empty gallery and `roomkin import` a backup/,
  });
  t.notOk(existsSync(path), 'nothing is created');
  writeFileSync(path, '');
  t.throws(open, { code: 'DATABASE', message: /gallery\.sqlite is empty, but/ });
  t.equal(statSync(path).size, 0);
  cpSync(newest!.path, path);
  {
    using store = openTestStore(directory);
    t.equal(store.people()[0]?.name, 'Ada', 'the advice works');
  }
  rmSync(path);
  withoutSnapshots(directory);
  t.throws(open, { message: /is missing, but .*\/key is there: remove this key to start/ });
  rmSync(join(directory, 'key'));
  writeFileSync(`${path}-wal`, 'x');
  t.throws(open, { message: /is missing, but .*-wal is there/ });
  rmSync(`${path}-wal`);
  open();
  t.ok(existsSync(path), 'a directory with neither is a first start');
});

t.test('what is altered behind the back of roomkin names the person, and the rest still works', async (t) => {
  const edits: readonly [sql: string, said: RegExp, usable: readonly number[]][] = [
    [
      "UPDATE person SET name = 'Eve' WHERE id = 'ada'",
      /about Ada in .* was altered.*`roomkin forget "Ada"`/,
      [2, 4, 3],
    ],
    ['DELETE FROM template WHERE id = 5', /about Ben in .* was altered/, [2, 3, 3]],
    ["DELETE FROM person WHERE id = 'wilhelmina'", /^Wilhelmina is missing in /, [2, 4]],
    ['UPDATE template SET set_aside_at_ms = NULL WHERE id = 2', /about Ada in .* was altered/, [3, 4, 3]],
    ['DELETE FROM correction WHERE sealed IS NOT NULL', /about Ada in .* was altered/, [2, 4, 3]],
    ["UPDATE template SET quality = replace(quality, '60', '61') WHERE id = 8", /about Wilhelmina/, [2, 4, 3]],
    ["UPDATE person SET created_at_ms = 1 WHERE id = 'ben'", /about Ben in .* was altered/, [4, 2, 3]],
    ['DELETE FROM stranger', /the faces of people outside the household in .* were altered/, [2, 4, 3]],
    [
      "INSERT INTO person SELECT 'eve', 'Eve', 'eve', wrapped_key, 1 FROM person WHERE id = 'ada'",
      /a person "eve"/,
      [0, 2, 4, 3],
    ],
    ["UPDATE meta SET value = x'00' WHERE key = 'roster'", /the list of people in .* is damaged/, [2, 4, 3]],
    ["INSERT INTO shared VALUES (x'00', 'k', 1, 1, 1, 'lab', '')", /about the other rooms was altered/, [2, 4, 3]],
  ];
  const model = folder(t);
  filled(model);
  withoutSnapshots(model);
  for (const [sql, said, usable] of edits) {
    const directory = folder(t);
    cpSync(model, directory, { recursive: true });
    const database = new Database(join(directory, databaseName));
    database.pragma('foreign_keys = ON');
    t.ok(database.prepare(sql).run().changes > 0, sql);
    database.close();
    const said1: string[] = [];
    using store = openTestStore(directory, { onDamage: (sentence) => said1.push(sentence) });
    t.match(said1, [said], sql);
    t.strictSame(
      store.gallery(space).people.map(({ templates }) => templates.length),
      usable,
      sql,
    );
    t.notMatch(
      JSON.stringify(store.gallery(space)).replaceAll('"eve","name":"Eve"', ''),
      /Eve/,
      'no altered name is used',
    );
    // A change of something else does not make the damage look intact.
    store.setSetting('x', 'y');
    enrolMadeUp(store, 'Cleo');
    const said2: string[] = [];
    openTestStore(directory, { onDamage: (sentence) => said2.push(sentence) }).close();
    if (/person|template|correction/.test(sql)) t.strictSame(said2, said1, 'said again');
    // The advice works.
    const [, name] = /forget "(.*?)"/.exec(said1[0]!) ?? [];
    if (name === undefined) continue;
    store.forget(store.find(name).id);
    const said3: string[] = [];
    openTestStore(directory, { onDamage: (sentence) => said3.push(sentence) }).close();
    t.strictSame(said3, [], `${sql}: intact after forget`);
  }
});

t.test('a change of another process is checked when the gallery is read again', async (t) => {
  const directory = folder(t);
  filled(directory);
  const said: string[] = [];
  using store = openTestStore(directory, { onDamage: (sentence) => said.push(sentence) });
  store.gallery(space);
  const database = new Database(join(directory, databaseName));
  database.exec("DELETE FROM template WHERE id = 1; UPDATE meta SET value = value + 1 WHERE key = 'gallery_version'");
  database.close();
  store.gallery(space);
  t.match(said, [/about Ada/]);
});

t.test('a damaged gallery is restored from the newest good snapshot, kept aside, and this is said once', async (t) => {
  const directory = folder(t);
  const path = join(directory, databaseName);
  filled(directory);
  let before: string;
  {
    using store = openTestStore(directory, { wallMs: () => Date.now() + 3_700_000 });
    enrolMadeUp(store, 'Cleo');
    before = everything(store);
  }
  t.equal(listSnapshots(directory).length, 2);
  for (const damage of [
    () => writeFileSync(path, 'this is not a database, and long enough for SQLite to read it'),
    () => truncateSync(path, 20_000),
    () => writeFileSync(path, readFileSync(path).fill(0x5a, 8_000, 30_000)),
  ]) {
    damage();
    const said: string[] = [];
    using store = openTestStore(directory, { onDamage: (sentence) => said.push(sentence) });
    t.match(said, [
      /the gallery was damaged and was restored from the snapshot of \d{4}-.* UTC: check with `roomkin people`/,
    ]);
    t.equal(JSON.parse(everything(store))[0].length, 4);
    t.ok(existsSync(join(directory, 'gallery.damaged.sqlite')));
    t.equal(statSync(join(directory, 'gallery.damaged.sqlite')).mode & 0o777, 0o600);
    t.match(takeRestored(store), /was restored/, 'the daemon says it');
    t.equal(takeRestored(store), null, 'once');
  }
  // The newest snapshot is damaged too.
  const [newest] = listSnapshots(directory);
  writeFileSync(newest!.path, readFileSync(newest!.path).fill(0x5a, 8_000, 30_000));
  writeFileSync(path, readFileSync(path).fill(0x5a, 8_000, 30_000));
  {
    using store = openTestStore(directory);
    t.equal(store.people().length, 1, 'the older snapshot is used');
  }
  t.ok(before.includes('Cleo'));

  // A daemon has the directory: nothing is exchanged under it.
  const database = new Database(path);
  database.exec('DELETE FROM template WHERE id = 1');
  database.close();
  {
    using _lock = lockDirectory(directory, 'lab');
    const said: string[] = [];
    openTestStore(directory, { onDamage: (sentence) => said.push(sentence) }).close();
    t.match(said, [/restart the daemon, which restores a snapshot/, /about Ada/]);
    using daemon = openTestStore(directory, { isLocked: true });
    t.equal(daemon.gallery(space).people[0]?.templates.length, 3, 'the daemon restores it at its start');
  }
});

t.test('three snapshots at most, one an hour, private, and without whoever was forgotten or renamed', async (t) => {
  const directory = folder(t);
  let nowMs = Date.now();
  const open = (): Store => openTestStore(directory, { wallMs: () => nowMs });
  {
    using store = open();
    enrolMadeUp(store, 'Ada');
    const [first] = listSnapshots(directory);
    enrolMadeUp(store, 'Ben');
    t.strictSame(listSnapshots(directory), [first], 'not more than once an hour');
    for (let i = 0; i < 4; i++) {
      nowMs = Date.now() + 3_700_000;
      enrolMadeUp(store, `C${String.fromCharCode(97 + i)}`);
    }
    const snapshots = listSnapshots(directory);
    t.equal(snapshots.length, 3);
    store.keepSnapshots();
    t.strictSame(listSnapshots(directory), snapshots, 'an unchanged gallery needs no further snapshot');
    for (const { path } of snapshots) t.equal(statSync(path).mode & 0o777, 0o600);
    t.equal(statSync(join(directory, 'snapshots')).mode & 0o777, 0o700);
    t.ok(snapshots.every(({ path }) => readFileSync(path).includes('Ben')));
    writeFileSync(join(directory, 'gallery.damaged.sqlite'), 'Ben');
    store.forget('ben');
    t.equal(listSnapshots(directory).length, 1, 'a new one at once');
    t.notOk(existsSync(join(directory, 'gallery.damaged.sqlite')));
    store.change((changes) => changes.rename('ada', 'Zoe'));
    const [last] = listSnapshots(directory);
    t.notOk(readFileSync(last!.path).includes('Ben'));
    t.notOk(readFileSync(last!.path).includes('Ada'));
  }
  writeFileSync(join(directory, databaseName), 'this is not a database, and long enough for SQLite to read it');
  using store = open();
  t.strictSame(
    store
      .people()
      .map(({ name }) => name)
      .sort(),
    ['Ca', 'Cb', 'Cc', 'Cd', 'Zoe'],
    'a forgotten person does not come back',
  );
});

t.test('the check costs milliseconds for 12 people with 40 templates', async (t) => {
  const directory = folder(t);
  {
    using store = openTestStore(directory);
    for (let i = 0; i < 12; i++) enrolMadeUp(store, `Person${String.fromCharCode(97 + i)}`, 40);
  }
  const tookMs = Array.from({ length: 5 }, () => {
    const startMs = performance.now();
    openTestStore(directory).close();
    return performance.now() - startMs;
  });
  t.comment(`a checked opening takes ${Math.min(...tookMs).toFixed(1)} ms`);
  t.ok(Math.min(...tookMs) < 100);
});

// Every single damage of one byte or bit is harmless or said.
const runs = Number(process.env['ROOMKIN_DAMAGES'] ?? 60);
for (const snapshots of [false, true])
  t.test(`${runs} random damages ${snapshots ? 'with' : 'without'} snapshots`, async (t) => {
    const model = folder(t);
    filled(model);
    if (!snapshots) withoutSnapshots(model);
    const intact = everything(openTestStore(model));
    const bytes = readFileSync(join(model, databaseName));
    const random = seededRandom(snapshots ? 7 : 8);
    const outcomes = { harmless: 0, said: 0, restored: 0, refused: 0 };
    const directory = folder(t);
    for (let run = 0; run < runs; run++) {
      rmSync(directory, { recursive: true });
      mkdirSync(directory);
      for (const name of readdirSync(model)) cpSync(join(model, name), join(directory, name), { recursive: true });
      const damaged = Buffer.from(bytes);
      // Half of them hit the pages of names, list and schema, which are few.
      const at = Math.floor(random() * (run % 2 ? bytes.length : 40_960));
      damaged[at]! ^= run % 3 ? 1 << Math.floor(random() * 8) : 1 + Math.floor(random() * 255);
      writeFileSync(join(directory, databaseName), damaged);
      rmSync(join(directory, `${databaseName}-wal`), { force: true });
      rmSync(join(directory, `${databaseName}-shm`), { force: true });
      const said: string[] = [];
      try {
        using store = openTestStore(directory, { onDamage: (sentence) => said.push(sentence) });
        const same = everything(store) === intact;
        if (same) outcomes.harmless++;
        else if (said.some((sentence) => sentence.includes('was restored'))) outcomes.restored++;
        else if (said.length > 0) outcomes.said++;
        else t.fail(`byte ${at}, run ${run}: a silent change`);
      } catch (error) {
        if (error instanceof RoomkinError) outcomes.refused++;
        else t.fail(`byte ${at}, run ${run}: ${error instanceof Error ? error.stack : error}`);
      }
    }
    t.comment(JSON.stringify(outcomes));
    t.ok(outcomes.harmless < runs);
  });
