// The documentation agrees with the repository: relative links, their anchors, and the files that ARCHITECTURE.md names exist.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import t from 'tap';
import { packageRoot } from '../src/base/files.js';

const markdown = (folder: string, recursive: boolean): string[] =>
  readdirSync(join(packageRoot, folder), { recursive, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'))
    .map((file) => join(folder, file));
const files = [...markdown('', false), ...markdown('docs', true)];
const read = (file: string): string => readFileSync(join(packageRoot, file), 'utf8');

/** The anchors that GitHub makes of the headings of `text`. */
function anchors(text: string): string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}_\- ]/gu, '')
      .replaceAll(' ', '-'),
  );
}

t.test('every relative link leads to a file, and its anchor to a heading', async (t) => {
  for (const file of files) {
    for (const [, link] of read(file).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(link!)) continue;
      const [path = '', anchor] = link!.split('#');
      const target = path === '' ? file : join(dirname(file), path);
      t.ok(existsSync(join(packageRoot, target)), `${file}: ${link}`);
      if (anchor) t.ok(anchors(read(target)).includes(anchor), `${file}: ${link}`);
    }
  }
});

t.test('ARCHITECTURE.md names files that exist, at least 20 features, one folder each', async (t) => {
  const rows = [...read('ARCHITECTURE.md').matchAll(/^\| [^|]+ \| `(src\/[^`]+)` \| (.+) \|$/gm)];
  t.ok(rows.length >= 20, `${rows.length} features`);
  for (const [, folder, names] of rows) {
    for (const [, name] of names!.matchAll(/`([^`]+)`/g)) {
      t.ok(existsSync(join(packageRoot, folder!, name!)), `${folder}${name}`);
    }
  }
});

t.test('every decision record has context, decision and consequences, and a number of its own', async (t) => {
  const records = markdown('docs/adr', false);
  records.forEach((file, index) => {
    const text = read(file);
    t.ok(file.includes(`/${String(index + 1).padStart(4, '0')}-`) && text.startsWith(`# ${index + 1}. `), file);
    t.same(
      [...text.matchAll(/^## (.*)$/gm)].map(([, heading]) => heading),
      ['Context', 'Decision', 'Consequences'],
      file,
    );
  });
});
