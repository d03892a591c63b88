import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import t from 'tap';
import { packageRoot } from '../../src/base/package-root.js';
import { openStore } from '../../src/store/gallery-store.js';
import { type CliResult, runCli } from '../helpers/cli.js';

t.setTimeout(180_000);

const folder = mkdtempSync(join(tmpdir(), 'roomkin-verbs-'));
t.teardown(() => rmSync(folder, { recursive: true }));
const at = (...names: string[]): string => join(folder, ...names);
const sample = (number: number): string =>
  join(packageRoot, 'node_modules', '@vladmandic', 'face-api', 'demo', `sample${number}.jpg`);

writeFileSync(
  at('config.toml'),
  `[room]\nid = "office"\n[mqtt]\nurl = "mqtt://127.0.0.1:1"\n[store]\ndirectory = "${at('store')}"\n`,
);
const roomkin = (...args: string[]): Promise<CliResult> => runCli([...args, '--config', at('config.toml')]);
const json = async (...args: string[]): Promise<{ code: number | null; document: ReturnType<typeof JSON.parse> }> => {
  const { code, stdout } = await roomkin(...args, '--json');
  return { code, document: JSON.parse(stdout) };
};
/** The error lines, without progress. */
const errors = ({ stderr }: CliResult): string[] => stderr.split('\n').filter((line) => line.startsWith('roomkin: '));
const names = async (): Promise<string[]> =>
  (await json('people')).document.people.map(({ name }: { name: string }) => name);

/** Single people, cut out of the sample pictures of a package; each also mirrored and darker, as a second photo. */
const portraits = {
  ada: { number: 5, box: { left: 180, top: 740, width: 560, height: 560 } },
  bob: { number: 6, box: { left: 1400, top: 130, width: 480, height: 560 } },
  cy: { number: 1, box: { left: 150, top: 180, width: 600, height: 640 } },
};
mkdirSync(at('photos'));
for (const [name, { number, box }] of Object.entries(portraits)) {
  const cut = sharp(sample(number)).extract(box);
  await cut
    .clone()
    .jpeg()
    .toFile(at('photos', `${name}-1.jpg`));
  await cut
    .clone()
    .flop()
    .modulate({ brightness: 0.8 })
    .jpeg()
    .toFile(at('photos', `${name}-2.jpg`));
}
const photo = (name: string): string => at('photos', `${name}.jpg`);

t.test('a person is enrolled from photos, and recognised in another one', async (t) => {
  const { code, document } = await json('enrol', 'Ada Ünal', '--photos', photo('ada-1'));
  t.equal(code, 0);
  t.match(document, {
    people: [{ person: 'ada-unal', name: 'Ada Ünal', photos: 1, added: 1, templates: 1 }],
    strangers: 0,
  });
  const again = await json('enrol', 'ada ünal', '--photos', photo('ada-1'));
  t.match(again.document.people[0], { person: 'ada-unal', added: 0, redundant: 1, templates: 1 });

  const found = await json('identify', photo('ada-2'), photo('bob-1'), sample(5));
  t.equal(found.code, 0);
  const [ada, bob, group] = found.document.files;
  t.match(ada.faces, [{ person: 'ada-unal', name: 'Ada Ünal', state: 'known', rule: String }]);
  t.ok(ada.faces[0].similarity > 0.6);
  t.equal(ada.faces[0].second, null);
  t.match(bob.faces, [{ person: null, name: null }]);
  t.equal(
    group.faces.filter(({ person }: { person: string | null }) => person === 'ada-unal').length,
    1,
    'one face has the name',
  );
  const [x, y, width, height] = group.faces.find(({ person }: { person: string | null }) => person).box;
  t.ok(x > 180 && x + width < 740 && y > 740 && y + height < 1300, 'where she is in the picture');
});

