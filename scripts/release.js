// npm run release: a package for Debian and a tarball for each architecture, from a checkout after `npm ci`, on Debian for x86-64.
//   release/roomkin_VERSION_ARCH.deb            for `apt install`
//   release/roomkin-VERSION-linux-ARCH.tar.xz   runs wherever it is unpacked
//   release/SHA256SUMS
// Nothing is compiled where they are installed. Two builds of a commit are equal byte for byte.
//
//   npm run release -- [--arch amd64|arm64] [--out DIR] [--quick] [--verify]
//
// --quick compresses little: larger files in a third of the time, for a try.
// --verify builds everything twice, in different folders, and compares.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { writeDeb, writeTarball } from './release/archives.js';
import { targets } from './release/native.js';
import { root, run } from './release/run.js';
import { compileProgram, makeTree, normalise, sha256 } from './release/tree.js';

const { values: options } = parseArgs({
  options: {
    arch: { type: 'string', multiple: true, default: Object.keys(targets) },
    out: { type: 'string', default: join(root, 'release') },
    quick: { type: 'boolean', default: false },
    verify: { type: 'boolean', default: false },
  },
});

let step = 'the start';
const startMs = performance.now();
function say(text) {
  step = text;
  process.stderr.write(`release: ${((performance.now() - startMs) / 1000).toFixed(0).padStart(4)} s  ${text}\n`);
}

/** The time of the commit: the same for everybody who builds it. */
function releaseSeconds() {
  const given = process.env.SOURCE_DATE_EPOCH;
  return given === undefined ? Number(run('git', ['log', '-1', '--format=%ct']).trim()) : Number(given);
}

function build(out, seconds) {
  const settings = { seconds, level: options.quick ? 0 : 6 };
  mkdirSync(out, { recursive: true });
  say('compile the program');
  const { folder, dist } = compileProgram();
  try {
    return options.arch.flatMap((architecture) => {
      const tree = mkdtempSync(join(tmpdir(), 'roomkin-tree-'));
      try {
        const { libraries, packages } = makeTree(tree, dist, architecture, (text) => say(`${architecture}: ${text}`));
        normalise(tree);
        say(`${architecture}: the archives`);
        const paths = [
          writeDeb(tree, architecture, libraries, out, settings),
          writeTarball(tree, architecture, out, settings),
        ];
        const needs = `needs glibc ${libraries.GLIBC} and GLIBCXX ${libraries.GLIBCXX}`;
        say(`${architecture}: ${packages.length} packages, ${needs}`);
        return paths;
      } finally {
        rmSync(tree, { recursive: true });
      }
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function main() {
  for (const architecture of options.arch) {
    if (!(architecture in targets)) throw new Error(`--arch must be one of: ${Object.keys(targets).join(', ')}`);
  }
  if (process.platform !== 'linux' || process.arch !== 'x64') throw new Error('a release is built on Linux for x86-64');
  if (!existsSync(join(root, 'node_modules'))) throw new Error('run npm ci first');
  const seconds = releaseSeconds();
  const out = resolve(options.out);
  const paths = build(out, seconds);
  if (options.verify) {
    const second = mkdtempSync(join(tmpdir(), 'roomkin-second-'));
    try {
      const others = build(second, seconds);
      const different = paths.filter((path, index) => !readFileSync(path).equals(readFileSync(others[index])));
      if (different.length > 0)
        throw new Error(`the second build differs: ${different.map((path) => basename(path)).join(', ')}`);
      say('the second build is equal byte for byte');
    } finally {
      rmSync(second, { recursive: true });
    }
  }
  writeFileSync(join(out, 'SHA256SUMS'), paths.map((path) => `${sha256(path)}  ${basename(path)}\n`).join(''));
  for (const path of paths) process.stdout.write(`${path}: ${(statSync(path).size / 1e6).toFixed(1)} MB\n`);
}

try {
  main();
} catch (error) {
  process.stderr.write(`release: ${step}: ${error.message}\n`);
  process.exitCode = 1;
}
