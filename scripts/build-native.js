// Compiles native/xnnpack-plugin.c against the TFLite library inside tfjs-tflite-node, at install time.
//
// Invariant: this never makes an install fail. Without the plug-in roomkin runs the same models, only slower, and
// `roomkin check` reports it.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folders = { x64: 'linux_amd64', arm64: 'linux_arm64' };

/** Why the plug-in was not built, in one line; null when it was built. */
function build() {
  const folder = process.platform === 'linux' ? folders[process.arch] : undefined;
  if (folder === undefined) return `there is no TFLite library for ${process.platform} ${process.arch}`;
  let library;
  try {
    const runtime = createRequire(import.meta.url).resolve('tfjs-tflite-node/package.json');
    library = join(dirname(runtime), 'cc_deps', folder);
  } catch {
    return 'tfjs-tflite-node is not installed';
  }
  if (!existsSync(join(library, 'libtensorflowlite_c.so'))) return `${library} does not contain libtensorflowlite_c.so`;
  const out = join(root, 'native', 'build');
  // A running daemon has the old file mapped: build under another name, then rename.
  const newFile = join(out, `xnnpack-plugin.${process.pid}.so`);
  mkdirSync(out, { recursive: true });
  const args = [
    '-shared',
    '-fPIC',
    '-O2',
    '-Wall',
    '-Wextra',
    '-fvisibility=hidden',
    '-o',
    newFile,
    join(root, 'native', 'xnnpack-plugin.c'),
    `-L${library}`,
    '-l:libtensorflowlite_c.so',
    // Relative to the plug-in, so that the folder may be moved as a whole (deploy/install does).
    `-Wl,-rpath,$ORIGIN/${relative(out, library)}`,
    '-Wl,--no-undefined',
  ];
  const [compiler, ...first] = (process.env.CC || 'cc').split(' ');
  const run = spawnSync(compiler, [...first, ...args], { encoding: 'utf8' });
  if (run.error !== undefined) return `no C compiler (${compiler}): install gcc`;
  if (run.status === 0) {
    renameSync(newFile, join(out, 'xnnpack-plugin.so'));
    return null;
  }
  rmSync(newFile, { force: true });
  return `${compiler} failed: ${run.stderr.trim().split('\n').at(-1)}`;
}

/** As `build`, with an error of the file system as the reason. */
function tryBuild() {
  try {
    return build();
  } catch (error) {
    return error.message;
  }
}

const reason = tryBuild();
if (reason !== null) {
  process.stderr.write(`roomkin: the XNNPACK plug-in was not built, models will run slower: ${reason}\n`);
}
