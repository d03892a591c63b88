// docs/dependencies.md and the bill of materials agree with package.json, package-lock.json and what is installed.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { packageRoot } from '../src/base/files.js';

t.setTimeout(120_000);
const folder = mkdtempSync(join(tmpdir(), 'roomkin-sbom-'));
t.teardown(() => rmSync(folder, { recursive: true }));

const committed = join(packageRoot, 'docs', 'dependencies.md');
const { dependencies, devDependencies } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8'));

/** What the command writes: the bill of materials, and the document made anew. */
function generate(name: string): { readonly bill: string; readonly docs: string } {
  const [out, docs] = [join(folder, `${name}.json`), join(folder, `${name}.md`)];
  copyFileSync(committed, docs);
  const script = join(packageRoot, 'scripts', 'sbom.js');
  const { status, stderr } = spawnSync(process.execPath, [script, '--out', out, '--docs', docs], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return { bill: readFileSync(out, 'utf8'), docs: readFileSync(docs, 'utf8') };
}
const made = generate('first');
const bill = JSON.parse(made.bill);

/** The rows of the table that follows `heading`, as cells. */
function rows(text: string, heading: string): string[][] {
  const section = text.slice(text.indexOf(`\n${heading}\n`)).split(/\n#+ /)[1] ?? '';
  return section
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .slice(2)
    .map((line) =>
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    );
}
const names = (table: readonly string[][]): string[] => table.map(([name = '']) => name.replaceAll('`', '')).sort();
const megabytes = (cell: string): number => Number(/^([\d.]+) MB$/.exec(cell)?.[1] ?? Number.NaN);

t.test(
  'docs/dependencies.md is what npm run sbom writes; sizes may differ from one architecture to the other',
  async (t) => {
    const text = readFileSync(committed, 'utf8');
    const withoutSizes = (document: string): string => document.replace(/\| [\d.]+ MB (?=\|)/g, '| size ');
    t.equal(withoutSizes(made.docs), withoutSizes(text), 'run npm run sbom');
    const [stated, measured] = [rows(text, '## Packages'), rows(made.docs, '## Packages')];
    t.equal(stated.length, Object.keys(dependencies).length);
    for (const [index, row] of stated.entries()) {
      for (const column of [3, 5]) {
        const [was, is] = [megabytes(row[column]!), megabytes(measured[index]![column]!)];
        t.ok(Math.abs(was - is) <= 1 + 0.3 * is, `${row[0]}: ${was} MB stated, ${is} MB measured: run npm run sbom`);
      }
    }
  },
);

t.test('each package that runs has its version and its reason', async (t) => {
  const text = readFileSync(committed, 'utf8');
  const wanted = Object.keys(dependencies).sort();
  t.same(names(rows(text, '## Packages')), wanted);
  t.same(names(rows(text, '## Why each package is there')), wanted);
  for (const [name, version] of rows(text, '## Packages')) t.equal(version, dependencies[name!.replaceAll('`', '')]);
  for (const cells of rows(text, '## Why each package is there')) {
    t.equal(cells.length, 5);
    t.ok(cells.every((cell) => cell.trim() !== ''));
  }
});

interface Component {
  readonly type: string;
  readonly 'bom-ref': string;
  readonly name: string;
  readonly licenses?: readonly unknown[];
}

t.test('the bill of materials is a CycloneDX 1.6 document of everything that is installed', async (t) => {
  t.match(bill, {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: { component: { name: 'roomkin' } },
  });
  t.match(bill.serialNumber, /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  const components = bill.components as readonly Component[];
  const has = new Set(components.map(({ name }) => name));
  for (const name of [
    ...Object.keys(dependencies),
    'sqlite',
    'tensorflow-lite',
    'libvips',
    'resnet50-w100',
    'child-guard',
    'frames',
  ])
    t.ok(has.has(name), name);
  // mqtt brings the types of Node, too.
  for (const name of Object.keys(devDependencies).filter((name) => name !== '@types/node'))
    t.notOk(has.has(name), `${name} is for development`);
  for (const name of ['debug', 'ws']) t.ok(has.has(name), `${name}, which a development package needs too`);
  for (const { name, licenses } of components)
    t.ok(licenses !== undefined && licenses.length > 0, `licence of ${name}`);
  const refs = new Set(components.map((component) => component['bom-ref']));
  t.equal(refs.size, components.length, 'each reference once');
  refs.add(bill.metadata.component['bom-ref']);
  const needed = new Set<string>();
  for (const { ref, dependsOn } of bill.dependencies) {
    t.ok(refs.has(ref), ref);
    for (const other of dependsOn) {
      t.ok(refs.has(other), `${ref} needs ${other}`);
      needed.add(other);
    }
  }
  for (const ref of refs) t.ok(needed.has(ref) || ref.startsWith('roomkin@'), `something needs ${ref}`);
  const types = new Set(['library', 'application', 'machine-learning-model', 'data']);
  t.ok(components.every(({ type }) => types.has(type)));
});

t.test('the same installation gives the same bytes, without times and paths', async (t) => {
  t.equal(generate('second').bill, made.bill);
  t.notOk(made.bill.includes(packageRoot));
  t.notMatch(made.bill, /"timestamp"|https?:\/\/(?!cyclonedx\.org)/);
});
