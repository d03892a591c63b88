// The one secret that the rooms of a household share. Everything that rooms tell each other about faces is sealed under it, and
// bound to the household's id and to the person's place; without it nothing about a face leaves the room.
import { createHash, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { mkdirSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { fail } from '../base/errors.js';
import type { PersonId } from '../gallery/person.js';
import { makeKeyFile, readCredential, readKeyFile } from '../store/keyring.js';
import { seal, unseal } from '../store/seal.js';

/** Name of the systemd credential that takes the place of the key file. */
export const householdKeyCredential = 'roomkin-household-key';

/** What the key does for one household. */
export interface HouseholdSeal {
  /** 16 bytes that tell one key and household id from another, and say nothing about the key. */
  readonly fingerprint: Buffer;
  /** The opaque name of a person outside: 32 hexadecimal digits, the same in every room. */
  nameOf(person: PersonId): string;
  /** Bound to `name`: at another person's place it does not open. */
  seal(name: string, plain: Uint8Array): Buffer;
  /** null for what was not sealed with this key, for this household and this name. */
  open(name: string, sealed: Uint8Array): Buffer | null;
  /** Keyed hash, hexadecimal. */
  digest(text: string): string;
}

/** `key`: 32 bytes. */
export function createHouseholdSeal(key: Uint8Array, household: string): HouseholdSeal {
  const derived = (use: string): Buffer => Buffer.from(hkdfSync('sha256', key, '', `roomkin household ${use}`, 32));
  const [names, seals, digests] = [derived('names'), derived('seals'), derived('digests')];
  const hash = (under: Buffer, text: string): Buffer => createHmac('sha256', under).update(text).digest();
  const place = (name: string): string[] => ['shared person', '1', household, name];
  return {
    fingerprint: hash(digests, JSON.stringify(['household', household])).subarray(0, 16),
    nameOf: (person) => hash(names, JSON.stringify([household, person])).toString('hex', 0, 16),
    seal: (name, plain) => seal(seals, plain, place(name)),
    open: (name, sealed) => unseal(seals, sealed, place(name)),
    digest: (text) => hash(digests, text).toString('hex', 0, 16),
  };
}

/** The key: the credential if systemd passed one, else `file`; null where there is neither. Errors: KEY_FILE. */
export function readHouseholdKey(file: string, environment = process.env): Buffer | null {
  return readCredential(householdKeyCredential, environment) ?? (isThere(file) ? readKeyFile(file) : null);
}

/** Errors: KEY_FILE, where this room has a household key. */
export function refuseSecondKey(file: string): void {
  if (readHouseholdKey(file) !== null)
    throw fail('KEY_FILE', 'this room has a household key already: roomkin household --leave gives it up first');
}

/** Puts `key` (default: a new one) into `file`. Errors: KEY_FILE (there is one already, or it cannot be written). */
export function writeHouseholdKey(file: string, key: Uint8Array = randomBytes(32)): Buffer {
  refuseSecondKey(file);
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  makeKeyFile(file, key);
  return readKeyFile(file);
}

/** Erases the key file. False where there was none. */
export function eraseHouseholdKey(file: string): boolean {
  if (!isThere(file)) return false;
  rmSync(file);
  return true;
}

// A user without access must not be told that there is no key.
function isThere(file: string): boolean {
  try {
    return statSync(file, { throwIfNoEntry: false }) !== undefined;
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw fail('KEY_FILE', `cannot look for the household key ${file} (${code}): run as its owner or with sudo`, cause);
  }
}

const checkBytes = 2;

/** The key as one word of 46 letters, digits, - and _, to be copied to another room; its last letters catch a slip. */
export function keyText(key: Uint8Array): string {
  return Buffer.concat([key, check(key)]).toString('base64url');
}

/** The key in such a word; null for anything else. */
export function parseKeyText(text: string): Buffer | null {
  const word = text.trim();
  if (!/^[A-Za-z0-9_-]{46}$/.test(word)) return null;
  const bytes = Buffer.from(word, 'base64url');
  const key = bytes.subarray(0, 32);
  return bytes.subarray(32).equals(check(key)) ? key : null;
}

function check(key: Uint8Array): Buffer {
  return createHash('sha256').update('roomkin household key').update(key).digest().subarray(0, checkBytes);
}
