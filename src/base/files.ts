// A file that is there is whole: it is written beside its place, forced to the disk and then named.

import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fail } from './errors.js';

/** Writes a file that only its owner may read and that was not there before. Errors: OUTPUT. */
export function writeNewFile(path: string, bytes: Uint8Array): void {
  const part = `${path}.${process.pid}.part`;
  try {
    const file = openSync(part, 'wx', 0o600);
    try {
      writeFileSync(file, bytes);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    giveName(part, path);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const why = code === 'EEXIST' ? 'is there already: choose another name' : `cannot be written (${code})`;
    throw fail('OUTPUT', `${path} ${why}`, cause);
  } finally {
    rmSync(part, { force: true });
  }
}

// link(2) never replaces a file. A USB stick's file system has no links: there the name is checked and then taken.
function giveName(part: string, path: string): void {
  try {
    linkSync(part, path);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'EEXIST' || existsSync(path)) throw Object.assign(new Error('exists'), { code: 'EEXIST' });
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'EOPNOTSUPP' && code !== 'ENOSYS') throw cause;
    renameSync(part, path);
  }
}

// Files beside the code (models, config.example.toml) are found from the package's root, wherever it was compiled to.

/** The folder that holds roomkin's package.json and models/. */
export const packageRoot: string = findRoot(dirname(fileURLToPath(import.meta.url)));

/** roomkin's version, as in package.json. */
export const packageVersion: string = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')).version;

function findRoot(from: string): string {
  for (let folder = from; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json'))) return folder;
    if (folder === dirname(folder)) throw new Error(`no package.json above ${from}`);
  }
}
