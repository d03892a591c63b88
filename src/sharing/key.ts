// The household key, the one secret that the rooms of a household share. Everything about faces that rooms exchange is sealed under it
// and bound to the household's id and to the person. Without the key nothing about a face leaves the room.
import { createHash, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { fail } from '../base/errors.js';
import { decodeText } from '../base/text.js';
import type { PersonId } from '../gallery/person.js';
import type { RoomId } from '../presence/arbitration.js';
import { credentialPath, notAKey, readPrivateFile, replacePrivateFile } from '../store/keyring.js';
import { seal, unseal } from '../store/seal.js';

/** Name of the systemd credential that replaces the key file. */
export const householdKeyCredential = 'roomkin-household-key';

/** The key of a household in one epoch. */
export interface HouseholdKey {
  /** 1 for the first key of a household. Each rotation adds 1. */
  readonly epoch: number;
  /** Seals the messages of this epoch: 32 random bytes in epoch 1, 16 in later ones. */
  readonly secret: Buffer;
  /** The secret of epoch 1, 32 bytes. What a room remembers about people is hashed under it, so that a rotation loses nothing. */
  readonly first: Buffer;
  /** Secrets of earlier epochs, newest first. With them a room recognises old messages at the broker and deletes them. */
  readonly former: readonly FormerSecret[];
}

export interface FormerSecret {
  readonly epoch: number;
  readonly secret: Buffer;
}

/** The operations of the key for one household. */
export interface HouseholdSeal {
  readonly epoch: number;
  /** 16 bytes that identify the key and the household id and reveal nothing about the key. */
  readonly fingerprint: Buffer;
  /** The same for all epochs of a household: the fingerprint of its first key. */
  readonly lineage: Buffer;
  /** The keyed hash of a person's id, which no rotation changes: 32 hexadecimal digits. */
  tagOf(person: PersonId): string;
  /** The opaque name of a person in topics: 32 hexadecimal digits, the same in every room, another in each epoch. */
  nameOf(person: PersonId): string;
  /** The same, for a person of whom only the tag is known. */
  nameOfTag(tag: string): string;
  /** The opaque name of a room in topics. */
  nameOfRoom(room: RoomId): string;
  /** Seals `plain` and binds it to the epoch and to `name`: under another name or in another epoch it does not open. */
  seal(name: string, plain: Uint8Array): Buffer;
  /** The plain bytes; null if they were not sealed with this key for this household, epoch and name. */
  open(name: string, sealed: Uint8Array): Buffer | null;
  /** Keyed hash, hexadecimal, the same in all epochs. */
  digest(text: string): string;
}

export function createHouseholdSeal({ epoch, secret, first }: HouseholdKey, household: string): HouseholdSeal {
  const derive = (key: Buffer, use: string): Buffer =>
    Buffer.from(hkdfSync('sha256', key, '', `roomkin household ${use}`, 32));
  const [tagKey, digestKey] = [derive(first, 'names'), derive(first, 'digests')];
  const [nameKey, sealKey, roomKey] = [derive(secret, 'names'), derive(secret, 'seals'), derive(secret, 'rooms')];
  const hash = (hashKey: Buffer, text: string): Buffer => createHmac('sha256', hashKey).update(text).digest();
  const opaque = (hashKey: Buffer, text: string): string =>
    hash(hashKey, JSON.stringify([household, text])).toString('hex', 0, 16);
  const identify = (hashKey: Buffer): Buffer => hash(hashKey, JSON.stringify(['household', household])).subarray(0, 16);
  const place = (name: string): string[] =>
    epoch === 1 ? ['shared person', '1', household, name] : ['shared person', '2', household, String(epoch), name];
  const tagOf = (person: PersonId): string => opaque(tagKey, person);
  const nameOfTag = (tag: string): string => (epoch === 1 ? tag : opaque(nameKey, tag));
  return {
    epoch,
    fingerprint: identify(derive(secret, 'digests')),
    lineage: identify(digestKey),
    tagOf,
    nameOf: (person) => nameOfTag(tagOf(person)),
    nameOfTag,
    nameOfRoom: (room) => opaque(roomKey, room),
    seal: (name, plain) => seal(sealKey, plain, place(name)),
    open: (name, sealed) => unseal(sealKey, sealed, place(name)),
    digest: (text) => hash(digestKey, text).toString('hex', 0, 16),
  };
}

/** The seals of the earlier epochs of `key`. */
export function formerSeals(key: HouseholdKey, household: string): readonly HouseholdSeal[] {
  return key.former.map((former) => createHouseholdSeal({ ...key, ...former, former: [] }, household));
}

/** The key of epoch 1 with this secret of 32 bytes; default: a new one. */
export function firstKey(secret: Uint8Array = randomBytes(32)): HouseholdKey {
  const bytes = Buffer.from(secret);
  return { epoch: 1, secret: bytes, first: bytes, former: [] };
}

/** The key of the next epoch, with a new secret. */
export function rotatedKey({ epoch, secret, first, former }: HouseholdKey): HouseholdKey {
  return { epoch: epoch + 1, secret: randomBytes(16), first, former: [{ epoch, secret }, ...former] };
}

/**
 * The key that a room with the key `present` has after it takes `incoming`. Errors: KEY_FILE if that is the key of another household, the
 * present key, or one of an earlier epoch.
 */
export function joinedKey(present: HouseholdKey, incoming: HouseholdKey): HouseholdKey {
  if (!present.first.equals(incoming.first) || present.secret.equals(incoming.secret)) throw hasKey();
  if (incoming.epoch < present.epoch)
    throw fail('KEY_FILE', 'that is an old household key: roomkin household --show prints the present one');
  const { epoch, secret } = present;
  const former = [{ epoch, secret }, ...present.former, ...incoming.former].filter(
    (old, i, all) =>
      !old.secret.equals(incoming.secret) && all.findIndex((other) => other.secret.equals(old.secret)) === i,
  );
  return { ...incoming, former };
}

/** The key: the credential if systemd passed one, else `file`; null if there is neither. Errors: KEY_FILE. */
export function readHouseholdKey(file: string, environment = process.env): HouseholdKey | null {
  const credential = credentialPath(householdKeyCredential, environment);
  if (credential !== null) return parseKeyFile(readFileSync(credential), credential);
  return keyFileExists(file) ? parseKeyFile(readPrivateFile(file), file) : null;
}

/** Throws KEY_FILE if this room has a household key. */
export function refuseSecondKey(file: string): void {
  if (readHouseholdKey(file) !== null) throw hasKey();
}

function hasKey(): Error {
  return fail('KEY_FILE', 'this room has a household key already: run roomkin household --leave first');
}

/** Writes `key` to `file`, in place of the present one. Gives up what a key that was left has still to delete. Errors: KEY_FILE. */
export function writeHouseholdKey(file: string, key: HouseholdKey): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  replacePrivateFile(file, keyFileText(key));
  eraseLeftKey(file);
}

