// Compiles the programs in native/ at install time: the XNNPACK plug-in against the TFLite library inside tfjs-tflite-node, the guard that
// starts child processes, and the addon for frames.
//
// Invariant: this never makes an install fail. Without the plug-in roomkin runs the same models, only slower. Without the guard the
// engine's child runs without its sandbox. Without the addon JavaScript scales the pixels. `roomkin check` reports all three.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const out = join(root, 'native', 'build');
const folders = { x64: 'linux_amd64', arm64: 'linux_arm64' };

/** The compiler must not merge a multiplication and an addition: the bytes are those of the JavaScript. */
const addonFlags = ['-shared', '-fPIC', '-O3', '-ffp-contract=off', '-fvisibility=hidden'];

/** Compiles to native/build/`name`. Why that failed, in one line; null when it did not. */
function compile(name, args) {
  // A running daemon has the old file mapped: build under another name, then rename.
  const newFile = join(out, `${process.pid}.${name}`);
  mkdirSync(out, { recursive: true });
  const [compiler, ...first] = (process.env.CC || 'cc').split(' ');
  const run = spawnSync(compiler, [...first, '-O2', '-Wall', '-Wextra', '-o', newFile, ...args], { encoding: 'utf8' });
  if (run.error !== undefined) return `no C compiler (${compiler}): install gcc`;
  if (run.status === 0) {
    renameSync(newFile, join(out, name));
    return null;
  }
  rmSync(newFile, { force: true });
  return `${compiler} failed: ${run.stderr.trim().split('\n').at(-1)}`;
}

function buildPlugin() {
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
  return compile('xnnpack-plugin.so', [
    '-shared',
    '-fPIC',
    '-fvisibility=hidden',
    join(root, 'native', 'xnnpack-plugin.c'),
    `-L${library}`,
    '-l:libtensorflowlite_c.so',
    // Relative to the plug-in, so that the folder may be moved as a whole (deploy/install does).
    `-Wl,-rpath,$ORIGIN/${relative(out, library)}`,
    '-Wl,--no-undefined',
  ]);
}

/** Why `build` failed; null when it did not. An error of the file system is a reason, too. */
function attempt(build) {
  try {
    return build();
  } catch (error) {
    return error.message;
  }
}

for (const [build, consequence] of [
  [buildPlugin, 'the XNNPACK plug-in was not built, models will run slower'],
  [
    () => compile('child-guard', [join(root, 'native', 'child-guard.c')]),
    'the guard of child processes was not built, the engine will run without its sandbox',
  ],
  [
    () => compile('frames.node', [...addonFlags, join(root, 'native', 'frames.c'), '-lm']),
    'the addon for frames was not built, frames will take more processor time',
  ],
]) {
  const reason = attempt(build);
  if (reason !== null) process.stderr.write(`roomkin: ${consequence}: ${reason}\n`);
}
