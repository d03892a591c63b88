// docs/errors.md and the table in the code hold the same codes with the same exit codes. Error texts stay on one line.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { type ErrorCode, errorTable, fail, oneLine } from '../../src/base/errors.js';
import { packageRoot } from '../../src/base/files.js';

const rows = readFileSync(join(packageRoot, 'docs/errors.md'), 'utf8')
  .split('\n')
  .flatMap((line) => {
    const match = /^\| `([A-Z_]+)` \| (\d+) \| ([^|]+) \| ([^|]+) \|$/.exec(line);
    return match ? [{ code: match[1]!, exit: Number(match[2]), when: match[3]!.trim(), advice: match[4]!.trim() }] : [];
  });

t.test('every code is documented once, with its exit code, and nothing else is', async (t) => {
  t.same(Object.fromEntries(rows.map((row) => [row.code, row.exit])), errorTable);
  t.equal(rows.length, Object.keys(errorTable).length, 'no code twice');
});

t.test('every row is a sentence and says what to do', async (t) => {
  for (const row of rows) t.ok(/\.$/.test(row.when) && row.advice.length > 10, row.code);
});

t.test('an error carries the exit code of its code', async (t) => {
  for (const [code, exit] of Object.entries(errorTable)) t.equal(fail(code as ErrorCode, 'x').exitCode, exit);
});

t.test('hostile text stays on one line', async (t) => {
  t.equal(oneLine('a\nb\u0000c\u001b[2J'), 'a\\u000ab\\u0000c\\u001b[2J');
  t.equal(oneLine('x'.repeat(65536)).length, 2001);
  t.equal(fail('NAME_REFUSED', 'a\nb').exitCode, 65);
});
