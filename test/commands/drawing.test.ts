import t from 'tap';
import { columnsOf } from '../../src/base/width.js';
import { type Bar, barLines, scoreLines, showsBlocks } from '../../src/commands/drawing.js';
import { inBins, type PersonScores } from '../../src/gallery/score-bins.js';

const ascii = (columns: number) => ({ columns, blocks: false });
const bars: readonly Bar[] = [
  { label: '417', name: 'Ada', value: 0.71, threshold: 0.55 },
  { label: '', name: 'Ben', value: 0.3, threshold: 0.5 },
  { label: '418', name: '小林', value: -0.2, threshold: null },
];

t.test('a bar passes the mark of the threshold exactly where the value reaches it', async (t) => {
  for (const columns of [40, 53, 80])
    for (const value of [-0.3, 0, 0.01, 0.549, 0.5499999, 0.55, 0.5500001, 0.551, 0.99, 1, 1.2])
      for (const threshold of [0.55, 0.01, 0.99]) {
        const [line] = barLines([{ label: '1', name: 'Ada', value, threshold }], ascii(columns));
        const text = `${value} against ${threshold} in ${columns}: ${line}`;
        t.equal(/#\|#|\|#/.test(line!), value >= threshold, text);
        if (value < threshold) t.notMatch(line, /#\|/, text);
        t.ok(columnsOf(line!) <= columns, text);
      }
});

t.test('the figures come before the bar, and the columns align with any script', async (t) => {
  const lines = barLines(bars, ascii(80));
  t.match(lines[0], /^417 Ada {3}0\.71 0\.55 {2}#+\|#+$/);
  t.match(lines[1], /^ {4}Ben {3}0\.30 0\.50 {2}#+ +\|$/);
  t.match(lines[2], /^418 小林 -0\.20 {4}-$/, 'neither a bar nor a mark');
  t.equal(columnsOf(lines[0]!.split('#')[0]!), columnsOf(lines[1]!.split('#')[0]!));
  t.match(barLines([{ ...bars[0]!, value: -0.001 }], ascii(80))[0], / 0\.00 0\.55 +\|$/, 'no -0.00');
  t.match(barLines(bars, { columns: 80, blocks: true })[0], /█│█/);
});

t.test('a narrow terminal keeps the figures', async (t) => {
  const long = bars.map((bar) => ({ ...bar, name: 'Maria Anna Margarete Theresia' }));
  for (const columns of [24, 30, 40, 60, 80])
    for (const line of barLines(long, ascii(columns))) t.ok(columnsOf(line) <= Math.max(26, columns), line);
  t.match(barLines(long, ascii(24))[0], /^417 Maria A… {2}0\.71 0\.55$/);
});

const ada: PersonScores = {
  person: 'ada',
  name: 'Ada',
  threshold: 0.53,
  own: inBins([0.61, 0.7, 0.5], 0.53),
  unknown: inBins([...new Array<number>(300).fill(0.1), 0.2, 0.56], 0.53),
};

t.test('distributions: the figures in words, then both rows with the mark in one column', async (t) => {
  const lines = scoreLines([ada], ascii(80));
  t.ok(lines.every((line) => columnsOf(line) <= 80));
  const words = lines.join(' ').replaceAll(/ +/g, ' ');
  t.match(
    words,
    /Ada: threshold 0\.53, reached by 2 of 3 own photos \(0\.48 to 0\.71\) and by 1 of 302 unknown faces \(at most 0\.58\)/,
  );
  const [unknown, own, axis] = lines.slice(-3);
  t.match(unknown, /^ {2}unknown +@ +\. +\| *\.$/, 'a single face is drawn beside 300');
  t.match(own, /^ {2}own {4} +@ \| +@ +@$/, '0.50 is in the second bin below the mark');
  t.equal(unknown!.indexOf('|'), own!.indexOf('|'));
  t.equal(axis!.indexOf('0.53') + 2, own!.indexOf('|'), 'the threshold is under its mark');
  t.match(axis, /^ +-0\.2 +0\.0 +0\.2 +0\.53 +0\.8 +1\.0$/);
  t.match(scoreLines([ada], { columns: 80, blocks: true }).join('\n'), /^ {2}unknown +█ +▁ +│ *▁$/m);
});

t.test('narrower terminals: bins are merged, on their side of the threshold; then only words are left', async (t) => {
  for (const columns of [20, 30, 40, 60]) {
    const lines = scoreLines([ada], ascii(columns));
    t.ok(
      lines.every((line) => columnsOf(line) <= columns),
      lines.join('\n'),
    );
    const own = lines.find((line) => /^ {2}own {4}/.test(line));
    if (columns < 25) t.equal(own, undefined);
    else t.match(own, /@ *\|.*[@*+]/);
  }
  const few = scoreLines([ada], ascii(20)).join(' ');
  t.match(few.replaceAll(/ +/g, ' '), /reached by 2 of 3 own photos/);
  t.notMatch(few, /marks the threshold/, 'nothing is drawn');
});

t.test('without photos to compare, and without unknown faces', async (t) => {
  const nothing = inBins([], 0.53);
  const text = (scores: PersonScores) => scoreLines([scores], ascii(80)).join(' ').replaceAll(/ +/g, ' ');
  t.match(text({ ...ada, own: nothing }), /reached by 1 of 302 unknown faces .*; one photo has no other/);
  t.match(text({ ...ada, unknown: nothing }), /reached by 2 of 3 own photos \(0\.48 to 0\.71\) own/);
  t.match(text({ ...ada, own: nothing, unknown: nothing }), /threshold 0\.53; one photo has no other/);
  t.same(scoreLines([], ascii(80)), []);
});

t.test('block characters only where the locale has them and the terminal is not dumb', async (t) => {
  t.equal(showsBlocks({ LANG: 'en_GB.UTF-8', TERM: 'xterm' }), true);
  t.equal(showsBlocks({ LC_ALL: 'C.utf8' }), true, 'a pipe has no terminal');
  t.equal(showsBlocks({ LANG: 'en_GB.UTF-8', TERM: 'dumb' }), false);
  t.equal(showsBlocks({ LANG: 'en_GB.UTF-8', LC_ALL: 'C', TERM: 'xterm' }), false);
  t.equal(showsBlocks({}), false);
});
