// npm run sbom: what an installed roomkin consists of, and under which licences.
//   dist/roomkin.cdx.json   a CycloneDX 1.6 document: packages, libraries inside packages, programs in C, models
//   docs/dependencies.md    the same as tables, between the marks
// The output depends on package-lock.json, the installed packages and the model manifest only: no time, no random number, no path.
//
//   node scripts/sbom.js [--out FILE] [--docs FILE]
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = join(root, 'node_modules');
const { values: options } = parseArgs({
  options: {
    out: { type: 'string', default: join(root, 'dist', 'roomkin.cdx.json') },
    docs: { type: 'string', default: join(root, 'docs', 'dependencies.md') },
  },
});
const readJson = (...names) => JSON.parse(readFileSync(join(root, ...names), 'utf8'));
const manifest = readJson('package.json');
const lock = readJson('package-lock.json').packages;

// Packages.

/** Whether npm installs a package of the lock file on a machine that roomkin supports: Linux with glibc, x64 or arm64. */
function isSupported({ os = ['linux'], cpu = ['x64', 'arm64'], libc = ['glibc'] }) {
  return os.includes('linux') && libc.includes('glibc') && (cpu.includes('x64') || cpu.includes('arm64'));
}

const nameIn = (path) => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
const unsupported = new Set(
  Object.entries(lock)
    .filter(([path, entry]) => path !== '' && (!isSupported(entry) || nameIn(path).includes('wasm32')))
    .map(([path, { version }]) => `${nameIn(path)}@${version}`),
);

/** The packages that `npm ci --omit=dev` installs, and what each needs. */
function runtimePackages() {
  // Not --omit=dev: it also omits a package that a development package needs too.
  const args = ['sbom', '--sbom-format=cyclonedx', '--package-lock-only'];
  const npm = spawnSync('npm', args, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 26 });
  if (npm.status !== 0) throw new Error(`npm sbom failed: ${npm.error?.message ?? npm.stderr}`);
  const { components, dependencies } = JSON.parse(npm.stdout);
  const own = `${manifest.name}@${manifest.version}`;
  const ofDevelopment = new Set(
    Object.entries(manifest.devDependencies).map(([name, version]) => `${name}@${version}`),
  );
  const needs = new Map(
    dependencies.map(({ ref, dependsOn }) => [
      ref,
      dependsOn.filter((id) => !unsupported.has(id) && !(ref === own && ofDevelopment.has(id))),
    ]),
  );
  const reached = reachable(own, needs);
  const packages = components
    .filter((component) => reached.has(component['bom-ref']))
    .map(({ 'bom-ref': ref, name, version, scope, licenses, purl, hashes }) => {
      return { type: 'library', 'bom-ref': ref, name, version, scope, hashes, licenses, purl };
    });
  return { own, packages, needs: new Map([...needs].filter(([ref]) => reached.has(ref))) };
}

function reachable(from, needs) {
  const reached = new Set();
  const waiting = [from];
  for (let ref = waiting.pop(); ref !== undefined; ref = waiting.pop()) {
    if (reached.has(ref)) continue;
    reached.add(ref);
    waiting.push(...(needs.get(ref) ?? []));
  }
  return reached;
}

// What npm does not list: libraries inside packages, our own programs, models.

const sha256 = (...names) => ({
  alg: 'SHA-256',
  content: createHash('sha256')
    .update(readFileSync(join(root, ...names)))
    .digest('hex'),
});
/** The words of sharp's libvips for a licence → its SPDX id. It uses the LGPL through the clause "or any later version". */
const spdx = {
  'BSD 2-Clause': 'BSD-2-Clause',
  'BSD 3-Clause': 'BSD-3-Clause',
  LGPLv3: 'LGPL-3.0-or-later',
  'MIT License': 'MIT',
  'Mozilla Public License 1.1': 'MPL-1.1',
  'New BSD License': 'BSD-3-Clause',
  'freetype License (BSD-like)': 'FTL',
  'libpng License': 'libpng-2.0',
  'libtiff License (BSD-like)': 'libtiff',
  'zlib License': 'Zlib',
};
const spdxIds = new Set([...Object.values(spdx), 'Apache-2.0', 'blessing']);
/** By its SPDX id where it has one, else by its name. */
function licence(text) {
  const id = spdx[text] ?? text;
  return { license: spdxIds.has(id) ? { id } : { name: text } };
}

