import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import t from 'tap';
import { restoreArchive, writeArchive } from '../../src/store/archive.js';
import { migrations } from '../../src/store/schema.js';
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

const inUse = (store: ReturnType<typeof openTestStore>): number[] =>
  store.gallery(space).people.flatMap(({ templates }) => templates.map(({ id }) => id));

t.test('a disabled photo gives no name, stays stored and can be enabled again', async (t) => {
  const directory = folder(t);
  {
    using store = openTestStore(directory, { wallMs: () => 1_000 });
    enrolMadeUp(store, 'Ada', 3);
    store.change((changes) => changes.disable([2]));
    t.same(inUse(store), [1, 3]);
  }
  using store = openTestStore(directory);
  t.same(
    store.find('ada').templates.map(({ setAsideAtMs }) => setAsideAtMs),
    [null, 1_000, null],
    'also after a restart',
  );
  const { version } = store;
  store.change((changes) => changes.disable([2]));
  t.equal(store.find('ada').templates[1]?.setAsideAtMs, 1_000, 'disabling it again changes nothing');
  t.ok(store.version > version);
  store.change((changes) => changes.enable([2, 1]));
  t.same(inUse(store), [1, 2, 3]);
  t.same(store.gallery(space).people[0]?.templates[1]?.vector, madeUpVector('Ada/1'));
});

t.test('all given photos are disabled or none, and every person keeps a photo in use', async (t) => {
  using store = openTestStore(folder(t));
  enrolMadeUp(store, 'Ada', 2);
  enrolMadeUp(store, 'Ben', 2);
  const assertRefused = (ids: number[], code: string, message: RegExp): void => {
    t.throws(() => store.change((changes) => changes.disable(ids)), { code, message });
    t.same(inUse(store), [1, 2, 3, 4]);
  };
  assertRefused([1, 99], 'PHOTO_UNKNOWN', /no photo 99: .*--check.*show NAME.*nothing was changed/);
  assertRefused([3, 1, 2], 'PHOTO_NEEDED', /Ada would have none in use: .*forget "Ada"/);
  t.throws(() => store.change((changes) => changes.enable([99])), { code: 'PHOTO_UNKNOWN' });
  store.change((changes) => changes.addTemplate('ada', { ...madeUpTemplate('x'), space: 'another-space' }));
  assertRefused([1, 2], 'PHOTO_NEEDED', /none in use/);
});

t.test('enrolling the same photo again enables it, another photo does not', async (t) => {
  using store = openTestStore(folder(t));
  enrolMadeUp(store, 'Ada', 2);
  store.change((changes) => changes.disable([2]));
  store.change((changes) => t.equal(changes.addTemplate('ada', madeUpTemplate('new')), true));
  t.same(inUse(store), [1, 3]);
  store.change((changes) => t.equal(changes.addTemplate('ada', madeUpTemplate('Ada/1')), true));
  t.same(inUse(store), [1, 2, 3]);
  store.change((changes) => t.equal(changes.addTemplate('ada', madeUpTemplate('Ada/1')), false));
});

t.test('a backup contains disabled photos, and forgetting erases them', async (t) => {
  const directory = folder(t);
  using from = openTestStore(directory);
  enrolMadeUp(from, 'Ada', 3);
  from.change((changes) => changes.disable([2]));
  using to = openTestStore(folder(t));
  restoreArchive(to, writeArchive(from), 'f', false);
  t.equal(to.find('ada').templates.length, 3);
  t.same(
    to.gallery(space).people[0]?.templates.map(({ vector }) => vector),
    [madeUpVector('Ada/0'), madeUpVector('Ada/2')],
  );
  const database = new Database(join(directory, 'gallery.sqlite'), { readonly: true });
  t.teardown(() => database.close());
  const sealed = database.prepare('SELECT sealed FROM template WHERE id = 2').pluck().get() as Buffer;
  const bytes = (): Buffer =>
    Buffer.concat(
      readdirSync(directory, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map(({ parentPath, name }) => readFileSync(join(parentPath, name))),
    );
  t.ok(bytes().includes(sealed));
  t.equal(from.forget('ada'), true);
  t.notOk(bytes().includes(sealed));
});

t.test('a gallery of the first schema opens with all its photos in use', async (t) => {
  const directory = folder(t);
  {
    // A file of the first roomkin: the present file without the later tables and columns.
    using store = openTestStore(directory);
    enrolMadeUp(store, 'Ada', 2);
    store.change((changes) => changes.addToCohort(madeUpTemplate('somebody')));
  }
  const path = join(directory, 'gallery.sqlite');
  const present = new Database(path);
  const old = new Database(':memory:');
  old.exec(migrations[0]!);
  for (const table of ['meta', 'person', 'template', 'stranger']) {
    const columns = (old.pragma(`table_info(${table})`) as { name: string }[]).map(({ name }) => name).join(', ');
    old.exec(`DELETE FROM ${table}`);
    for (const row of present.prepare(`SELECT ${columns} FROM ${table}`).raw().all() as unknown[][])
      old.prepare(`INSERT INTO ${table} (${columns}) VALUES (${row.map(() => '?').join(', ')})`).run(row);
  }
  present.close();
  old.pragma('user_version = 1');
  rmSync(path);
  await old.backup(path);
  old.close();

  const damage: string[] = [];
  using store = openTestStore(directory, { onDamage: (line) => damage.push(line) });
  t.same(damage, []);
  t.same(inUse(store), [1, 2]);
  t.same(store.corrections(), []);
  t.equal(store.gallery(space).cohort.length, 1);
  store.change((changes) => changes.disable([1]));
  t.same(inUse(store), [2]);
  const after = new Database(path, { readonly: true });
  t.equal(after.pragma('user_version', { simple: true }), migrations.length);
  after.close();
});
