// The folder that a release consists of: the compiled program, what it loads, its native parts for one architecture, Node and the models.
// It may lie anywhere.
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { copyModules } from './modules.js';
import { checkLibraries, compileNative, toolsFor } from './native.js';
import { root, run } from './run.js';
import { fetchNode, nodeVersion } from './sources.js';

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
export const version = manifest.version;

/** The files that are for reading. */
export const documents = [
  'README.md',
  'ARCHITECTURE.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'LICENSE',
  'MODEL_CARD.md',
  'SECURITY.md',
];
export const documentFolders = ['docs', 'examples', 'blueprints'];

const launcher = `#!/bin/sh
# Starts roomkin with the Node of this folder, wherever the folder is.
root=$(dirname "$(dirname "$(readlink -f "$0")")")
exec "$root/node/node" "$root/bin/roomkin.js" "$@"
`;

/** Compiles the TypeScript into a new folder. The caller removes it. */
export function compileProgram() {
  const folder = mkdtempSync(join(tmpdir(), 'roomkin-dist-'));
  const dist = join(folder, 'dist');
  run(process.execPath, [
    join(root, 'node_modules', 'typescript', 'bin', 'tsc'),
    '-p',
    'tsconfig.json',
    '--outDir',
    dist,
  ]);
  // The man page and the completions come from the same program, where its packages are found.
  cpSync(dist, join(root, 'dist'), { recursive: true });
  run(process.execPath, [join(root, 'scripts', 'build-share.js')]);
  return { folder, dist };
}

/**
 * Makes the tree in `tree`. `say` gets a line for each step. Returns what the program needs of glibc and the C++ library, and the
 * packages in the tree.
 */
export function makeTree(tree, dist, architecture, say) {
  const take = (name) => {
    mkdirSync(dirname(join(tree, name)), { recursive: true });
    cpSync(join(root, name), join(tree, name), { recursive: true });
  };
  say(`Node ${nodeVersion}`);
  const node = fetchNode(architecture);
  mkdirSync(join(tree, 'node'), { recursive: true });
  const program = join(tree, 'node', 'node');
  copyFileSync(join(node, 'bin', 'node'), program);
  // The table of symbols is 15 % of the file. Only a debugger reads it; native modules use the dynamic one.
  run(toolsFor(architecture).strip, ['--strip-unneeded', program]);
  copyFileSync(join(node, 'LICENSE'), join(tree, 'node', 'LICENSE'));

  say('the program and the packages that it loads');
  cpSync(dist, join(tree, 'dist'), { recursive: true });
  const packages = copyModules(dist, tree, architecture);
  for (const name of ['models', 'page', 'config.example.toml', 'LICENSE']) take(name);
  for (const name of ['start', 'roomkin']) take(join('deploy', 'container', name));
  mkdirSync(join(tree, 'deploy', 'systemd'), { recursive: true });
  const { name, description, license, type, engines } = manifest;
  writeJson(join(tree, 'package.json'), { name, version, description, license, private: true, type, engines });
  mkdirSync(join(tree, 'bin'));
  writeFileSync(join(tree, 'bin', 'roomkin'), launcher, { mode: 0o755 });
  copyFileSync(join(root, 'bin', 'roomkin'), join(tree, 'bin', 'roomkin.js'));

  say('the native parts (some minutes)');
  compileNative(tree, architecture);
  const libraries = checkLibraries(tree, architecture);

  say('licences and the bill of materials');
  writeFileSync(join(tree, 'LICENSES.txt'), licenceText(packages));
  writeBill(tree, packages);
  return { libraries, packages };
}

const writeJson = (path, value) => writeFileSync(path, `${JSON.stringify(value, null, 2)}\n`);