t.test('one bad photo among good ones: each is named, nothing is enrolled', async (t) => {
  writeFileSync(at('photos', 'empty.jpg'), '');
  writeFileSync(at('photos', 'text.jpg'), 'no picture');
  writeFileSync(at('photos', 'cut.jpg'), readFileSync(photo('bob-1')).subarray(0, 20_000));
  await sharp({ create: { width: 300, height: 300, channels: 3, background: '#888888' } })
    .jpeg()
    .toFile(photo('wall'));
  const before = await names();
  const bad = ['empty', 'text', 'cut', 'wall', 'missing'].map(photo);
  const refused = await roomkin('enrol', 'Bob', '--photos', photo('bob-1'), ...bad, sample(1));
  t.equal(refused.code, 65);
  t.equal(refused.stdout, '');
  const lines = errors(refused);
  t.match(lines[0], /^roomkin: PHOTO_UNREADABLE: 6 of 7 photos cannot be used; nothing was enrolled/);
  for (const [index, [code, path]] of [
    ['PHOTO_UNREADABLE', photo('empty')],
    ['PHOTO_UNREADABLE', photo('text')],
    ['PHOTO_UNREADABLE', photo('cut')],
    ['PHOTO_NO_FACE', photo('wall')],
    ['PHOTO_UNREADABLE', photo('missing')],
    ['PHOTO_TWO_FACES', sample(1)],
  ].entries())
    t.ok(lines[index + 1]?.startsWith(`roomkin: ${code}: ${path} `), String(lines[index + 1]));
  t.equal(lines.length, 7);
  t.same(await names(), before);

  const one = await roomkin('enrol', 'Bob', '--photos', photo('bob-1'), photo('empty'));
  t.equal(one.code, 65);
  t.equal(errors(one).length, 1);
  t.match(errors(one)[0], /^roomkin: PHOTO_UNREADABLE: .*empty\.jpg is empty.*nothing was enrolled/);
  t.same(await names(), before);

  const skipped = await json('enrol', 'Bob', '--photos', photo('bob-1'), photo('empty'), '--skip-bad');
  t.equal(skipped.code, 0);
  t.match(skipped.document, {
    people: [{ person: 'bob', added: 1 }],
    skipped: [{ file: photo('empty'), code: 'PHOTO_UNREADABLE' }],
  });
});

t.test('the same person under a second name is refused, unless forced', async (t) => {
  const refused = await roomkin('enrol', 'Robert', '--photos', photo('bob-2'));
  t.equal(refused.code, 65);
  t.match(errors(refused), [/^roomkin: PERSON_TOO_ALIKE: the photos of Robert look like Bob, who is enrolled/]);
  t.notOk((await names()).includes('Robert'));
  t.equal((await roomkin('enrol', 'Robert', '--photos', photo('bob-2'), '--force')).code, 0);
  const found = await json('identify', photo('bob-2'));
  t.match(found.document.files[0].faces, [{ person: null, state: 'ambiguous' }], 'and then neither is named');
  t.equal((await roomkin('forget', 'Robert', '--yes')).code, 0);
});

t.test('a folder of folders is a household', async (t) => {
  for (const name of ['Cy', 'unknown', '.git']) mkdirSync(at('from', name), { recursive: true });
  writeFileSync(at('from', 'notes.txt'), 'not a folder');
  for (const number of [1, 2]) writeFileSync(at('from', 'Cy', `${number}.jpg`), readFileSync(photo(`cy-${number}`)));
  writeFileSync(at('from', 'unknown', 'group.jpg'), readFileSync(sample(2)));
  const { code, document } = await json('enrol', '--from', at('from'));
  t.equal(code, 0);
  t.match(document.people, [{ person: 'cy', name: 'Cy', photos: 2, added: 2 }]);
  t.ok(document.strangers >= 2);
  t.match(await json('people'), { document: { strangers: document.strangers } });
  const found = await json('identify', sample(2));
  t.same(
    found.document.files[0].faces.filter(({ person }: { person: string | null }) => person),
    [],
  );
});

t.test('show, rename and forget', async (t) => {
  t.match((await json('show', 'CY')).document, {
    person: 'cy',
    name: 'Cy',
    templates: [{ quality: { eyesPx: Number } }, {}],
  });
  t.match((await json('rename', 'cy', 'Cyrus')).document, { person: 'cy', from: 'Cy', name: 'Cyrus' });
  t.equal((await roomkin('rename', 'Cyrus', 'bob')).code, 65);
  t.match(errors(await roomkin('rename', 'Cyrus', 'a/#')), [/^roomkin: NAME_REFUSED: /]);
  const asked = await roomkin('forget', 'Cyrus');
  t.equal(asked.code, 64, 'no terminal to ask');
  t.match(errors(asked), [/--yes/]);
  t.match((await json('forget', 'Cyrus', '--yes')).document, { person: 'cy', name: 'Cyrus', forgotten: true });
  t.match(errors(await roomkin('forget', 'Cyrus', '--yes')), [/^roomkin: PERSON_UNKNOWN: /]);
  const bytes = Buffer.concat(readdirSync(at('store')).map((name) => readFileSync(at('store', name))));
  t.notOk(bytes.includes('Cyrus'));
});

