// One name in the forms in which keyboards, phones and file systems write it: who is the same person, and what a list on a terminal shows.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { printable } from '../../src/base/printable.js';
import { columnsOf, padTo } from '../../src/base/width.js';
import { checkName, foldName } from '../../src/gallery/names.js';
import { freeId } from '../../src/gallery/person-id.js';
import { openTestStore } from '../sharing/household.js';

/** The written forms of one person, the name that is kept of the first one, its id and its columns. */
const people: readonly {
  readonly written: readonly string[];
  readonly name: string;
  readonly id: string;
  readonly columns: number;
}[] = [
  // Composed, decomposed, in other cases, in wide letters; blanks at the ends and inside.
  { written: ['Zoë', 'Zoe\u0308', 'ZOË', 'zoe\u0308', 'Ｚｏｅ\u0308'], name: 'Zoë', id: 'zoe', columns: 3 },
  { written: ['Ünal İpek', 'U\u0308nal I\u0307pek'], name: 'Ünal İpek', id: 'unal-ipek', columns: 9 },
  { written: ['Nguyễn', 'Nguye\u0302\u0303n'], name: 'Nguyễn', id: 'nguyen', columns: 6 },
  { written: ['각국', '\u1100\u1161\u11a8\u1100\u116e\u11a8'], name: '각국', id: 'gaggug', columns: 4 },
  { written: ['が', 'か\u3099'], name: 'が', id: 'ga', columns: 2 },
  {
    written: [
      'Ada Lovelace',
      '  Ada   Lovelace ',
      'Ada\u00a0Lovelace',
      '\u00a0Ada\u2009\u202fLovelace\u3000',
      'Ada Lovelace\n',
    ],
    name: 'Ada Lovelace',
    id: 'ada-lovelace',
    columns: 12,
  },
  { written: ['山田\u3000太郎', '山田 太郎', '山田  太郎'], name: '山田 太郎', id: 'shantian-tailang', columns: 9 },
  // Emoji, with joiners and selectors.
  { written: ['Ben 😀', 'BEN 😀'], name: 'Ben 😀', id: 'ben', columns: 6 },
  { written: ['Юлия 👩\u200d🚀'], name: 'Юлия 👩\u200d🚀', id: 'yuliya', columns: 7 },
  { written: ['❤\ufe0f Eve'], name: '❤\ufe0f Eve', id: 'eve', columns: 6 },
  { written: ['Mia 🏳\ufe0f\u200d🌈'], name: 'Mia 🏳\ufe0f\u200d🌈', id: 'mia', columns: 6 },
  { written: ['Jo 🇫🇷'], name: 'Jo 🇫🇷', id: 'jo', columns: 5 },
  { written: ['Ian', 'Ian\ufe0f', 'I\ufe0ean'], name: 'Ian', id: 'ian', columns: 3 },
  // Other scripts.
  { written: ['مریم\u200cالسادات'], name: 'مریم\u200cالسادات', id: 'mrymlsdt', columns: 11 },
  { written: ['क्\u200dषिति'], name: 'क्\u200dषिति', id: 'ksiti', columns: 5 },
  { written: ['Юлия Ш', 'ЮЛИЯ Ш', 'юлия ш'], name: 'Юлия Ш', id: 'yuliya-sh', columns: 6 },
  { written: ['Σοφός', 'ΣΟΦΌΣ', 'σοφόσ'], name: 'Σοφός', id: 'sofos', columns: 5 },
  // Letters whose capitals are several, or one of several letters.
  {
    written: ['Frau Straße', 'FRAU STRASSE', 'frau strasse', 'Frau Straẞe'],
    name: 'Frau Straße',
    id: 'frau-strasse',
    columns: 11,
  },
  { written: ['İdil', 'i\u0307dil', 'I\u0307DIL'], name: 'İdil', id: 'idil', columns: 4 },
  { written: ['Joﬁ', 'JOFI', 'Jofi'], name: 'Joﬁ', id: 'jofi', columns: 3 },
  { written: ['ŉda', 'ʼNDA'], name: 'ŉda', id: 'nda', columns: 3 },
  { written: ['שרה'], name: 'שרה', id: 'srh', columns: 3 },
  { written: ['O’Brien'], name: 'O’Brien', id: 'o-brien', columns: 7 },
  // As long as a name may be.
  { written: ['x'.repeat(64), 'X'.repeat(64)], name: 'x'.repeat(64), id: 'x'.repeat(32), columns: 64 },
  { written: ['小'.repeat(64)], name: '小'.repeat(64), id: 'xiao'.repeat(8), columns: 128 },
];

