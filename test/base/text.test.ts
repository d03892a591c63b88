import t from 'tap';
import { decodeText, onlyLine, typographyHint } from '../../src/base/text.js';

const utf16 = (text: string, big = false): Buffer => {
  const bytes = Buffer.from(text, 'utf16le');
  return big ? bytes.swap16() : bytes;
};

t.test('every usual encoding and line end gives the same text', async (t) => {
  const text = 'name = "Zoë"\nlast';
  const crlf = text.replace('\n', '\r\n');
  for (const [name, bytes] of Object.entries({
    plain: Buffer.from(text),
    mark: Buffer.from(`\ufeff${text}`),
    crlf: Buffer.from(crlf),
    cr: Buffer.from(text.replace('\n', '\r')),
    utf16le: utf16(`\ufeff${crlf}`),
    utf16be: utf16(`\ufeff${crlf}`, true),
    'utf16le without mark': utf16(text),
    'utf16be without mark': utf16(text, true),
  }))
    t.equal(decodeText(bytes), text, name);
  t.equal(decodeText(Buffer.alloc(0)), '');
});

t.test('what is no text is refused with its line', async (t) => {
  t.match(decodeText(Buffer.from('a\r\nb\nZo\xeb', 'latin1')), { line: 3, fault: /not UTF-8 text: save it as UTF-8/ });
  t.match(decodeText(Buffer.from('a\nb\0c')), { line: 2, fault: /NUL/ });
  t.match(decodeText(Buffer.concat([utf16('\ufeffab'), Buffer.from('x')])), { fault: /UTF-16/ });
  t.match(decodeText(Buffer.alloc(2 ** 24 + 1, 97)), { fault: /16 MB/ });
});

t.test('a secret is one line without blanks around it', async (t) => {
  t.equal(onlyLine('pa ss\n\n'), 'pa ss');
  t.match(onlyLine('one\n\ntwo'), { line: 3 });
  for (const text of ['pass ', ' pass', 'pass\t\n', 'pass\u00a0']) t.match(onlyLine(text), { line: 1, fault: /blank/ });
});

t.test('typographic characters are named', async (t) => {
  t.match(typographyHint('id = “kitchen”'), /U\+201C.*write "/);
  t.match(typographyHint('id\u00a0= "x"'), /U\+00A0/);
  t.equal(typographyHint('id = "x"'), null);
});