/** The texts of all licences. Equal texts are printed once. */
function licenceText(packages) {
  const groups = new Map();
  for (const { name, version, licence, texts } of packages) {
    const text = texts.join('\n').trim() || `${licence}: the package comes without the text of its licence.`;
    groups.set(text, [...(groups.get(text) ?? []), `${name} ${version} (${licence})`]);
  }
  const head =
    'Licences of the packages in this release. LICENSE is that of roomkin, node/LICENSE that of Node and its libraries,\n' +
    'node_modules/@img/sharp-libvips-*/README.md lists those of libvips and its libraries, MODEL_CARD.md has the terms of the models.\n';
  return [head, ...[...groups].map(([text, names]) => `${'='.repeat(80)}\n${names.join('\n')}\n\n${text}\n`)].join(
    '\n',
  );
}

/** dist/roomkin.cdx.json: what `npm run sbom` lists, less what this release leaves out, and Node. */
function writeBill(tree, packages) {
  const folder = mkdtempSync(join(tmpdir(), 'roomkin-bill-'));
  try {
    const [out, docs] = [join(folder, 'bill.json'), join(folder, 'dependencies.md')];
    copyFileSync(join(root, 'docs', 'dependencies.md'), docs);
    run(process.execPath, [join(root, 'scripts', 'sbom.js'), '--out', out, '--docs', docs]);
    const { $schema, serialNumber: _, ...bill } = JSON.parse(readFileSync(out, 'utf8'));
    const names = new Set(packages.map((entry) => entry.name));
    const isThere = ({ purl, name }) =>
      purl === undefined || names.has(name) || names.has(decodeURIComponent(nameOf(purl)));
    const components = bill.components.filter(isThere);
    const nodeRef = `node@${nodeVersion}`;
    components.push({
      type: 'platform',
      'bom-ref': nodeRef,
      name: 'node',
      version: nodeVersion,
      scope: 'required',
      hashes: [{ alg: 'SHA-256', content: sha256(join(tree, 'node', 'node')) }],
      licenses: [{ license: { id: 'MIT' } }],
    });
    const refs = new Set(components.map((component) => component['bom-ref']));
    const own = bill.metadata.component['bom-ref'];
    const dependencies = bill.dependencies
      .filter(({ ref }) => refs.has(ref) || ref === own)
      .map(({ ref, dependsOn }) => {
        const needed = dependsOn.filter((other) => refs.has(other));
        return { ref, dependsOn: ref === own ? [...needed, nodeRef].sort() : needed };
      });
    const content = { ...bill, components, dependencies };
    const digest = createHash('sha256').update(JSON.stringify(content)).digest('hex');
    const uuid = `${digest.slice(0, 8)}-${digest.slice(8, 12)}-8${digest.slice(13, 16)}-a${digest.slice(17, 20)}-${digest.slice(20, 32)}`;
    writeJson(join(tree, 'dist', 'roomkin.cdx.json'), { $schema, serialNumber: `urn:uuid:${uuid}`, ...content });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The name of the package in `pkg:npm/NAME@VERSION`. */
const nameOf = (purl) => purl.slice('pkg:npm/'.length, purl.lastIndexOf('@'));

export const sha256 = (path) => createHash('sha256').update(readFileSync(path)).digest('hex');

/** The unit for an installation whose program is /usr/bin/roomkin. */
export function unitText() {
  return readFileSync(join(root, 'deploy', 'systemd', 'roomkin.service'), 'utf8')
    .replaceAll('/opt/roomkin/current/bin/roomkin', '/usr/bin/roomkin')
    .replaceAll('/opt/roomkin/current/README.md', '/usr/share/doc/roomkin/README.md');
}

/** The man page and the completions: their paths below dist/share. */
export function manualFiles() {
  const folder = join(root, 'dist', 'share');
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

/** Gives every file and folder the mode 0755 or 0644, and the time of the release. */
export function normalise(folder, seconds) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isSymbolicLink()) continue;
    if (entry.isDirectory()) normalise(path, seconds);
    else chmodSync(path, statSync(path).mode & 0o100 ? 0o755 : 0o644);
  }
  chmodSync(folder, 0o755);
}
