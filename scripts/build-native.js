// Compiles native/xnnpack-plugin.c against the TFLite library inside tfjs-tflite-node, at install time.
//
// Invariant: this never fails an install. Without the plug-in roomkin runs the same models, only slower, and
// `roomkin check` says so.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folders = { x64: 'linux_amd64', arm64: 'linux_arm64' };

/** One line why the plug-in was not built, or null when it was. */
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
  if (!existsSync(join(library, 'libtensorflowlite_c.so'))) return `${library} holds no libtensorflowlite_c.so`;
  const out = join(root, 'native', 'build');
  // under another name first: a running daemon has the old one mapped
  const made = join(out, `xnnpack-plugin.${process.pid}.so`);
  mkdirSync(out, { recursive: true });
  const args = [
    '-shared',
    '-fPIC',
    '-O2',
    '-Wall',
    '-Wextra',
    '-fvisibility=hidden',
    '-o',
    made,
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
    renameSync(made, join(out, 'xnnpack-plugin.so'));
    return null;
  }
  rmSync(made, { force: true });
  return `${compiler} failed: ${run.stderr.trim().split('\n').at(-1)}`;
}

/** As `build`, with whatever the file system says as the reason. */
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
