import t from 'tap';
import { fail, oneLine } from '../../src/base/errors.js';

t.test('hostile text stays on one line', async (t) => {
  t.equal(oneLine('a\nb\u0000c\u001b[2J'), 'a\\u000ab\\u0000c\\u001b[2J');
  t.equal(oneLine('x'.repeat(65536)).length, 2001);
  t.equal(fail('NAME_REFUSED', 'a\nb').exitCode, 65);
});