/** SQLite, as source in better-sqlite3. */
function sqlite() {
  const header = readFileSync(join(modules, 'better-sqlite3', 'deps', 'sqlite3', 'sqlite3.h'), 'utf8');
  const [, version] = /#define SQLITE_VERSION +"([\d.]+)"/.exec(header);
  return { name: 'sqlite', version, licenses: [licence('blessing')], in: 'better-sqlite3' };
}

/** The C library of TensorFlow Lite, compiled, in tfjs-tflite-node. `TfLiteVersion()` of both files gives this version. */
function tensorflowLite() {
  const folder = ['node_modules', 'tfjs-tflite-node', 'cc_deps'];
  const hashes = ['linux_amd64', 'linux_arm64'].map((name) => sha256(...folder, name, 'libtensorflowlite_c.so'));
  const description = 'libtensorflowlite_c.so for x64 and arm64, with XNNPACK; the hashes are in this order';
  const licenses = [licence('Apache-2.0')];
  return { name: 'tensorflow-lite', version: '2.9.0', description, hashes, licenses, in: 'tfjs-tflite-node' };
}

/** The libraries in sharp's libvips. Its README lists their licences, versions.json their versions. */
function libvipsLibraries() {
  const packageName = ['x64', 'arm64']
    .map((cpu) => `@img/sharp-libvips-linux-${cpu}`)
    .find((name) => existsSync(join(modules, name)));
  if (packageName === undefined) throw new Error('sharp is not installed for Linux with glibc: npm ci');
  const readme = readFileSync(join(modules, packageName, 'README.md'), 'utf8');
  const versions = readJson('node_modules', packageName, 'versions.json');
  const rows = [...readme.matchAll(/^\| ([a-z0-9-]+) +\| (.+?) +\|$/gm)];
  return rows.map(([, name, words]) => {
    const version =
      versions[name] ?? versions[name.replace(/^lib/, '')] ?? versions[name.replace('libultrahdr', 'uhdr')];
    const text = words.replace(/\[([^\]]+)\]\([^)]+\)/g, '$1');
    return { name, ...(version && { version }), licenses: [licence(text)], in: '@img/sharp-libvips-linux' };
  });
}

function programs() {
  return ['child-guard', 'frames', 'xnnpack-plugin'].map((name) => {
    const description = `native/${name}.c, compiled at installation`;
    const common = { version: manifest.version, licenses: [licence(manifest.license)], in: manifest.name };
    return { name, description, hashes: [sha256('native', `${name}.c`)], ...common };
  });
}

