import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import t from 'tap';
import { RoomkinError } from '../../src/base/errors.js';
import {
  enrolMadeUp,
  madeUpTemplate,
  madeUpVector,
  openTestStore,
  space,
  temporaryFolder,
} from '../sharing/household.js';

function folder(t: { teardown(work: () => void): void }): string {
  const path = temporaryFolder();
  t.teardown(() => rmSync(path, { recursive: true }));
  return path;
}

const everyByte = (directory: string): Buffer =>
  Buffer.concat(
    readdirSync(directory)
      .filter((name) => name.startsWith('gallery'))
      .map((name) => readFileSync(join(directory, name))),
  );

t.test('people and templates are read as they were stored, also after a restart', (t) => {
  const directory = folder(t);
  {
    using store = openTestStore(directory);
    t.equal(enrolMadeUp(store, 'Ada'), 'ada');
    t.equal(enrolMadeUp(store, 'Àdá'), 'ada-2');
    t.equal(enrolMadeUp(store, 'ada', 3), 'ada', 'another spelling is the same person');
  }
  using store = openTestStore(directory);
  const gallery = store.gallery(space);
  t.same(
    gallery.people.map(({ id, name, templates }) => [id, name, templates.length]),
    [
      ['ada', 'Ada', 5],
      ['ada-2', 'Àdá', 2],
    ],
  );
  t.same(gallery.people[0]?.templates[0]?.vector, madeUpVector('Ada/0'));
  t.equal(store.gallery(space), gallery, 'the snapshot stays the same until something changes');
  t.same(
    store.gallery('another-space').people.map((person) => person.templates.length),
    [0, 0],
  );
  t.end();
});

t.test('the same photo is stored once', (t) => {
  using store = openTestStore(folder(t));
  store.change((changes) => {
    const id = changes.person('Ada');
    t.equal(changes.addTemplate(id, madeUpTemplate('one')), true);
    t.equal(changes.addTemplate(id, madeUpTemplate('one')), false);
    t.equal(changes.addToCohort(madeUpTemplate('one')), true);
    t.equal(changes.addToCohort(madeUpTemplate('one')), false);
  });
  t.equal(store.gallery(space).cohort.length, 1);
  t.end();
});

t.test('no file contains any part of a template in the clear', (t) => {
  const directory = folder(t);
  using store = openTestStore(directory);
  enrolMadeUp(store, 'Ada');
  store.change((changes) => changes.addToCohort(madeUpTemplate('somebody')));
  t.ok(existsSync(join(directory, 'gallery.sqlite-wal')));
  const bytes = everyByte(directory);
  for (const seed of ['Ada/0', 'Ada/1', 'somebody']) {
    const clear = Buffer.from(madeUpVector(seed).buffer);
    for (let at = 0; at + 8 <= clear.length; at += 4)
      t.notOk(bytes.includes(clear.subarray(at, at + 8)), `number ${at / 4}`);
    t.notOk(
      bytes.includes(Buffer.from(madeUpTemplate(seed).source)),
      'no file contains a hash of the photo that others could compute',
    );
  }
  t.ok(bytes.includes(Buffer.from('"eyesPx"')), 'the search finds text in the clear');
  t.equal(statSync(join(directory, 'key')).mode & 0o777, 0o600);
  for (const name of readdirSync(directory)) t.equal(statSync(join(directory, name)).mode & 0o077, 0, name);
  t.end();
});

t.test('forgetting a person leaves no byte of them', (t) => {
  const directory = folder(t);
  using store = openTestStore(directory);
  enrolMadeUp(store, 'Wilhelmina', 20);
  enrolMadeUp(store, 'Bob');
  const reader = new Database(join(directory, 'gallery.sqlite'));
  t.teardown(() => reader.close());
  const row = reader
    .prepare(
      "SELECT sealed, wrapped_key AS wrapped FROM template JOIN person ON person.id = person WHERE name = 'Wilhelmina'",
    )
    .get() as { sealed: Buffer; wrapped: Buffer };
  t.ok(everyByte(directory).includes(row.sealed));
  t.equal(store.forget('wilhelmina'), true);
  const bytes = everyByte(directory);
  t.notOk(bytes.includes(row.sealed));
  t.notOk(bytes.includes(row.wrapped));
  t.notOk(bytes.toString('latin1').toLowerCase().includes('wilhelmina'));
  t.same(
    store.gallery(space).people.map(({ id }) => id),
    ['bob'],
  );
  t.throws(() => store.forget('wilhelmina'), { code: 'PERSON_UNKNOWN' });
  t.end();
});

t.test('a renamed person keeps the id, and the old name is erased', (t) => {
  const directory = folder(t);
  using store = openTestStore(directory);
  enrolMadeUp(store, 'Wilhelmina');
  enrolMadeUp(store, 'Bob');
  store.change((changes) => changes.rename('wilhelmina', 'Mina'));
  t.equal(store.find('mina').id, 'wilhelmina');
  t.equal(store.find('wilhelmina').name, 'Mina', 'the id also finds the person');
  t.notOk(everyByte(directory).includes(Buffer.from('Wilhelmina')));
  t.throws(() => store.change((changes) => changes.rename('bob', 'MINA')), { code: 'PERSON_EXISTS' });
  t.throws(() => store.change((changes) => changes.rename('bob', 'a/b')), { code: 'NAME_REFUSED' });
  t.equal(store.find('bob').name, 'Bob');
  t.end();
});

