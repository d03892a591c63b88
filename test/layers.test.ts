// The folders of `src/` in the order of ARCHITECTURE.md: a folder imports only those listed above it, and no files import each
// other in a circle.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import t from 'tap';
import { packageRoot } from '../src/base/files.js';

const source = join(packageRoot, 'src');
const order = [
  'base',
  'vision',
  'gallery',
  'recognition',
  'presence',
  'store',
  'engine',
  'camera',
  'room',
  'config',
  'mqtt',
  'journal',
  'sharing',
  'reports',
  'control',
  'pipeline.ts',
  'daemon',
  'daemon.ts',
  'container',
  'phone',
  'commands',
  'cli.ts',
];

/** The files of `src/` that `text`, the content of `file`, imports, statically or dynamically. */
function importsOf(file: string, text: string): string[] {
  return [...text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map(([, specifier]) =>
    normalize(join(dirname(file), specifier!)).replace(/\.js$/, '.ts'),
  );
}

function violations(file: string, text: string): string[] {
  const height = (path: string): number => order.indexOf(path.split('/')[0]!);
  return importsOf(file, text)
    .filter((target) => height(target) > height(file) || height(target) < 0)
    .map((target) => `${file} imports ${target}`);
}

/** Every circle of imports, as the files on it. */
function circles(imports: ReadonlyMap<string, readonly string[]>): string[] {
  const chains: string[] = [];
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): void => {
    const start = path.indexOf(file);
    if (start >= 0) chains.push([...path.slice(start), file].join(' -> '));
    if (start >= 0 || done.has(file)) return;
    for (const target of imports.get(file) ?? []) visit(target, [...path, file]);
    done.add(file);
  };
  for (const file of imports.keys()) visit(file, []);
  return chains;
}

const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
const texts = new Map(files.map((file) => [file, readFileSync(join(source, file), 'utf8')]));

t.test('every entry of src/ is in the list', async (t) => {
  t.ok(files.length > 100, 'the sources are listed');
  t.strictSame([...new Set(files.map((file) => file.split('/')[0]!))].sort(), [...order].sort());
});

t.test('a folder imports only those above it', async (t) => {
  t.strictSame(
    [...texts].flatMap(([file, text]) => violations(file, text)),
    [],
  );
});

t.test('the daemon loads the library for pictures when it needs it', async (t) => {
  const eager = [...texts].filter(([, text]) => /^import (?!type ).*from 'sharp'/m.test(text)).map(([file]) => file);
  t.ok(eager.length > 0, 'verbs load it at once');
  t.strictSame(
    eager.filter((file) => !file.startsWith('commands/')),
    [],
  );
});

t.test('no files import each other in a circle', async (t) => {
  t.strictSame(circles(new Map([...texts].map(([file, text]) => [file, importsOf(file, text)]))), []);
});

t.test('the checks detect violations and circles', async (t) => {
  t.strictSame(violations('gallery/a.ts', "import { b } from '../engine/b.js';"), ['gallery/a.ts imports engine/b.ts']);
  t.strictSame(violations('store/a.ts', "await import('../cli.js')"), ['store/a.ts imports cli.ts']);
  t.strictSame(violations('store/a.ts', "import { b } from '../elsewhere/b.js';"), [
    'store/a.ts imports elsewhere/b.ts',
  ]);
  const imports = new Map([
    ['a', ['b']],
    ['b', ['c']],
    ['c', ['b']],
  ]);
  t.strictSame(circles(imports), ['b -> c -> b']);
});