/** The models that an installation holds: those of development packages are not among them. */
function models() {
  const { models: entries, cohorts } = readJson('models', 'int8', 'manifest.json');
  const packageOf = ({ file }) => /^package:((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1];
  const shipped = entries.filter(
    (entry) => packageOf(entry) === undefined || packageOf(entry) in manifest.dependencies,
  );
  const ofModel = (entry) => ({
    type: 'machine-learning-model',
    name: entry.id,
    description: `${entry.task}; source: ${entry.source}; trained on: ${entry.trainedOn}`,
    hashes: [{ alg: 'SHA-256', content: entry.sha256 }],
    licenses: [licence(entry.licence)],
    in: packageOf(entry) ?? manifest.name,
  });
  const ofCohort = (cohort) => ({
    type: 'data',
    name: cohort.file,
    description: `${cohort.count} embeddings of ${cohort.embedder}, made from: ${Object.keys(cohort.madeFrom).join(', ')}`,
    hashes: [{ alg: 'SHA-256', content: cohort.sha256 }],
    licenses: [licence('the terms of the picture sets (see MODEL_CARD.md)')],
    in: manifest.name,
  });
  return [...shipped.map(ofModel), ...cohorts.map(ofCohort)];
}

const { own, packages, needs } = runtimePackages();
const parts = [sqlite(), tensorflowLite(), ...libvipsLibraries(), ...programs(), ...models()];

// The document.

const byRef = (a, b) => (a['bom-ref'] < b['bom-ref'] ? -1 : 1);

function document() {
  const partComponents = parts.map(({ in: holder, type = 'library', name, version, description, hashes, licenses }) => {
    const ref = `${holder}#${name}`;
    return { type, 'bom-ref': ref, name, version, description, scope: 'required', hashes, licenses };
  });
  const held = (ref) =>
    parts
      .filter(({ in: holder }) => ref.startsWith(`${holder}@`) || ref.startsWith(`${holder}-`))
      .map((part) => `${part.in}#${part.name}`);
  const dependencies = [...needs.keys()]
    .sort()
    .map((ref) => ({ ref, dependsOn: [...needs.get(ref), ...held(ref)].sort() }));
  const content = {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: {
      lifecycles: [{ phase: 'build' }],
      component: {
        type: 'application',
        'bom-ref': own,
        name: manifest.name,
        version: manifest.version,
        description: manifest.description,
        licenses: [licence(manifest.license)],
        purl: `pkg:npm/${manifest.name}@${manifest.version}`,
      },
    },
    components: [...packages, ...partComponents].sort(byRef),
    dependencies,
  };
  const digest = createHash('sha256').update(JSON.stringify(content)).digest('hex');
  // A UUID of version 8 (RFC 9562): the same content has the same number.
  const uuid = `${digest.slice(0, 8)}-${digest.slice(8, 12)}-8${digest.slice(13, 16)}-a${digest.slice(17, 20)}-${digest.slice(20, 32)}`;
  return { $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json', serialNumber: `urn:uuid:${uuid}`, ...content };
}

// The tables.

/** Bytes of the files in `folder` that run or could run, without what a compiler left there. */
function sizeOf(folder) {
  let bytes = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    const left =
      ['obj.target', 'obj', '.deps', 'node_modules'].includes(entry.name) || /\.(o|a|d|mk)$/.test(entry.name);
    if (left) continue;
    if (entry.isDirectory()) bytes += sizeOf(path);
    else if (entry.isFile()) bytes += statSync(path).size;
  }
  return bytes;
}

const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;
const textOf = ({ licenses = [] }) =>
  licenses.map(({ license, expression }) => expression ?? license.id ?? license.name).join(', ');
const table = (head, rows) =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

function packageTable() {
  const sizes = new Map(
    packages.map(({ name }) => [name, existsSync(join(modules, name)) ? sizeOf(join(modules, name)) : 0]),
  );
  const rows = Object.keys(manifest.dependencies).map((name) => {
    const component = packages.find(
      (candidate) => candidate.name === name && candidate.version === manifest.dependencies[name],
    );
    const names = new Set([...reachable(component['bom-ref'], needs)].map((ref) => ref.slice(0, ref.lastIndexOf('@'))));
    const all = [...names].reduce((sum, each) => sum + (sizes.get(each) ?? 0), 0);
    return [
      `\`${name}\``,
      component.version,
      textOf(component),
      megabytes(sizes.get(name)),
      names.size - 1,
      megabytes(all),
    ];
  });
  return table(['package', 'version', 'licence', 'size', 'brings packages', 'size with them'], rows);
}

const partTable = () =>
  table(
    ['part', 'version', 'licence', 'comes with'],
    parts.map((part) => [part.name, part.version ?? '', textOf(part), `\`${part.in}\``]),
  );

function licenceTable() {
  const groups = new Map();
  for (const component of packages) {
    const text = textOf(component) || 'not stated';
    groups.set(text, [...(groups.get(text) ?? []), `${component.name} ${component.version}`]);
  }
  const rows = [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([text, names]) => [text, names.length, names.sort().join(', ')]);
  return table(['licence', 'packages', ''], rows);
}

/** `text` with `content` between the marks of `name`. */
function filled(text, name, content) {
  const [begin, end] = [`<!-- ${name}: written by npm run sbom -->`, `<!-- end of ${name} -->`];
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`${options.docs} has no marks for ${name}`);
  return `${text.slice(0, from + begin.length)}\n\n${content}\n\n${text.slice(to)}`;
}

mkdirSync(dirname(options.out), { recursive: true });
writeFileSync(options.out, `${JSON.stringify(document(), null, 2)}\n`);
const before = readFileSync(options.docs, 'utf8');
const after = [
  ['packages', packageTable()],
  ['parts', partTable()],
  ['licences', licenceTable()],
].reduce((text, [name, content]) => filled(text, name, content), before);
if (after !== before) writeFileSync(options.docs, after);
process.stdout.write(`${options.out}: ${packages.length} packages, ${parts.length} other parts\n`);
