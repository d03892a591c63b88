// The household key, the one secret that the rooms of a household share. Everything about faces that rooms exchange is sealed under it
// and bound to the household's id and to the person. Without the key nothing about a face leaves the room.
import { createHash, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { mkdirSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { fail } from '../base/errors.js';
import type { PersonId } from '../gallery/person.js';
import { makeKeyFile, readCredential, readKeyFile } from '../store/keyring.js';
import { seal, unseal } from '../store/seal.js';

/** Name of the systemd credential that replaces the key file. */
export const householdKeyCredential = 'roomkin-household-key';

/** The operations of the key for one household. */
export interface HouseholdSeal {
  /** 16 bytes that identify the key and the household id and reveal nothing about the key. */
  readonly fingerprint: Buffer;
  /** The opaque name of a person in topics: 32 hexadecimal digits, the same in every room. */
  nameOf(person: PersonId): string;
  /** Seals `plain` and binds it to `name`: under the name of another person it does not open. */
  seal(name: string, plain: Uint8Array): Buffer;
  /** The plain bytes; null if they were not sealed with this key for this household and name. */
  open(name: string, sealed: Uint8Array): Buffer | null;
  /** Keyed hash, hexadecimal. */
  digest(text: string): string;
}

/** `key`: 32 bytes. */
export function createHouseholdSeal(key: Uint8Array, household: string): HouseholdSeal {
  const derive = (use: string): Buffer => Buffer.from(hkdfSync('sha256', key, '', `roomkin household ${use}`, 32));
  const [nameKey, sealKey, digestKey] = [derive('names'), derive('seals'), derive('digests')];
  const hash = (hashKey: Buffer, text: string): Buffer => createHmac('sha256', hashKey).update(text).digest();
  const place = (name: string): string[] => ['shared person', '1', household, name];
  return {
    fingerprint: hash(digestKey, JSON.stringify(['household', household])).subarray(0, 16),
    nameOf: (person) => hash(nameKey, JSON.stringify([household, person])).toString('hex', 0, 16),
    seal: (name, plain) => seal(sealKey, plain, place(name)),
    open: (name, sealed) => unseal(sealKey, sealed, place(name)),
    digest: (text) => hash(digestKey, text).toString('hex', 0, 16),
  };
}

/** The key: the credential if systemd passed one, else `file`; null if there is neither. Errors: KEY_FILE. */
export function readHouseholdKey(file: string, environment = process.env): Buffer | null {
  return readCredential(householdKeyCredential, environment) ?? (keyFileExists(file) ? readKeyFile(file) : null);
}

/** Throws KEY_FILE if this room has a household key. */
export function refuseSecondKey(file: string): void {
  if (readHouseholdKey(file) !== null)
    throw fail('KEY_FILE', 'this room has a household key already: run roomkin household --leave first');
}

/** Writes `key` (default: a new one) to `file`. Errors: KEY_FILE (there is a key already, or the file cannot be written). */
export function writeHouseholdKey(file: string, key: Uint8Array = randomBytes(32)): Buffer {
  refuseSecondKey(file);
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  makeKeyFile(file, key);
  return readKeyFile(file);
}

/** Erases the key file. False if there was none. */
export function eraseHouseholdKey(file: string): boolean {
  if (!keyFileExists(file)) return false;
  rmSync(file);
  return true;
}

// A user without access gets an error, not the answer that there is no key.
function keyFileExists(file: string): boolean {
  try {
    return statSync(file, { throwIfNoEntry: false }) !== undefined;
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw fail('KEY_FILE', `cannot access the household key ${file} (${code}): run as its owner or with sudo`, cause);
  }
}

const checksumBytes = 2;

/** The key as one word of 46 letters, digits, - and _, to copy to another room. Its last characters are a checksum against typing errors. */
export function keyText(key: Uint8Array): string {
  return Buffer.concat([key, checksum(key)]).toString('base64url');
}

/** The key in a word of `keyText`; null for any other text. */
export function parseKeyText(text: string): Buffer | null {
  const word = text.trim();
  if (!/^[A-Za-z0-9_-]{46}$/.test(word)) return null;
  const bytes = Buffer.from(word, 'base64url');
  const key = bytes.subarray(0, 32);
  return bytes.subarray(32).equals(checksum(key)) ? key : null;
}

function checksum(key: Uint8Array): Buffer {
  return createHash('sha256').update('roomkin household key').update(key).digest().subarray(0, checksumBytes);
}
