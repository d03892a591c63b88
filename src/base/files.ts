// A file that exists is complete: it is written under a temporary name, synced to the disk and then renamed.

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

/** Writes a new file that only its owner may read. Errors: OUTPUT (it exists, or it cannot be written). */
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
    const why = code === 'EEXIST' ? 'exists already: choose another name' : `cannot be written (${code})`;
    throw fail('OUTPUT', `${path} ${why}`, cause);
  } finally {
    rmSync(part, { force: true });
  }
}

/**
 * Replaces the file `path`, or makes it. A crash leaves the old or the new one. Only its owner may read it, unless `share` changes the
 * open file or its path `part` before the file gets its name. Errors: those of the file system.
 */
export function replaceFile(path: string, text: string, share?: (file: number, part: string) => void): void {
  const part = `${path}.${process.pid}.part`;
  try {
    const file = openSync(part, 'wx', 0o600);
    try {
      writeFileSync(file, text);
      share?.(file, part);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(part, path);
  } finally {
    rmSync(part, { force: true });
  }
}

// link(2) never replaces a file. The file system of a USB stick may have no links. There the name is checked before the rename.
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

// Files beside the code (models, config.example.toml) are found from the package's root, whichever folder holds the compiled code.

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