t.test('a backup brings the household to another card', async (t) => {
  writeFileSync(at('passphrase'), 'five random words are good\n');
  writeFileSync(at('wrong'), 'five random words are bad\n');
  const backup = at('household.backup');
  t.match((await json('export', backup, '--passphrase-file', at('passphrase'))).document, { people: 2 });
  t.equal((await roomkin('export', backup, '--passphrase-file', at('passphrase'))).code, 74, 'nothing is overwritten');
  t.equal((await roomkin('export', at('other'))).code, 64, 'no terminal to ask for the passphrase');
  writeFileSync(at('card.toml'), readFileSync(at('config.toml'), 'utf8').replace(at('store'), at('card')));
  const onCard = (...args: string[]): Promise<CliResult> => runCli([...args, '--config', at('card.toml')]);
  const refused = await onCard('import', backup, '--passphrase-file', at('wrong'));
  t.equal(refused.code, 65);
  t.match(errors(refused), [/^roomkin: BACKUP_REFUSED: .*passphrase/]);
  t.equal((await onCard('import', backup, '--passphrase-file', at('passphrase'))).code, 0);
  const found = JSON.parse((await onCard('identify', photo('ada-2'), '--json')).stdout);
  t.match(found.files[0].faces, [{ person: 'ada-unal', state: 'known' }]);
});

t.test('hostile command lines end with one line and the right code', async (t) => {
  const cases: [string[], number, RegExp][] = [
    [['enrol'], 64, /USAGE/],
    [['enrol', 'Ada'], 64, /USAGE: either --photos or --from/],
    [['enrol', '--photos', photo('ada-1')], 64, /USAGE: one NAME is needed/],
    [['enrol', 'Ada', 'B', '--photos', photo('ada-1')], 64, /USAGE: one NAME is needed/],
    [['enrol', '--from', at('photos'), 'x'], 64, /USAGE: with --from/],
    [['enrol', 'Ada', '--photos'], 64, /USAGE/],
    [['enrol', 'Ada', '--fotos', 'x'], 64, /USAGE: Unknown option '--fotos'/],
    [['enrol', '../x', '--photos', photo('ada-1')], 65, /NAME_REFUSED: /],
    [['enrol', 'a\nb', '--photos', photo('ada-1')], 65, /NAME_REFUSED: /],
    [['enrol', 'x'.repeat(65_536), '--photos', photo('ada-1')], 65, /NAME_REFUSED: /],
    [['enrol', 'Unknown', '--photos', photo('ada-1')], 65, /NAME_REFUSED: /],
    [['enrol', '--from', at('nowhere')], 65, /PHOTO_UNREADABLE: /],
    [['enrol', '--from', at('store')], 65, /FOLDER_EMPTY: /],
    [['enrol', 'Ada', '--photos', at('from')], 65, /FOLDER_EMPTY: /],
    [['people', 'x'], 64, /USAGE/],
    [['show'], 64, /USAGE/],
    [['show', 'Nobody at all'], 65, /PERSON_UNKNOWN: /],
    [['identify'], 64, /USAGE/],
    [['import', at('passphrase'), '--passphrase-file', at('passphrase')], 65, /BACKUP_REFUSED: .*not a backup/],
    [['import', at('nowhere')], 65, /BACKUP_REFUSED: .*ENOENT/],
  ];
  const before = await names();
  const results = await Promise.all(cases.map(([args]) => roomkin(...args)));
  for (const [index, [args, code, line]] of cases.entries()) {
    const result = results[index]!;
    const said = args.map((arg) => JSON.stringify(arg.slice(0, 20))).join(' ');
    t.equal(result.code, code, said);
    t.equal(errors(result).length, 1, said);
    t.match(errors(result)[0], line, said);
    t.equal(result.stdout, '', said);
  }
  t.same(await names(), before);
});

t.test('a store that cannot be opened is said before any photo is looked at', async (t) => {
  writeFileSync(
    at('blocked.toml'),
    readFileSync(at('config.toml'), 'utf8').replace(at('store'), at('photos', 'ada-1.jpg')),
  );
  const result = await runCli(['enrol', 'Ada', '--photos', photo('ada-1'), '--config', at('blocked.toml')]);
  t.equal(result.code, 74);
  t.match(errors(result), [/^roomkin: DATABASE: /]);
});

t.test('an open store of another process notices what a verb did', async (t) => {
  using daemon = openStore({ directory: at('store'), keyFile: at('store', 'key') });
  const { version } = daemon;
  t.equal((await roomkin('rename', 'bob', 'Bobby')).code, 0);
  t.ok(daemon.version > version);
  t.ok(daemon.gallery('mobilefacenet-192').people.some(({ name }) => name === 'Bobby'));
});
