import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { openStore } from '../../src/store/gallery-store.js';
import { runVerb } from '../helpers/cli.js';
import { enrolMadeUp, openTestStore, space } from '../sharing/household.js';
import { at, errors, json, names, roomkin, writeConfig } from './place.js';

t.setTimeout(180_000);
{
  using store = openTestStore(at('store'));
  for (const name of ['Ada Ünal', 'Bob', 'Cy']) enrolMadeUp(store, name);
}

t.test('people, show, rename and forget', async (t) => {
  t.match((await json('people')).document, {
    people: [{ person: 'ada-unal', name: 'Ada Ünal', templates: 2, usable: 0 }, { person: 'bob' }, { person: 'cy' }],
    strangers: 0,
  });
  t.match((await roomkin('people')).stdout, /^Ada Ünal \(ada-unal\) +0 of 2 photos usable, since .*: enrol again/);
  t.match((await json('show', 'CY')).document, {
    person: 'cy',
    name: 'Cy',
    templates: [{ quality: { eyesPx: 60 } }, {}],
  });
  t.match((await json('rename', 'cy', 'Cyrus')).document, { person: 'cy', from: 'Cy', name: 'Cyrus' });
  t.match(errors(await roomkin('rename', 'Cyrus', 'bob')), [/^roomkin: PERSON_EXISTS: /]);
  const asked = await roomkin('forget', 'Cyrus');
  t.equal(asked.code, 64, 'no terminal to ask');
  t.match(errors(asked), [/--yes/]);
  t.match((await json('forget', 'Cyrus', '--yes')).document, { person: 'cy', name: 'Cyrus', forgotten: true });
  const bytes = Buffer.concat(
    readdirSync(at('store'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => readFileSync(join(parentPath, name))),
  );
  t.ok(bytes.includes('Bob'));
  t.notOk(bytes.includes('Cyrus'));
});

t.test('an open store of another process sees the change of a verb', async (t) => {
  using daemon = openStore({ directory: at('store'), keyFile: at('store', 'key') });
  const { version } = daemon;
  t.equal((await roomkin('rename', 'bob', 'Bobby')).code, 0);
  t.ok(daemon.version > version);
  t.ok(daemon.gallery(space).people.some(({ name }) => name === 'Bobby'));
});

t.test('a backup brings the household to another card', async (t) => {
  writeFileSync(at('passphrase'), 'five random words are good\n');
  writeFileSync(at('wrong'), 'five random words are bad\n');
  const backup = at('household.backup');
  t.match((await json('export', backup, '--passphrase-file', at('passphrase'))).document, { people: 2 });
  t.equal((await roomkin('export', backup, '--passphrase-file', at('passphrase'))).code, 74, 'nothing is overwritten');
  t.equal((await roomkin('export', at('other'))).code, 64, 'no terminal to ask for the passphrase');
  const card = writeConfig('card.toml', at('card'));
  const refused = await runVerb(['import', backup, '--passphrase-file', at('wrong'), '--config', card]);
  t.equal(refused.code, 65);
  t.match(errors(refused), [/^roomkin: BACKUP_REFUSED: .*passphrase/]);
  t.equal((await runVerb(['import', backup, '--passphrase-file', at('passphrase'), '--config', card])).code, 0);
  using from = openTestStore(at('store'));
  using to = openTestStore(at('card'));
  const templatesOf = (store: typeof from): unknown =>
    store.gallery(space).people.map(({ id, name, templates }) => [id, name, templates.map(({ vector }) => vector)]);
  t.same(templatesOf(to), templatesOf(from));
  t.notSame(readFileSync(at('card', 'key')), readFileSync(at('store', 'key')), 'the new card has a key of its own');
});

t.test('a gallery that vanished beside its key is an error for every verb', async (t) => {
  const lost = writeConfig('lost.toml', at('lost'));
  {
    using store = openTestStore(at('lost'));
    enrolMadeUp(store, 'Ada');
  }
  renameSync(at('lost', 'gallery.sqlite'), at('elsewhere.sqlite'));
  const advice = /is missing, but .*key and .*snapshots are there: restore the snapshot with `cp .*`, or remove these/;
  for (const args of [['people'], ['forget', 'Ada', '--yes'], ['enrol', 'Ada', '--photos', at('wrong')], ['run']]) {
    const result = await runVerb([...args, '--config', lost]);
    t.equal(result.code, 74, args.join(' '));
    t.match(errors(result), [advice], args.join(' '));
  }
  const checked = await runVerb(['check', '--json', '--config', lost]);
  const { checks } = JSON.parse(checked.stdout);
  t.match(
    checks.filter(({ check }: { check: string }) => check === 'gallery'),
    [{ state: 'fail', advice }],
  );
});

t.test('an invalid command line ends with one line and the right code', async (t) => {
  mkdirSync(at('photos', 'below'), { recursive: true });
  writeFileSync(at('photos', 'ada.jpg'), 'no picture');
  const cases: [string[], number, RegExp][] = [
    [['enrol'], 64, /USAGE/],
    [['enrol', 'Ada'], 64, /USAGE: one of --photos, --phone, --live and --from/],
    [['enrol', 'a\nb', '--live'], 65, /NAME_REFUSED: /],
    [['enrol', 'Ada', '--live', '--from', 'x'], 64, /USAGE: one of --photos/],
    [['enrol', '--photos', at('photos', 'ada.jpg')], 64, /USAGE: one NAME is needed/],
    [['enrol', 'Ada', '--fotos', 'x'], 64, /USAGE: unknown option '--fotos'/],
    [['enrol', '../x', '--photos', at('photos', 'ada.jpg')], 65, /NAME_REFUSED: /],
    [['enrol', 'a\nb', '--photos', at('photos', 'ada.jpg')], 65, /NAME_REFUSED: /],
    [['enrol', 'x'.repeat(65_536), '--photos', at('photos', 'ada.jpg')], 65, /NAME_REFUSED: /],
    [['enrol', 'Unknown', '--photos', at('photos', 'ada.jpg')], 65, /NAME_REFUSED: /],
    [['enrol', '--from', at('nowhere')], 65, /PHOTO_UNREADABLE: /],
    [['enrol', '--from', at('store')], 65, /FOLDER_EMPTY: /],
    [['enrol', 'Ada', '--photos', at('photos', 'below')], 65, /FOLDER_EMPTY: /],
    [['enrol', at('photos', 'ada.jpg'), '--photos', at('photos')], 64, /USAGE: one NAME is needed before --photos/],
    [
      ['enrol', 'Ada', 'Lovelace', '--photos', at('photos')],
      64,
      /USAGE: one NAME is needed .*quotes.*Lovelace is not expected/,
    ],
    [['show', 'Nobody at all'], 65, /PERSON_UNKNOWN: nobody is called Nobody at all: see roomkin people$/],
    [['show', 'Ada Unel'], 65, /PERSON_UNKNOWN: nobody is called Ada Unel: did you mean Ada Ünal\?$/],
    [['import', at('passphrase'), '--passphrase-file', at('passphrase')], 65, /BACKUP_REFUSED: .*not a backup/],
    [['import', at('nowhere')], 65, /BACKUP_REFUSED: .*ENOENT/],
  ];
  const before = await names();
  const results = await Promise.all(cases.map(([args]) => roomkin(...args)));
  for (const [index, [args, code, line]] of cases.entries()) {
    const result = results[index]!;
    const label = args.map((arg) => JSON.stringify(arg.slice(0, 20))).join(' ');
    t.equal(result.code, code, label);
    t.equal(errors(result).length, 1, label);
    t.match(errors(result)[0], line, label);
    t.equal(result.stdout, '', label);
  }
  t.same(await names(), before);
});

t.test('a store that cannot be opened is reported before any photo is analysed', async (t) => {
  const blocked = writeConfig('blocked.toml', at('photos', 'ada.jpg'));
  const result = await runVerb(['enrol', 'Ada', '--photos', at('photos', 'ada.jpg'), '--config', blocked]);
  t.equal(result.code, 74);
  t.match(errors(result), [/^roomkin: DATABASE: .*\[store\] directory/]);
});