/** Takes the key out of use. It stays beside `file` until `eraseLeftKey`. null if there was none. Errors: KEY_FILE. */
export function leaveHouseholdKey(file: string): HouseholdKey | null {
  if (!keyFileExists(file)) return null;
  const key = parseKeyFile(readPrivateFile(file), file);
  renameSync(file, leftFile(file));
  return key;
}

/** The key of a household that this room left, whose messages at the broker are still to be deleted; null if there is none. */
export function readLeftKey(file: string): HouseholdKey | null {
  const left = leftFile(file);
  return keyFileExists(left) ? parseKeyFile(readPrivateFile(left), left) : null;
}

export function eraseLeftKey(file: string): void {
  rmSync(leftFile(file), { force: true });
}

const leftFile = (file: string): string => `${file}.left`;

// The first line is the secret. The file of epoch 1 has no other line.
function keyFileText({ epoch, secret, first, former }: HouseholdKey): string {
  const lines =
    epoch === 1
      ? []
      : [
          `epoch ${epoch}`,
          `first ${first.toString('hex')}`,
          ...former.map((old) => `former ${old.epoch} ${old.secret.toString('hex')}`),
        ];
  return `${[secret.toString('hex'), ...lines].join('\n')}\n`;
}

function parseKeyFile(bytes: Buffer, path: string): HouseholdKey {
  const text = decodeText(bytes);
  if (typeof text !== 'string') throw notAKey(path);
  const [secret = '', ...lines] = text.trim().split('\n');
  if (lines.length === 0 && /^[0-9a-f]{64}$/i.test(secret)) return firstKey(Buffer.from(secret, 'hex'));
  const rest = lines.join('\n');
  const [, epoch, first] =
    /^epoch (\d{1,5})\nfirst ([0-9a-f]{64})(?:\nformer \d{1,5} [0-9a-f]{32,64})*$/.exec(rest) ?? [];
  if (first === undefined || !/^[0-9a-f]{32}$/.test(secret)) throw notAKey(path);
  const former = [...rest.matchAll(/^former (\d+) ([0-9a-f]+)$/gm)].map(([, of, old]) => ({
    epoch: Number(of),
    secret: Buffer.from(old!, 'hex'),
  }));
  return { epoch: Number(epoch), secret: Buffer.from(secret, 'hex'), first: Buffer.from(first, 'hex'), former };
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
/** Letters of the word for a key of epoch 1, and of a later epoch. */
const wordLengths: readonly number[] = [46, 70];

/**
 * The key as one word of letters, digits, - and _, to copy to another room: 46 characters in epoch 1, 70 in later ones. The last
 * characters are a checksum against typing errors.
 */
export function keyText({ epoch, secret, first }: HouseholdKey): string {
  const number = Buffer.alloc(2);
  number.writeUInt16BE(epoch);
  const bytes = epoch === 1 ? secret : Buffer.concat([secret, first, number]);
  return Buffer.concat([bytes, checksum(bytes)]).toString('base64url');
}

/** The key in a word of `keyText`; null for any other text. */
export function parseKeyText(text: string): HouseholdKey | null {
  const word = text.trim();
  if (!wordLengths.includes(word.length) || !/^[A-Za-z0-9_-]+$/.test(word)) return null;
  const all = Buffer.from(word, 'base64url');
  const bytes = all.subarray(0, all.length - checksumBytes);
  if (!all.subarray(bytes.length).equals(checksum(bytes))) return null;
  if (bytes.length === 32) return firstKey(bytes);
  const epoch = bytes.readUInt16BE(48);
  const first = bytes.subarray(16, 48);
  return epoch < 2 ? null : { epoch, secret: bytes.subarray(0, 16), first, former: [{ epoch: 1, secret: first }] };
}

function checksum(bytes: Uint8Array): Buffer {
  return createHash('sha256').update('roomkin household key').update(bytes).digest().subarray(0, checksumBytes);
}
