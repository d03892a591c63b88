import { PassThrough } from 'node:stream';
import { finished } from 'node:stream/promises';
import t from 'tap';
import { onLines } from '../../src/base/lines.js';

async function linesOf(...chunks: readonly (string | Buffer)[]): Promise<string[]> {
  const stream = new PassThrough();
  const lines: string[] = [];
  onLines(stream, (line) => lines.push(line));
  for (const chunk of chunks) stream.write(chunk);
  stream.end();
  await finished(stream);
  return lines;
}

t.test('lines come whole, wherever the chunks are cut', async (t) => {
  t.same(await linesOf('one\ntw', 'o\r\nthree\rfo', 'ur'), ['one', 'two', 'three', 'four']);
  const euro = Buffer.from('€\n');
  t.same(await linesOf(euro.subarray(0, 1), euro.subarray(1)), ['€']);
});

t.test('blank lines are left out and an endless line is cut', async (t) => {
  t.same(await linesOf('\n  \n\n', 'a  \n'), ['a']);
  const lines = await linesOf('x'.repeat(5000), 'x'.repeat(5000), '\nnext\n');
  t.same(
    lines.map((line) => line.length),
    [1000, 4],
  );
});
