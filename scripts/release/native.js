// Compiles the native parts for an architecture: the bindings of better-sqlite3 and TensorFlow Lite, the XNNPACK plug-in, the guard of
// child processes and the addon for frames. The compilers are called directly: node-gyp would link the TensorFlow Lite library of the
// machine that compiles, and writes its paths into the files.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { root, run } from './run.js';
import { fetchNode, lockedPackage } from './sources.js';

/** Debian's names of an architecture: of the compilers, and of the folder in tfjs-tflite-node. */
export const targets = {
  amd64: { triplet: 'x86_64-linux-gnu', cpu: 'x64', tflite: 'linux_amd64' },
  arm64: { triplet: 'aarch64-linux-gnu', cpu: 'arm64', tflite: 'linux_arm64' },
};

/** The newest versions of the C and C++ libraries that a release may need: those of Debian 12 (Bookworm). */
const newest = { GLIBC: '2.36', GLIBCXX: '3.4.30', CXXABI: '1.3.13' };

/** The names of the compilers and the programs of binutils for an architecture. */
export function toolsFor(architecture) {
  const { triplet } = targets[architecture];
  const isNative = run('dpkg', ['--print-architecture']).trim() === architecture;
  const prefix = isNative ? '' : `${triplet}-`;
  return {
    cc: `${prefix}gcc`,
    cxx: `${prefix}g++`,
    strip: `${prefix}strip`,
    objdump: `${prefix}objdump`,
  };
}

/**
 * Compiles everything into `tree`, the folder of a release. The same sources and compilers give the same bytes, wherever the checkout and
 * `tree` are.
 */
export function compileNative(tree, architecture) {
  const { cc, cxx, strip } = toolsFor(architecture);
  const { tflite } = targets[architecture];
  const include = join(fetchNode(architecture), 'include', 'node');
  const objects = mkdtempSync(join(tmpdir(), 'roomkin-objects-'));
  const modules = (name) => join(tree, 'node_modules', name);
  const reproducible = [root, tree, objects, include].map((path) => `-ffile-prefix-map=${path}=.`);
  const common = ['-O2', '-fPIC', '-pthread', '-Wl,--build-id=none', ...reproducible];
  const finish = (path) => run(strip, ['--strip-unneeded', path]);
  const output = (...names) => {
    const path = join(...names);
    mkdirSync(dirname(path), { recursive: true });
    return path;
  };
  try {
    // SQLite and its binding: the flags of better-sqlite3's binding.gyp and deps/defines.gypi.
    const sqlite = lockedPackage('better-sqlite3');
    const amalgamation = join(sqlite, 'deps', 'sqlite3');
    const defines = [
      ...readFileSync(join(sqlite, 'deps', 'defines.gypi'), 'utf8').matchAll(/'([A-Z_0-9]+(?:=[^']*)?)'/g),
    ];
    const object = join(objects, 'sqlite3.o');
    const flags = ['-std=c99', '-w', '-O3', '-DNDEBUG', ...defines.map(([, define]) => `-D${define}`)];
    run(cc, [...common, ...flags, '-c', join(amalgamation, 'sqlite3.c'), '-o', object]);
    const binding = output(modules('better-sqlite3'), 'build', 'Release', 'better_sqlite3.node');
    run(cxx, [
      ...common,
      ...[
        '-shared',
        '-std=c++20',
        '-O3',
        '-w',
        '-fno-rtti',
        '-fno-exceptions',
        '-DNDEBUG',
        '-DBUILDING_NODE_EXTENSION',
      ],
      ...['-DNODE_GYP_MODULE_NAME=better_sqlite3', `-I${include}`, `-I${amalgamation}`],
      ...[join(sqlite, 'src', 'better_sqlite3.cpp'), object, '-o', binding],
      ...['-Wl,-Bsymbolic', '-Wl,--exclude-libs,ALL'],
    ]);
    finish(binding);

    // The binding of TensorFlow Lite.
    const runtime = lockedPackage('tfjs-tflite-node');
    const libraries = join(runtime, 'cc_deps', tflite);
    const tensorflow = output(modules('tfjs-tflite-node'), 'build', 'Release', 'node_tflite_binding.node');
    run(cxx, [
      ...common,
      ...['-shared', '-std=c++17', '-w', '-fexceptions', '-DNAPI_CPP_EXCEPTIONS', '-DBUILDING_NODE_EXTENSION'],
      ...['-DNODE_GYP_MODULE_NAME=node_tflite_binding', `-I${include}`, `-I${join(runtime, 'cc_deps', 'include')}`],
      ...[`-I${lockedPackage('node-addon-api')}`, join(runtime, 'binding', 'node_tflite_binding.cc')],
      ...[join(libraries, 'libtensorflowlite_c.so'), join(libraries, 'libexternal_delegate_obj.so'), '-o', tensorflow],
      `-Wl,-rpath,$ORIGIN/../../cc_deps/${tflite}`,
    ]);
    finish(tensorflow);

    // Our own programs, as scripts/build-native.js compiles them.
    const plugin = output(tree, 'native', 'build', 'xnnpack-plugin.so');
    run(cc, [
      ...common,
      ...['-shared', '-fvisibility=hidden', join(root, 'native', 'xnnpack-plugin.c'), '-o', plugin],
      ...[`-L${libraries}`, '-l:libtensorflowlite_c.so', '-Wl,--no-undefined'],
      `-Wl,-rpath,$ORIGIN/../../node_modules/tfjs-tflite-node/cc_deps/${tflite}`,
    ]);
    finish(plugin);
    const guard = output(tree, 'native', 'build', 'child-guard');
    run(cc, [...common, join(root, 'native', 'child-guard.c'), '-o', guard]);
    finish(guard);
    const frames = output(tree, 'native', 'build', 'frames.node');
    run(cc, [
      ...common,
      ...['-O3', '-ffp-contract=off', '-shared', '-fvisibility=hidden'],
      ...[join(root, 'native', 'frames.c'), '-o', frames, '-lm'],
    ]);
    finish(frames);
  } finally {
    rmSync(objects, { recursive: true });
  }
}

