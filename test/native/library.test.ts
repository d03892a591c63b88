// The TensorFlow Lite library that scripts/tflite-library.js puts in the place of an older one.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { packageRoot } from '../../src/base/files.js';

const script = join(packageRoot, 'scripts', 'tflite-library.js');
const hashOf = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');

/** The result of `placeLibrary(path)`, and the hash that it checks. */
function place(path: string): { readonly why: string | null; readonly sha256: string } {
  const program = `import(process.argv[1]).then(({ placeLibrary, library }) =>
    console.log(JSON.stringify({ why: placeLibrary(process.argv[2]), sha256: library.sha256 })))`;
  const { stdout, stderr } = spawnSync(process.execPath, ['-e', program, '--', script, path], { encoding: 'utf8' });
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout);
}

t.test('another library is replaced by the one in the repository, once', async (t) => {
  const path = join(t.testdir({ 'libtensorflowlite_c.so': 'an older one' }), 'libtensorflowlite_c.so');
  const { why, sha256 } = place(path);
  t.equal(why, null);
  t.equal(hashOf(path), sha256);
  const { ino } = statSync(path);
  t.equal(place(path).why, null);
  t.equal(statSync(path).ino, ino, 'the right one stays');
  writeFileSync(path, 'damaged');
  place(path);
  t.equal(hashOf(path), sha256, 'and it comes back');
  t.match(place(join(path, '..', 'nothing.so')).why, /is missing/);
});

t.test('the installation has it on x86-64', { skip: process.arch === 'x64' ? false : 'only for x86-64' }, async (t) => {
  const folder = join(packageRoot, 'node_modules', 'tfjs-tflite-node', 'cc_deps', 'linux_amd64');
  const path = join(folder, 'libtensorflowlite_c.so');
  t.equal(hashOf(path), place(path).sha256, 'npm ci puts it there: node scripts/build-native.js');
});
