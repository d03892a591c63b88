import fc from 'fast-check';
import t from 'tap';
import { checkName, foldName, isId } from '../../src/gallery/names.js';
import { freeId } from '../../src/gallery/person-id.js';

t.test('names in any script are accepted', (t) => {
  for (const name of [
    'Ada',
    'José María',
    "Seán O'Brien",
    'Anne-Marie',
    'Dr. Who 2',
    'Ünal İpek',
    '李雷',
    'Владимир',
    'مریم\u200cالسادات',
    'क्षितिज',
    'X Æ A-12',
    'Jo'.repeat(32),
  ])
    t.equal(checkName(name), name.normalize('NFC'), name);
  t.equal(checkName('Zoe\u0308'), 'Zoë', 'normalised to NFC');
  t.equal(checkName('  Ada   Lovelace '), 'Ada Lovelace');
  t.end();
});

t.test('hostile names are refused with a clear line', (t) => {
  const hostile: [string, RegExp][] = [
    ['', /it is empty/],
    ['   ', /it is empty/],
    ['a/b', /it contains \//],
    ['../../etc/passwd', /it contains \//],
    ['room/+/person', /it contains \//],
    ['a#', /it contains #/],
    ['a+b', /it contains \+/],
    ['{{ states }}', /it contains \{/],
    ['a\nb', /invisible or unknown character \(U\+000A\)/],
    ['a\u0000b', /U\+0000/],
    ['a\u001b[2J', /U\+001B/],
    ['\u202eadA', /U\+202E/],
    ['A\u200bda', /U\+200B/],
    ['A\ud800', /U\+D800/],
    ['A\ufffd', /U\+FFFD/],
    ['A\u2028B', /U\+2028/],
    ['Z\u0301\u0302\u0303\u0304\u0305\u0306\u0307', /accents/],
    ['..', /no letter and no digit/],
    ['--yes', /starts with a dash/],
    ['Unknown', /no person/],
    ['NOBODY', /no person/],
    ['None', /no person/],
    ['x'.repeat(65), /more than 64 characters/],
    ['x'.repeat(65536), /more than 64 characters/],
    ['😀'.repeat(3), /no letter and no digit/],
  ];
  for (const [name, why] of hostile) {
    let message = '';
    try {
      checkName(name);
    } catch (error) {
      message = String(error);
      t.equal((error as { code?: string }).code, 'NAME_REFUSED');
    }
    t.match(message, why, why.source);
    t.ok(message.length < 250 && !/[\p{C}\u2028]/u.test(message), 'one short line');
  }
  t.end();
});

t.test('the id of every accepted name is valid and unique', (t) => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme', maxLength: 70 }),
      fc.array(fc.string({ maxLength: 5 })),
      (text, others) => {
        let name: string;
        try {
          name = checkName(text);
        } catch {
          return;
        }
        t.notMatch(name, /[/+#\u0000-\u001f\u007f-\u009f]/);
        if (checkName(name) !== name) throw new Error('a normalised name must not change again');
        const used = new Set([...others, freeId(name, new Set())]);
        const id = freeId(name, used);
        if (!isId(id) || used.has(id)) throw new Error(id);
        if (foldName(name) !== foldName(name.toUpperCase()) && foldName(name) !== foldName(name.toLowerCase()))
          throw new Error('names that differ in case must be one person');
      },
    ),
    { numRuns: 2000, seed: 1 },
  );
  t.end();
});

t.test('the error quotes up to 40 characters of a refused name', async (t) => {
  const quoted = (name: string) => {
    try {
      return checkName(name);
    } catch (error) {
      return (error as Error).message;
    }
  };
  t.match(quoted(`-${'x'.repeat(39)}`), `-${'x'.repeat(39)}`);
  t.notMatch(quoted(`-${'x'.repeat(39)}`), '…');
  t.match(quoted(`-${'x'.repeat(40)}`), `-${'x'.repeat(39)}…`);
});