/**
 * The newest versions of glibc and of the C++ library that the programs in `tree` need. Throws an Error if Debian 12 has no such version,
 * or if a file is for another architecture.
 */
export function checkLibraries(tree, architecture) {
  const { objdump } = toolsFor(architecture);
  const needed = { GLIBC: '0', GLIBCXX: '0', CXXABI: '0' };
  for (const path of programsIn(tree)) {
    const description = run(objdump, ['-p', path]);
    const format = { amd64: 'elf64-x86-64', arm64: 'elf64-littleaarch64' }[architecture];
    if (!description.includes(format)) throw new Error(`${path} is not a program for ${architecture}`);
    for (const [, library, version] of description.matchAll(/\b(GLIBC|GLIBCXX|CXXABI)_([\d.]+)\b/g)) {
      if (isNewer(version, newest[library]) && isNeeded(description, library, version))
        throw new Error(
          `${path} needs ${library}_${version}, and Debian 12 has ${newest[library]}: build the release on Debian 12`,
        );
      if (isNewer(version, needed[library]) && isNeeded(description, library, version)) needed[library] = version;
    }
  }
  return needed;
}

/** Whether a version is among the references, not among what a library defines itself. */
function isNeeded(description, library, version) {
  const references = description.slice(description.indexOf('Version References:'));
  return description.includes('Version References:') && references.includes(`${library}_${version}`);
}

function isNewer(version, other) {
  const [a, b] = [version, other].map((text) => text.split('.').map(Number));
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    if ((a[i] ?? 0) !== (b[i] ?? 0)) return (a[i] ?? 0) > (b[i] ?? 0);
  }
  return false;
}

/** Every ELF file in `folder`. */
function programsIn(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) =>
      readFileSync(path)
        .subarray(0, 4)
        .equals(Buffer.from([0x7f, 0x45, 0x4c, 0x46])),
    )
    .sort();
}
