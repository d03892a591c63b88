// Which files of node_modules the compiled program loads: a walk over its imports, resolved by Node itself. A release holds these files
// and no others, so a new dependency needs no entry here unless it loads files in a way that cannot be read from its source.
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { createRequire, isBuiltin } from 'node:module';
import { dirname, extname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { targets } from './native.js';
import { root } from './run.js';
import { lockedPackage } from './sources.js';

/** Imports that nothing answers in an installation: a package asks whether they are there, and goes on without them. */
const absent = [
  /^supports-color$/, // debug: colours on a terminal
  /^(bufferutil|utf-8-validate)$/, // ws: native helpers
  /^@img\/sharp-/, // sharp: one name for each platform; nativeFiles() takes the right one
  /^\.\.\/src\/build\/Release\/sharp-/, // sharp: compiled from source
  ...optionalPeers().map((name) => new RegExp(`^${name}(/|$)`)), // installed by whoever wants them
];

function optionalPeers() {
  const { peerDependenciesMeta } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  return Object.keys(peerDependenciesMeta).filter((name) => peerDependenciesMeta[name].optional);
}

/** Files of packages that are found by a path which is put together while the program runs. */
function nativeFiles(architecture) {
  const { cpu, tflite } = targets[architecture];
  return [
    ['better-sqlite3', ['package.json']],
    ['tfjs-tflite-node', ['package.json', `cc_deps/${tflite}`]],
    [`@img/sharp-linux-${cpu}`, ['package.json', 'index.cjs', 'lib']],
    [`@img/sharp-libvips-linux-${cpu}`, ['package.json', 'README.md', 'versions.json', 'lib']],
    ['@mediapipe/face_detection', ['package.json', 'face_detection_full_range.tflite']],
  ];
}

const importPattern =
  /(?:\bfrom\s*|\bimport\s*\(\s*|\bimport\s+|\brequire\s*\(\s*|\brequire\.resolve\s*\(\s*)(["'])(\.{1,2}|(?:\.{0,2}\/|[@\w])[\w@./:-]*)\1/g;

/** The path that `specifier` has for `file`; null for a part of Node and for what may be absent. Throws an Error otherwise. */
function resolveFrom(file, specifier) {
  if (isBuiltin(specifier) || absent.some((pattern) => pattern.test(specifier))) return null;
  const isInstalled = file.startsWith(join(root, 'node_modules'));
  const isModule = !isInstalled || extname(file) === '.mjs' || (extname(file) === '.js' && typeOf(file) === 'module');
  if (!isModule) return createRequire(file).resolve(specifier);
  if (specifier.startsWith('.')) return join(dirname(file), specifier);
  // The compiled program may lie elsewhere than the packages it loads.
  const from = isInstalled ? file : join(root, 'dist', 'cli.js');
  return fileURLToPath(import.meta.resolve(specifier, pathToFileURL(from).href));
}

function typeOf(file) {
  const { path } = packageOf(file);
  return JSON.parse(readFileSync(join(path, 'package.json'), 'utf8')).type ?? 'commonjs';
}

/** The package that holds a file: its folder, and its path below the checkout. */
function packageOf(file) {
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    const manifest = join(folder, 'package.json');
    if (existsSync(manifest) && (folder === root || 'name' in JSON.parse(readFileSync(manifest, 'utf8'))))
      return { path: folder, name: relative(join(root, 'node_modules'), folder) };
    if (folder === dirname(folder)) throw new Error(`${file} is in no package`);
  }
}

/** Comments name other packages in their examples. */
const withoutComments = (text) => text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');

/** Every file of node_modules that the modules in `folder` load, with the packages' descriptions. Paths below the checkout. */
function loadedFiles(folder) {
  const waiting = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.js'))
    .map((name) => join(folder, name));
  const seen = new Set(waiting);
  const found = new Set();
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (file.startsWith(join(root, 'node_modules'))) {
      found.add(file);
      for (let at = dirname(file); at !== join(root, 'node_modules'); at = dirname(at)) {
        if (existsSync(join(at, 'package.json'))) found.add(join(at, 'package.json'));
      }
    }
    if (!/\.[cm]?js$/.test(file)) continue;
    for (const [, , specifier] of withoutComments(readFileSync(file, 'utf8')).matchAll(importPattern)) {
      let target;
      try {
        target = resolveFrom(file, specifier);
      } catch (error) {
        throw new Error(`${relative(root, file)} imports ${specifier}, which is not installed: ${error.message}`);
      }
      if (target === null || seen.has(target)) continue;
      seen.add(target);
      waiting.push(target);
    }
  }
  return [...found];
}

const licencePattern = /^(licen[cs]e|copying|notice)([.-].*)?$/i;

/**
 * Copies what the program in `dist` loads to `tree`/node_modules, for an architecture. Returns the packages, sorted by name: `name`,
 * `version`, `licence` and `texts`, the texts of its licence.
 */
export function copyModules(dist, tree, architecture) {
  const packages = new Map();
  const copy = (from, to) => {
    mkdirSync(dirname(to), { recursive: true });
    copyFileSync(from, to);
  };
  const note = (name, folder) => {
    if (packages.has(name)) return;
    const { version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const texts = readdirSync(folder)
      .filter((file) => licencePattern.test(file))
      .sort();
    packages.set(name, {
      name,
      version,
      licence: license,
      texts: texts.map((file) => readFileSync(join(folder, file), 'utf8')),
    });
  };
  for (const file of loadedFiles(dist)) {
    copy(file, join(tree, relative(root, file)));
    const { path, name } = packageOf(file);
    note(name, path);
  }
  for (const [name, parts] of nativeFiles(architecture)) {
    const folder = lockedPackage(name);
    for (const part of parts) {
      for (const file of filesOf(join(folder, part)))
        copy(file, join(tree, 'node_modules', name, relative(folder, file)));
    }
    note(name, folder);
  }
  return [...packages.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function filesOf(path) {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
