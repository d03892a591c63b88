// Leaves of an installation from source what runs: deploy/install calls it in the folder that it has built. It removes compilers, types,
// sources and the libraries of other platforms, about 500 MB.
//
//   node --experimental-import-meta-resolve scripts/release/slim.js
import { cpSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { copyModules } from './modules.js';
import { targets } from './native.js';
import { root } from './run.js';

const compiled = [
  'better-sqlite3/build/Release/better_sqlite3.node',
  'tfjs-tflite-node/build/Release/node_tflite_binding.node',
];

const architecture = Object.keys(targets).find((name) => targets[name].cpu === process.arch);
if (architecture === undefined) throw new Error(`there is no model runtime for ${process.arch}`);
// A checkout in which somebody works has these; a copy that deploy/install made has not.
if (existsSync(join(root, '.git'))) throw new Error('this is a checkout: it keeps everything');

const slim = join(root, 'slim');
rmSync(slim, { recursive: true, force: true });
copyModules(join(root, 'dist'), slim, architecture);
for (const name of compiled) {
  mkdirSync(dirname(join(slim, 'node_modules', name)), { recursive: true });
  cpSync(join(root, 'node_modules', name), join(slim, 'node_modules', name));
}
rmSync(join(root, 'node_modules'), { recursive: true });
renameSync(join(slim, 'node_modules'), join(root, 'node_modules'));
for (const name of ['slim', 'src', 'tsconfig.json', '.npmrc', 'scripts']) {
  rmSync(join(root, name), { recursive: true, force: true });
}
