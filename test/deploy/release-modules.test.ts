// What a release takes of node_modules: everything that the program loads, and nothing that only building and testing need. A new import
// that the walk of `npm run release` cannot follow fails here, not when a release is made.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import t from 'tap';
import { packageRoot } from '../../src/base/files.js';

interface Package {
  readonly name: string;
  readonly licence: string;
}
interface ReleaseModules {
  copyModules(dist: string, tree: string, architecture: string): readonly Package[];
}

t.test('a release has every package that the program loads, and no other', async (t) => {
  const file = pathToFileURL(join(packageRoot, 'scripts/release/modules.js')).href;
  const { copyModules } = (await import(file)) as ReleaseModules;
  const tree = mkdtempSync(join(tmpdir(), 'roomkin-release-'));
  t.teardown(() => rmSync(tree, { recursive: true }));
  const packages = copyModules(
    join(packageRoot, '.test-build/src'),
    tree,
    process.arch === 'arm64' ? 'arm64' : 'amd64',
  );
  const names = packages.map(({ name }) => name);
  for (const name of ['better-sqlite3', 'mqtt', 'sharp', 'tfjs-tflite-node', 'zod', 'libheif-js', '@noble/ciphers'])
    t.ok(names.includes(name), name);
  for (const name of ['typescript', '@tensorflow/tfjs-core', 'tap', 'onnxruntime-node', '@biomejs/biome'])
    t.notOk(names.includes(name), name);
  for (const { name, licence } of packages) t.ok(licence, `${name} has a licence`);
  t.ok(existsSync(join(tree, 'node_modules/better-sqlite3/package.json')));
});
