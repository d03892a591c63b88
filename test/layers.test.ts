// Imports point downwards only: base < domain < vision < edges < pipeline, daemon, commands < cli; edges never meet.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import t from 'tap';
import { packageRoot } from '../src/base/package-root.js';

const source = join(packageRoot, 'src');
const edges = ['capture', 'engine', 'store', 'publish', 'service'];
const height = (layer: string): number => {
  if (layer === 'base') return 0;
  if (layer === 'domain') return 1;
  if (layer === 'vision') return 2;
  if (edges.includes(layer)) return 3;
  if (layer === 'cli.ts') return 5;
  return 4;
};
const layerOf = (file: string): string => file.split('/')[0]!;

function violations(file: string, text: string): string[] {
  const from = layerOf(file);
  const found: string[] = [];
  for (const [, specifier] of text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)) {
    const target = normalize(join(dirname(file), specifier!)).replace(/\.js$/, '.ts');
    const to = layerOf(target);
    const sideways = edges.includes(from) && edges.includes(to) && from !== to;
    if (height(to) > height(from) || sideways) found.push(`${file} imports ${target}`);
  }
  return found;
}

t.test('no import points upwards or from edge to edge', async (t) => {
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  t.ok(files.length > 20, 'the sources were found');
  const all = files.flatMap((file) => violations(file, readFileSync(join(source, file), 'utf8')));
  t.strictSame(all, []);
});

t.test('the check sees an import that points upwards', async (t) => {
  t.strictSame(violations('domain/a.ts', "import { b } from '../engine/b.js';"), ['domain/a.ts imports engine/b.ts']);
  t.strictSame(violations('store/a.ts', "import { b } from '../publish/b.js';"), ['store/a.ts imports publish/b.ts']);
  t.strictSame(violations('store/a.ts', "await import('../cli.js')"), ['store/a.ts imports cli.ts']);
});

t.test('no file needs a map', async (t) => {
  for (const entry of readdirSync(source, { recursive: true, encoding: 'utf8' })) {
    if (!entry.endsWith('.ts')) continue;
    const lines = readFileSync(join(source, entry), 'utf8').split('\n').length - 1;
    const most = entry === 'pipeline.ts' ? 80 : 300;
    t.ok(lines <= most, `${relative(source, join(source, entry))} has ${lines} lines, at most ${most}`);
  }
});
