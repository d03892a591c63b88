// One word per idea (docs/glossary.md): the retired words do not come back into the code. Published names keep them.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { packageRoot } from '../src/base/files.js';

/** Retired words, as the glossary lists them. `look` is retired as a noun only. */
const retired: readonly RegExp[] = [
  /\bverdicts?\b/i,
  /\brejudg/i,
  /\bwhereabouts\b/i,
  /\bnoteworthy\b/i,
  /\blikeness\b/i,
  /\b(spared|evened)\b/i,
  /\bHouseholdVoice\b/,
  /\b(set aside|put back)\b/i,
  /\bpooledLooks?\b|\bpooled looks?\b/i,
  /\bfixed faces?\b/i,
  /\b[Ll]ooks?\b(?! (into|like|at|unlike|for|alike|further|in every place))/,
  /[a-z]Looks?\b/,
];

/** Stored and published names: files, tables, topics, configuration and JSON keys, exit codes. */
const published: readonly RegExp[] = [
  /'look'|'looks:'|looks\.sqlite|looks_kept_hours|looksKept|LOOK_UNKNOWN|LOOKS_MISSING/,
  /\b(FROM|INTO|TABLE|ON|INDEX) look\b|look_at/,
  /\blooks?:|\.looks\b|presence\.looks/,
  /set-aside|put-back|set_aside|setAside/,
  // The verb `roomkin look`, its files, its request and its key in the configuration.
  /roomkin look|\bcommands\/look\b|\.\/look[./]|GET \/look|\/look\b|privacy\]? look\b|privacy\.look|\blook:|\blook\(|handlers\.look|'look \[/,
];

function retiredWords(line: string): string[] {
  const rest = published.reduce((text, name) => text.replaceAll(new RegExp(name, 'g'), ''), line);
  return retired.flatMap((word) => word.exec(rest)?.[0] ?? []);
}

t.test('the code uses no retired word', async (t) => {
  const source = join(packageRoot, 'src');
  const hits = readdirSync(source, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .flatMap((file) =>
      readFileSync(join(source, file), 'utf8')
        .split('\n')
        .flatMap((line, index) => retiredWords(line).map((word) => `${file}:${index + 1}: ${word}: ${line.trim()}`)),
    );
  t.strictSame(hits, []);
});

t.test('the check sees a retired word, and passes published names', async (t) => {
  t.strictSame(retiredWords('const verdict = 1; // this look'), ['verdict', 'look']);
  t.strictSame(retiredWords('the faces look like portraits'), []);
  t.strictSame(retiredWords("sql('SELECT id FROM look')"), []);
});
