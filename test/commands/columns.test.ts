// Lists with names in any script: the columns align, and no line is wider than the terminal.
import t from 'tap';
import { columnsOf } from '../../src/base/width.js';
import { createIo } from '../../src/commands/io.js';
import { madeUpTemplate, madeUpVector, openTestStore } from '../sharing/household.js';
import { at, json, roomkin } from './place.js';

const space = (await json('people')).document.space as string;
const names = ['Ada', '小林', 'Zoe\u0308', 'Юлия', '한국', 'Maria Anna Margarete Theresia von und zu Hohenfels'];
{
  using store = openTestStore(at('store'));
  store.change((changes) => {
    for (const name of names) {
      const vector = madeUpVector(name);
      changes.addTemplate(changes.person(name), { ...madeUpTemplate(name), space, vector });
    }
  });
}

/** The columns before the first `text` of each line that has it. */
const columnsBefore = (lines: readonly string[], text: string): number[] =>
  lines.filter((line) => line.includes(text)).map((line) => columnsOf(line.slice(0, line.indexOf(text))));

t.test('people: one column for the photos', async (t) => {
  const lines = (await roomkin('people')).stdout.split('\n');
  const columns = columnsBefore(lines, '1 photo');
  t.equal(columns.length, names.length);
  t.equal(new Set(columns).size, 1, lines.join('\n'));
});

t.test('calibrate: one column for each figure', async (t) => {
  const lines = (await roomkin('calibrate')).stdout.split('\n').filter((line) => / 1 {2}/.test(line));
  t.equal(lines.length, names.length);
  t.equal(new Set(lines.map((line) => columnsOf(line.slice(0, line.indexOf(' 0.'))))).size, 1, lines.join('\n'));
});

t.test('no verb writes a line that is wider than 80 columns', async (t) => {
  for (const args of [['people'], ['people', '--check'], ['calibrate'], ['correct', '--list'], ['household']])
    for (const line of (await roomkin(...args)).stdout.split('\n')) t.ok(columnsOf(line) <= 80, line);
  for (const name of names)
    for (const line of (await roomkin('show', name)).stdout.split('\n')) t.ok(columnsOf(line) <= 80, line);
});

t.test('a result that is too wide is broken at spaces, under its own beginning', async (t) => {
  let written = '';
  const stream = {
    columns: 30,
    write(text: string | Uint8Array): boolean {
      written += String(text);
      return true;
    },
  };
  const { signal } = new AbortController();
  const io = createIo({ json: false, configPath: null, signal, stdout: stream, stderr: stream, onDocument: () => {} });
  io.out('  1  one word after the other, until the end of the line is over');
  t.equal(written, '  1  one word after the\n    other, until the end of\n    the line is over\n');
  written = '';
  io.out('short');
  io.out('https://a.very/long/address/that/has/no/place/to/break/it');
  t.equal(written, 'short\nhttps://a.very/long/address/that/has/no/place/to/break/it\n');
});

t.test('a terminal that does not know its size has 80 columns and 40 lines', async (t) => {
  const stream = { columns: 0, rows: 0, isTTY: true, write: () => true };
  const { signal } = new AbortController();
  const io = createIo({ json: false, configPath: null, signal, stdout: stream, stderr: stream, onDocument: () => {} });
  t.same([io.columns, io.rows], [80, 40]);
});
