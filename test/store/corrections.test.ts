import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import t from 'tap';
import { restoreArchive, writeArchive } from '../../src/store/archive.js';
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

type TestStore = ReturnType<typeof openTestStore>;
const ada = (store: TestStore) => store.gallery(space).people.find(({ id }) => id === 'ada')!;
const negativeTemplates = (store: TestStore): unknown[] =>
  (ada(store).negativeTemplates ?? []).map(({ id, vector }) => [id, vector]);

t.test('corrections survive a restart and can be undone', async (t) => {
  const directory = folder(t);
  {
    using store = openTestStore(directory, { wallMs: () => 5_000 });
    enrolMadeUp(store, 'Ada', 2);
    const corrections = store.change((changes) => [
      changes.addNegativeTemplate('ada', madeUpTemplate('not her')),
      changes.addCorrectedTemplate('ada', madeUpTemplate('her')),
    ]);
    t.match(corrections, [
      { id: 1, person: 'ada', template: null, createdAtMs: 5_000 },
      { id: 2, person: 'ada', template: 3 },
    ]);
  }
  using store = openTestStore(directory);
  t.same(negativeTemplates(store), [[1, madeUpVector('not her')]]);
  t.same(
    ada(store).templates.map(({ id, corrected }) => [id, corrected]),
    [
      [1, undefined],
      [2, undefined],
      [3, true],
    ],
  );
  t.same(store.gallery('another-space').people[0]?.negativeTemplates, []);
  t.same(
    store.find('ada').templates.map(({ correction }) => correction),
    [null, null, 2],
  );
  const { version } = store;
  t.match(
    store.change((changes) => changes.undo(2)),
    { id: 2, template: 3 },
  );
  t.match(
    store.change((changes) => changes.undo(1)),
    { id: 1, template: null },
  );
  t.ok(store.version > version, 'the daemon sees the change');
  t.equal(ada(store).templates.length, 2);
  t.same(negativeTemplates(store), []);
  t.throws(() => store.change((changes) => changes.undo(1)), { code: 'CORRECTION_UNKNOWN', message: /--list/ });
  const again = store.change((changes) => changes.addNegativeTemplate('ada', madeUpTemplate('not her')));
  t.equal(again?.id, 3, 'the id of an undone correction is not reused');
});

t.test('a repeated correction changes nothing; the opposite one must be undone first', async (t) => {
  using store = openTestStore(folder(t));
  enrolMadeUp(store, 'Ada', 2);
  const face = madeUpTemplate('face');
  t.ok(store.change((changes) => changes.addNegativeTemplate('ada', face)));
  t.equal(
    store.change((changes) => changes.addNegativeTemplate('ada', face)),
    null,
  );
  t.throws(() => store.change((changes) => changes.addCorrectedTemplate('ada', face)), {
    code: 'CORRECTION_REFUSED',
    message: /is not Ada: roomkin correct --undo 1 first/,
  });
  enrolMadeUp(store, 'Ben', 2);
  t.ok(
    store.change((changes) => changes.addCorrectedTemplate('ben', face)),
    'the face may be a template of another person',
  );
  t.equal(
    store.change((changes) => changes.addCorrectedTemplate('ben', face)),
    null,
  );
  store.change((changes) => changes.disable([5]));
  t.equal(
    store.change((changes) => changes.addCorrectedTemplate('ben', face)),
    null,
  );
  t.equal(store.gallery(space).people[1]?.templates.length, 3, 'a disabled template is enabled again');
  t.throws(() => store.change((changes) => changes.addNegativeTemplate('ben', face)), {
    message: /is Ben: .*--undo 2/,
  });
  t.throws(() => store.change((changes) => changes.addNegativeTemplate('eve', face)), { code: 'PERSON_UNKNOWN' });
});

t.test('a template from a correction does not count as a photo', async (t) => {
  using store = openTestStore(folder(t));
  enrolMadeUp(store, 'Ada', 1);
  store.change((changes) => changes.addCorrectedTemplate('ada', madeUpTemplate('observation')));
  t.throws(() => store.change((changes) => changes.disable([1])), { code: 'PHOTO_NEEDED' });
  store.change((changes) => changes.disable([2]));
  t.equal(ada(store).templates.length, 1);
});

t.test('a negative template cannot become a template by changing the database', async (t) => {
  const directory = folder(t);
  {
    using store = openTestStore(directory);
    enrolMadeUp(store, 'Ada', 2);
    store.change((changes) => changes.addNegativeTemplate('ada', madeUpTemplate('not her')));
  }
  const database = new Database(join(directory, 'gallery.sqlite'));
  database.exec('UPDATE template SET sealed = (SELECT sealed FROM correction) WHERE id = 1');
  database.close();
  rmSync(join(directory, 'snapshots'), { recursive: true });
  const damage: string[] = [];
  using store = openTestStore(directory, { onDamage: (line) => damage.push(line) });
  t.equal(ada(store).templates.length, 1);
  t.match(damage, [/^what is stored about Ada .* was altered/, /^template 1 of ada /]);
});

t.test('a backup contains corrections, --replace replaces them, and forgetting erases them', async (t) => {
  const directory = folder(t);
  using from = openTestStore(directory);
  enrolMadeUp(from, 'Ada', 2);
  from.change((changes) => {
    changes.addNegativeTemplate('ada', madeUpTemplate('not her'));
    changes.addCorrectedTemplate('ada', madeUpTemplate('her'));
  });
  const text = writeArchive(from);
  using to = openTestStore(folder(t));
  enrolMadeUp(to, 'Ada', 1);
  to.change((changes) => changes.addNegativeTemplate('ada', madeUpTemplate('other')));
  t.match(restoreArchive(to, text, 'f', true), { people: [{ templates: 3 }] });
  t.same(
    ada(to).templates.map(({ vector, corrected }) => [vector, corrected ?? false]),
    [
      [madeUpVector('Ada/0'), false],
      [madeUpVector('Ada/1'), false],
      [madeUpVector('her'), true],
    ],
  );
  t.same(
    ada(to).negativeTemplates?.map(({ vector }) => vector),
    [madeUpVector('not her')],
  );
  const old = JSON.parse(text);
  for (const person of old.people) {
    delete person.rejections;
    for (const template of person.templates) delete template.corrected;
  }
  using older = openTestStore(folder(t));
  t.match(restoreArchive(older, JSON.stringify(old), 'f', false), { people: [{ templates: 3 }] });

  const database = new Database(join(directory, 'gallery.sqlite'), { readonly: true });
  t.teardown(() => database.close());
  const sealed = database.prepare('SELECT sealed FROM correction WHERE id = 1').pluck().get() as Buffer;
  const bytes = (): Buffer =>
    Buffer.concat(
      readdirSync(directory, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map(({ parentPath, name }) => readFileSync(join(parentPath, name))),
    );
  t.ok(bytes().includes(sealed));
  t.notOk(bytes().includes(Buffer.from(madeUpVector('not her').buffer).subarray(0, 8)), 'sealed, not in the clear');
  t.equal(from.forget('ada'), true);
  t.notOk(bytes().includes(sealed));
  t.same(from.corrections(), []);
});