const refused: readonly (readonly [written: string, why: RegExp])[] = [
  ['\u202eadA', /U\+202E\): remove it/],
  ['Ada\u202c', /U\+202C/],
  ['\u2067Ada\u2069', /U\+2067/],
  ['Ada\u061c', /U\+061C/],
  ['Ada\u200e', /U\+200E/],
  ['Ada\u200d', /U\+200D/],
  ['\u200dAda', /U\+200D/],
  ['A\u200cda', /U\+200C/],
  ['Ad\u200dа', /U\+200D/],
  ['مریم\u200c', /U\+200C/],
  ['😀\u200d', /U\+200D/],
  ['Ada\u200b', /U\+200B/],
  ['Ada\u00ad', /U\+00AD/],
  ['Ada\u034f', /U\+034F/],
  ['\u115f', /U\+115F/],
  ['A\u3164a', /U\+3164/],
  ['\u2800Ada', /U\+2800/],
  ['Ada\u{e0041}', /U\+E0041/],
  ['A\tB', /U\+0009/],
  ['\u0301Ada', /accent/],
  ['...', /no letter/],
  ['!?', /no letter/],
  ['·', /no letter/],
  ['👩\u200d🚀', /no letter/],
  ['\u3000\u00a0', /empty/],
  ['x'.repeat(65), /more than 64/],
  ['😀'.repeat(40) + 'x'.repeat(40), /more than 64/],
];

const folder = mkdtempSync(join(tmpdir(), 'roomkin-names-'));
t.teardown(() => rmSync(folder, { recursive: true }));

t.test('each form of a name is the same person', async (t) => {
  using store = openTestStore(folder);
  for (const { written, name, id } of people) {
    t.equal(checkName(written[0]!), name, JSON.stringify(written[0]));
    t.equal(freeId(name, new Set()), id, name);
    const ids = store.change((changes) => written.map((form) => changes.person(form)));
    t.same([...new Set(ids)], [id], JSON.stringify(written));
  }
  t.equal(store.people().length, people.length);
});

t.test('a name is found, renamed and refused in each case of its letters', async (t) => {
  using store = openTestStore(join(folder, 'cases'));
  store.change((changes) => {
    changes.person('Groß');
    changes.person('Ben');
  });
  for (const form of ['GROSS', 'gross', 'groẞ', 'ＧＲＯＳＳ', 'gross']) t.equal(store.find(form).name, 'Groß', form);
  t.throws(() => store.change((changes) => changes.rename('ben', 'GROSS')), { code: 'PERSON_EXISTS' });
  store.change((changes) => changes.rename('gross', 'GROSS'));
  t.equal(store.find('Groß').name, 'GROSS');
});

t.test('the folded form of every letter is that of its capital and of its small letter', async (t) => {
  const wrong: string[] = [];
  for (let code = 0; code <= 0x1ffff; code++) {
    const letter = String.fromCodePoint(code);
    if (!/\p{L}/u.test(letter)) continue;
    const folded = foldName(letter);
    const forms = [letter.toUpperCase(), letter.toLowerCase(), letter.normalize('NFD'), folded];
    if (forms.some((form) => foldName(form) !== folded)) wrong.push(letter);
  }
  t.strictSame(wrong, []);
});

t.test('what cannot be seen or read as a name is refused', async (t) => {
  for (const [written, why] of refused) {
    let message = '';
    try {
      checkName(written);
    } catch (error) {
      message = (error as Error).message;
    }
    t.match(message, why, JSON.stringify(written));
    t.ok(message.length < 250 && printable(message) === message, 'one line that can be shown');
  }
});

t.test('the columns of a list align', async (t) => {
  for (const { name, columns } of people) {
    t.equal(columnsOf(printable(name)), columns, name);
    t.equal(columnsOf(`${padTo(printable(name), 130)}|`), 131, name);
  }
});
