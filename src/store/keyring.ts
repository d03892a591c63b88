// Every person has a random key of their own, and the key file wraps these keys. Forgetting a person deletes their wrapped key, so no
// copy of their templates can be opened. The key file is created once, is private to its owner, and is never replaced silently.
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
  renameSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fail } from '../base/errors.js';
import { decodeText } from '../base/text.js';
import { seal, unseal } from './seal.js';

/** Name of the systemd credential (`LoadCredential=roomkin-key:...`) that takes the place of the key file. */
export const keyCredential = 'roomkin-key';

export interface Keyring {
  /** 16 bytes that identify the key file and reveal nothing about the key. */
  readonly fingerprint: Buffer;
  /** Creates a random key and wraps it for `owner`. */
  create(owner: string): { readonly key: Buffer; readonly wrapped: Buffer };
  /** Wraps a key that another room created for `owner`. */
  wrap(key: Uint8Array, owner: string): Buffer;
  /** The key; null if it was wrapped by another key file or for another owner, or is damaged. */
  unwrap(wrapped: Uint8Array, owner: string): Buffer | null;
  /** The 32-byte key for another use. The key file does not follow from it, nor does the key of one use from that of another. */
  derive(use: string): Buffer;
}

/**
 * Reads the key: the credential `roomkin-key` if systemd passed one, else `keyFile` (64 hexadecimal digits). Creates a missing key file
 * unless `mustExist` is set, because an encrypted gallery must not get a second key.
 * Errors: KEY_FILE (missing, not private, owned by another user, not a key).
 */
export function openKeyring(keyFile: string, mustExist: boolean, environment = process.env): Keyring {
  const credential = readCredential(keyCredential, environment);
  if (credential) return createKeyring(credential);
  if (!existsSync(keyFile)) {
    if (mustExist) {
      const advice = 'restore it from a backup, or import an exported gallery into an empty store';
      throw fail('KEY_FILE', `the key file of the gallery is missing (${keyFile}): ${advice}`);
    }
    makeKeyFile(keyFile, randomBytes(32));
  }
  return createKeyring(readKeyFile(keyFile));
}

/** The key in the systemd credential `name`; null if there is none. Errors: KEY_FILE. */
export function readCredential(name: string, environment = process.env): Buffer | null {
  const path = credentialPath(name, environment);
  return path === null ? null : parseKey(readFileSync(path), path);
}

/** The file of the systemd credential `name`; null if there is none. */
export function credentialPath(name: string, environment = process.env): string | null {
  const credentials = environment['CREDENTIALS_DIRECTORY'];
  const path = credentials ? join(credentials, name) : null;
  return path && existsSync(path) ? path : null;
}

function createKeyring(master: Buffer): Keyring {
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
    derive: (use) => Buffer.from(hkdfSync('sha256', master, '', `roomkin ${use}`, 32)),
  };
}

/** The 32 bytes of a key file. Only its owner may have access to the file. Errors: KEY_FILE. */
export function readKeyFile(path: string): Buffer {
  return parseKey(readPrivateFile(path), path);
}

/** The bytes of a file with a secret. Only its owner may have access to the file. Errors: KEY_FILE. */
export function readPrivateFile(path: string): Buffer {
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
    const stats = fstatSync(file);
    if (!stats.isFile()) throw fail('KEY_FILE', `the key file ${path} is not a regular file`);
    if ((stats.mode & 0o077) !== 0) {
      const mode = (stats.mode & 0o777).toString(8).padStart(4, '0');
      throw fail('KEY_FILE', `the key file ${path} has mode ${mode}, so other users can read it: chmod 600 ${path}`);
    }
    const user = process.geteuid?.() ?? stats.uid;
    if (user !== 0 && stats.uid !== user)
      throw fail(
        'KEY_FILE',
        `the key file ${path} belongs to user ${stats.uid}, not to user ${user}: run as its owner`,
      );
    if (stats.size > 4096) throw notAKey(path);
    return readFileSync(file);
  } finally {
    closeSync(file);
  }
}

function parseKey(bytes: Buffer, path: string): Buffer {
  const decoded = decodeText(bytes);
  const text = typeof decoded === 'string' ? decoded.trim() : '';
  if (!/^[0-9a-f]{64}$/i.test(text)) throw notAKey(path);
  return Buffer.from(text, 'hex');
}

/** The error for a file that holds no key. */
export function notAKey(path: string): Error {
  return fail('KEY_FILE', `${path} is not a key (64 hexadecimal digits): restore it from a backup`);
}

/**
 * Creates `path` with `key` unless the file exists. The key is written to a temporary file that is then linked to `path`. A crash
 * leaves no partial key, and if two processes start at once, one link wins and both read the same key. Errors: KEY_FILE.
 */
export function makeKeyFile(path: string, key: Uint8Array): void {
  writePrivateFile(path, `${Buffer.from(key).toString('hex')}\n`, (part) => {
    try {
      linkSync(part, path);
    } catch (cause) {
      if (errorCode(cause) !== 'EEXIST') throw cause;
    } finally {
      unlinkSync(part);
    }
  });
}

/** Writes the secret `text` in place of the file `path`. A crash leaves the old or the new file. Errors: KEY_FILE. */
export function replacePrivateFile(path: string, text: string): void {
  writePrivateFile(path, text, (part) => renameSync(part, path));
}

/** Writes `text` to a temporary file, which `place` moves to `path`. */
function writePrivateFile(path: string, text: string, place: (part: string) => void): void {
  const part = `${path}.${process.pid}.new`;
  try {
    const file = openSync(part, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
    try {
      fchmodSync(file, 0o600);
      writeSync(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    giveToOwnerOf(dirname(path), part);
    place(part);
    syncFolder(dirname(path));
  } catch (cause) {
    throw fail('KEY_FILE', `cannot create the key file ${path} (${errorCode(cause)}): make its folder writable`, cause);
  }
}

/** As root, gives `path` to the owner of `folder`, so that the daemon can read what root enrolled. */
export function giveToOwnerOf(folder: string, path: string): void {
  if (process.geteuid?.() !== 0) return;
  const { uid, gid } = statSync(folder);
  if (uid !== 0) chownSync(path, uid, gid);
}

export function syncFolder(path: string): void {
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
