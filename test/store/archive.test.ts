import { rmSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { openBackup, restoreArchive, sealBackup, writeArchive } from '../../src/store/archive.js';
import type { Store } from '../../src/store/store.js';
import {
  enrolMadeUp,
  madeUpTemplate,
  madeUpVector,
  openTestStore,
  space,
  temporaryFolder,
} from '../sharing/household.js';

const folder = temporaryFolder();
t.teardown(() => rmSync(folder, { recursive: true }));
let stores = 0;
const emptyStore = (): Store => openTestStore(join(folder, String(++stores)));

t.test('a backup opens with its passphrase alone', (t) => {
  const sealed = sealBackup('{"secret":"text"}', 'five random words are good');
  t.notOk(sealed.includes('secret'));
  t.equal(openBackup(sealed, 'five random words are good', 'f'), '{"secret":"text"}');
  t.throws(() => openBackup(sealed, 'five random words are bad', 'f'), {
    code: 'BACKUP_REFUSED',
    message: /wrong or .* damaged/,
  });
  const changed = Buffer.from(sealed);
  changed[changed.length - 1]! ^= 1;
  t.throws(() => openBackup(changed, 'five random words are good', 'f'), { code: 'BACKUP_REFUSED' });
  t.throws(() => openBackup(sealed.subarray(0, 60), 'five random words are good', 'f'), { code: 'BACKUP_REFUSED' });
  t.throws(() => openBackup(Buffer.alloc(0), 'x', 'f'), { code: 'BACKUP_REFUSED', message: /not a backup/ });
  t.throws(() => openBackup(Buffer.from('roomkin-backup 2 ...'), 'x', 'f'), {
    code: 'BACKUP_REFUSED',
    message: /newer/,
  });
  t.throws(() => sealBackup('x', 'too short'), { code: 'USAGE' });
  t.end();
});

t.test('a whole gallery is restored in another store', (t) => {
  using from = emptyStore();
  enrolMadeUp(from, 'Ada', 3);
  enrolMadeUp(from, 'Zoë', 1);
  from.change((changes) => changes.rename('ada', 'Mrs Lovelace'));
  from.change((changes) => changes.addToCohort(madeUpTemplate('somebody')));
  using to = emptyStore();
  const result = restoreArchive(to, writeArchive(from), 'f', false);
  t.same(result, {
    people: [
      { person: 'ada', name: 'Mrs Lovelace', templates: 3 },
      { person: 'zoe', name: 'Zoë', templates: 1 },
    ],
    kept: [],
    strangers: 1,
  });
  t.same(
    to.gallery(space).people.map(({ id, name, templates }) => [id, name, templates.map(({ vector }) => vector)]),
    from.gallery(space).people.map(({ id, name, templates }) => [id, name, templates.map(({ vector }) => vector)]),
  );
  t.same(to.gallery(space).cohort, [madeUpVector('somebody')]);
  t.end();
});

t.test('people who are enrolled already are never merged with those of a backup', (t) => {
  using from = emptyStore();
  enrolMadeUp(from, 'Ada', 3);
  from.change((changes) => changes.addToCohort(madeUpTemplate('somebody')));
  const text = writeArchive(from);
  using to = emptyStore();
  to.change((changes) => changes.addTemplate(changes.person('ada'), madeUpTemplate('another')));
  t.same(restoreArchive(to, text, 'f', false).kept, ['ada']);
  t.equal(to.gallery(space).people[0]?.templates.length, 1);
  t.equal(restoreArchive(to, text, 'f', true).people.length, 1);
  t.same(
    to.gallery(space).people[0]?.templates.map(({ vector }) => vector),
    [0, 1, 2].map((i) => madeUpVector(`Ada/${i}`)),
  );
  t.equal(to.gallery(space).cohort.length, 1, 'a face of the cohort is not duplicated');
  t.end();
});

t.test('an id in use is not given to a second person', (t) => {
  using from = emptyStore();
  enrolMadeUp(from, 'Ada');
  using to = emptyStore();
  enrolMadeUp(to, 'Ada');
  to.change((changes) => changes.rename('ada', 'Bob'));
  t.same(restoreArchive(to, writeArchive(from), 'f', false).people[0]?.person, 'ada-2');
  t.end();
});

t.test('a document that is not a complete gallery changes nothing', (t) => {
  using from = emptyStore();
  enrolMadeUp(from, 'Ada');
  const good = JSON.parse(writeArchive(from));
  const damaged = (change: (document: typeof good) => void): string => {
    const copy = structuredClone(good);
    change(copy);
    return JSON.stringify(copy);
  };
  using to = emptyStore();
  const { version } = to;
  for (const text of [
    'not JSON',
    '[]',
    damaged((document) => delete document.strangers),
    damaged((document) => {
      document.people[0].templates[0].vector = 'AAAA';
    }),
    damaged((document) => {
      document.people[0].templates[0].vector = Buffer.alloc(768).toString('base64');
    }),
    damaged((document) => {
      document.people[0].templates[1].quality.eyesPx = 'many';
    }),
  ])
    t.throws(() => restoreArchive(to, text, 'f', false), { code: 'BACKUP_REFUSED' });
  const hostile = damaged((document) => {
    document.people.push({ id: 'x', name: 'a/#/b', templates: [] });
  });
  t.throws(() => restoreArchive(to, hostile, 'f', false), { code: 'NAME_REFUSED' });
  t.same(to.people(), []);
  t.equal(to.version, version);
  t.end();
});