t.test('a change is applied completely or not at all', (t) => {
  using store = openTestStore(folder(t));
  enrolMadeUp(store, 'Bob');
  const { version } = store;
  t.throws(
    () =>
      store.change((changes) => {
        changes.addTemplate(changes.person('Ada'), madeUpTemplate('x'));
        throw new Error('half way');
      }),
    /half way/,
  );
  t.same(
    store.people().map(({ id }) => id),
    ['bob'],
  );
  t.equal(store.version, version);
  t.end();
});

t.test('a template that was changed or moved does not open and never gives a wrong name', (t) => {
  const directory = folder(t);
  {
    using store = openTestStore(directory);
    enrolMadeUp(store, 'Ada');
    enrolMadeUp(store, 'Bob');
  }
  const tampered = (work: (database: Database.Database) => void): { lines: string[]; counts: number[] } => {
    const database = new Database(join(directory, 'gallery.sqlite'));
    work(database);
    database.close();
    rmSync(join(directory, 'snapshots'), { recursive: true, force: true });
    const lines: string[] = [];
    using store = openTestStore(directory, {
      onDamage: (line) => /^(what is stored about|.* a person )/.test(line) || lines.push(line),
    });
    const { people } = store.gallery(space);
    store.gallery(space);
    return { lines, counts: people.map(({ templates }) => templates.length) };
  };
  const swap = (database: Database.Database): void =>
    void database.exec(
      "UPDATE template SET person = CASE person WHEN 'ada' THEN 'bob' ELSE 'ada' END WHERE id IN (1, 3)",
    );
  const swapped = tampered(swap);
  t.same(swapped.counts, [1, 1]);
  t.equal(swapped.lines.length, 2);
  t.match(swapped.lines[0], /^template 1 of bob in .*gallery\.sqlite does not open/);
  t.same(tampered(swap).counts, [2, 2], 'it opens again after it was moved back');

  const flip = (database: Database.Database): void => {
    const sealed = database.prepare('SELECT sealed FROM template WHERE id = 2').pluck().get() as Buffer;
    sealed[40]! ^= 1;
    database.prepare('UPDATE template SET sealed = ? WHERE id = 2').run(sealed);
  };
  t.same(tampered(flip).counts, [1, 2]);
  t.same(tampered(flip).counts, [2, 2]);
  t.same(
    tampered((database) => database.exec("UPDATE template SET space = 'test-space2' WHERE id = 2")).counts,
    [1, 2],
  );
  const keys = tampered((database) =>
    database.exec("UPDATE person SET wrapped_key = (SELECT wrapped_key FROM person WHERE id = 'bob') WHERE id = 'ada'"),
  );
  t.same(keys.counts, [0, 2]);
  t.end();
});

t.test('another connection sees a change without reopening', (t) => {
  const directory = folder(t);
  using daemon = openTestStore(directory);
  using verb = openTestStore(directory);
  const before = daemon.gallery(space);
  t.equal(daemon.version, before.version);
  enrolMadeUp(verb, 'Ada');
  t.ok(daemon.version > before.version);
  t.equal(daemon.gallery(space).people.length, 1);
  t.equal(daemon.gallery(space).version, verb.version);
  const { version } = daemon;
  verb.setSetting('recognition', 'off');
  t.equal(daemon.version, version, 'a setting does not change the gallery');
  t.equal(daemon.setting('recognition'), 'off');
  verb.setSetting('recognition', null);
  t.equal(daemon.setting('recognition'), null);
  t.end();
});

t.test('a database that cannot be used is refused with advice', (t) => {
  const code = (directory: string): unknown => {
    try {
      openTestStore(directory).close();
      return null;
    } catch (error) {
      return error instanceof RoomkinError ? `${error.code} ${error.message}` : error;
    }
  };
  const newer = folder(t);
  openTestStore(newer).close();
  const database = new Database(join(newer, 'gallery.sqlite'));
  database.pragma('user_version = 99');
  database.close();
  const before = readFileSync(join(newer, 'gallery.sqlite'));
  t.match(code(newer), /^DATABASE .*gallery\.sqlite was written by a newer roomkin \(schema 99.*upgrade roomkin/);
  t.ok(before.equals(readFileSync(join(newer, 'gallery.sqlite'))), 'the file is unchanged');

  const text = folder(t);
  writeFileSync(join(text, 'gallery.sqlite'), 'this is not a database, and long enough for SQLite to read it');
  t.match(code(text), /^DATABASE .*not a gallery/);

  t.match(code(join(text, 'gallery.sqlite', 'below')), /^DATABASE .*\[store\] directory/);

  const open = folder(t);
  openTestStore(open).close();
  chmodSync(join(open, 'gallery.sqlite'), 0o644);
  t.equal(code(open), null);
  t.equal(statSync(join(open, 'gallery.sqlite')).mode & 0o777, 0o600, 'other users can no longer read it');
  t.end();
});
