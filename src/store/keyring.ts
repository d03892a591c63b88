// Every person has a random key of their own; the key file only wraps those. Forgetting a person drops their wrapped key, and
// with it every copy of their templates. The key file is made once, is private to its owner, and is never replaced silently.
import { createHmac, hkdfSync, randomBytes } from 'node:crypto';
import {
  chownSync,
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  fstatSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fail } from '../base/errors.js';
import { seal, unseal } from './seal.js';

/** Name of the systemd credential (`LoadCredential=roomkin-key:...`) that takes the place of the key file. */
export const keyCredential = 'roomkin-key';

export interface Keyring {
  /** 16 bytes that tell one key file from another and say nothing about the key. */
  readonly fingerprint: Buffer;
  /** A new random key and itself wrapped for `owner`. */
  create(owner: string): { readonly key: Buffer; readonly wrapped: Buffer };
  /** `key` wrapped for `owner`: a key that another room made. */
  wrap(key: Uint8Array, owner: string): Buffer;
  /** The key, or null where it was wrapped by another key file, for another owner, or is damaged. */
  unwrap(wrapped: Uint8Array, owner: string): Buffer | null;
}

/**
 * Reads the key: the credential `roomkin-key` if systemd passed one, else `keyFile` (64 hexadecimal digits). A missing key file
 * is made unless `mustExist`: a gallery that is locked already must not get a second key.
 * Errors: KEY_FILE (missing, not private, another's, not a key).
 */
export function openKeyring(keyFile: string, mustExist: boolean, environment = process.env): Keyring {
  const passed = readCredential(keyCredential, environment);
  if (passed) return keyring(passed);
  if (!existsSync(keyFile)) {
    if (mustExist) {
      const advice = 'bring it back from a backup, or import an exported gallery into an empty store';
      throw fail('KEY_FILE', `the gallery is locked by a key file that is missing (${keyFile}): ${advice}`);
    }
    makeKeyFile(keyFile, randomBytes(32));
  }
  return keyring(readKeyFile(keyFile));
}

/** The key in the systemd credential `name`; null where none was passed. Errors: KEY_FILE. */
export function readCredential(name: string, environment = process.env): Buffer | null {
  const credentials = environment['CREDENTIALS_DIRECTORY'];
  const path = credentials ? join(credentials, name) : null;
  return path && existsSync(path) ? parseKey(readFileSync(path), path) : null;
}

function keyring(master: Buffer): Keyring {
  const wrapKey = Buffer.from(hkdfSync('sha256', master, '', 'roomkin key wrap', 32));
  const place = (owner: string): string[] => ['key', '1', owner];
  const wrap = (key: Uint8Array, owner: string): Buffer => seal(wrapKey, key, place(owner));
  return {
    fingerprint: createHmac('sha256', master).update('roomkin key fingerprint').digest().subarray(0, 16),
    create(owner) {
      const key = randomBytes(32);
      return { key, wrapped: wrap(key, owner) };
    },
    wrap,
    unwrap: (wrapped, owner) => unseal(wrapKey, wrapped, place(owner)),
  };
}

/** The 32 bytes of a key file that is its owner's alone. Errors: KEY_FILE. */
export function readKeyFile(path: string): Buffer {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (cause) {
    throw fail(
      'KEY_FILE',
      `cannot read the key file ${path} (${errorCode(cause)}): run as its owner or with sudo`,
      cause,
    );
  }
  try {
    const found = fstatSync(file);
    if (!found.isFile()) throw fail('KEY_FILE', `the key file ${path} is not a regular file`);
    if ((found.mode & 0o077) !== 0) {
      const mode = (found.mode & 0o777).toString(8).padStart(4, '0');
      throw fail('KEY_FILE', `the key file ${path} has mode ${mode}, so others may read it: chmod 600 ${path}`);
    }
    const user = process.geteuid?.() ?? found.uid;
    if (user !== 0 && found.uid !== user)
      throw fail(
        'KEY_FILE',
        `the key file ${path} belongs to user ${found.uid}, not to user ${user}: run as its owner`,
      );
    if (found.size > 4096) throw notAKey(path);
    return parseKey(readFileSync(file), path);
  } finally {
    closeSync(file);
  }
}

function parseKey(bytes: Buffer, path: string): Buffer {
  const text = bytes.toString('latin1').trim();
  if (!/^[0-9a-f]{64}$/i.test(text)) throw notAKey(path);
  return Buffer.from(text, 'hex');
}

function notAKey(path: string): Error {
  return fail('KEY_FILE', `${path} is not a key (64 hexadecimal digits): bring it back from a backup`);
}

/**
 * Makes `path` with `key`, unless it is there. Written whole beside its place and then linked there: a crash leaves no half key, and
 * of two processes that start at once one link wins and both read the same key. Errors: KEY_FILE.
 */
export function makeKeyFile(path: string, key: Uint8Array): void {
  const part = `${path}.${process.pid}.new`;
  try {
    const file = openSync(part, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
    try {
      fchmodSync(file, 0o600);
      writeSync(file, `${Buffer.from(key).toString('hex')}\n`);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    giveToOwnerOf(dirname(path), part);
    try {
      linkSync(part, path);
    } catch (cause) {
      if (errorCode(cause) !== 'EEXIST') throw cause;
    } finally {
      unlinkSync(part);
    }
    syncFolder(dirname(path));
  } catch (cause) {
    throw fail('KEY_FILE', `cannot make the key file ${path} (${errorCode(cause)}): make its folder writable`, cause);
  }
}

/** With sudo, gives `path` to whom `folder` belongs: the daemon must be able to read what root enrolled. */
export function giveToOwnerOf(folder: string, path: string): void {
  if (process.geteuid?.() !== 0) return;
  const { uid, gid } = statSync(folder);
  if (uid !== 0) chownSync(path, uid, gid);
}

function syncFolder(path: string): void {
  const folder = openSync(path, constants.O_RDONLY);
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

function errorCode(cause: unknown): string {
  return cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
}
