// Columns on a terminal: wide and combining characters.
import t from 'tap';
import { columnsOf, firstColumns, padTo, shortened } from '../../src/base/width.js';

t.test('the columns of a text', async (t) => {
  for (const [text, columns] of [
    ['', 0],
    ['Ada', 3],
    ['Zoë', 3],
    ['Zoe\u0308', 3],
    ['小林', 4],
    ['Юлия', 4],
    ['क्\u200dषि', 3],
    ['مریم', 4],
    ['👩\u200d🚀', 2],
    ['🇫🇷', 2],
    ['한국', 4],
    ['ｱｲ', 2],
    ['25°', 3],
    ['▀', 1],
  ] as const)
    t.equal(columnsOf(text), columns, text);
});

t.test('padding and cutting', async (t) => {
  t.equal(padTo('小林', 6), '小林  ');
  t.equal(padTo('Zoe\u0308', 5), 'Zoe\u0308  ');
  t.equal(padTo('Ada', 2), 'Ada');
  t.equal(firstColumns('小林さん', 5), '小林');
  t.equal(firstColumns('Zoe\u0308 B', 3), 'Zoe\u0308');
  t.equal(firstColumns('Ada Lovelace', 3), 'Ada');
  t.equal(shortened('小林さん', 8), '小林さん');
  t.equal(shortened('小林さん', 7), '小林さ…');
});
