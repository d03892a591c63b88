// Seals secrets with AES-256-GCM, a random nonce and associated data that names the place. A seal that was changed, truncated or moved
// to another place does not open.

import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { floatBytes, floatsOf } from '../base/bytes.js';

const nonceBytes = 12;
const tagBytes = 16;

/**
 * Seals `plain` under the 32-byte `key`. `belongsTo` names its place (kind, format, owner ...); opening needs the same list.
 * Layout: nonce (12 bytes), tag (16 bytes), ciphertext. Random 96-bit nonces are safe for 2^32 seals per key (NIST SP 800-38D 8.3).
 */
export function seal(key: Uint8Array, plain: Uint8Array, belongsTo: readonly string[]): Buffer {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes });
  cipher.setAAD(associated(belongsTo));
  const sealed = Buffer.concat([cipher.update(plain), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), sealed]);
}

/** The plain bytes; null if the key, the place or a single bit differs. */
export function unseal(key: Uint8Array, sealed: Uint8Array, belongsTo: readonly string[]): Buffer | null {
  if (sealed.length < nonceBytes + tagBytes) return null;
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, nonceBytes), { authTagLength: tagBytes });
  decipher.setAAD(associated(belongsTo));
  decipher.setAuthTag(sealed.subarray(nonceBytes, nonceBytes + tagBytes));
  try {
    return Buffer.concat([decipher.update(sealed.subarray(nonceBytes + tagBytes)), decipher.final()]);
  } catch {
    return null;
  }
}

// JSON distinguishes ['ab', 'c'] from ['a', 'bc'].
function associated(belongsTo: readonly string[]): Buffer {
  return Buffer.from(JSON.stringify(belongsTo), 'utf8');
}

// An embedding is sealed as 32-bit little-endian floats, bound to its owner and its embedding space.

/** Format of the sealed bytes. The seal is bound to it, so that bytes of a later format do not open as this one. */
const format = '1';

/** The use of a vector. The seal is bound to it, so that a negative template can never become a template of the same person. */
export type VectorKind = 'template' | 'rejection';

/** `owner`: person id, or '' for the cohort. */
export function sealVector(
  key: Uint8Array,
  vector: Float32Array,
  owner: string,
  space: string,
  kind: VectorKind = 'template',
): Buffer {
  return seal(key, floatBytes(vector), [kind, format, owner, space]);
}

/** The unit vector; null if it does not open for this owner and space or is no unit vector. */
export function openVector(
  key: Uint8Array,
  sealed: Uint8Array,
  owner: string,
  space: string,
  kind: VectorKind = 'template',
): Float32Array | null {
  const bytes = unseal(key, sealed, [kind, format, owner, space]);
  if (!bytes || bytes.length === 0 || bytes.length % 4 !== 0) return null;
  const vector = floatsOf(bytes);
  return isUnit(vector) ? vector : null;
}

// The name of a photo's file says something about the photo. It is sealed, and bound to its owner and photo. All have the same length.

/** Longest name of a file that is kept, bytes of UTF-8. A longer one is shortened in the middle. */
export const mostFileNameBytes = 120;
const fileNameBytes = 128;

/** `name` with at most 120 bytes of UTF-8: the end with the extension stays. */
export function shortFileName(name: string): string {
  const characters = [...name.normalize('NFC')];
  while (Buffer.byteLength(characters.join('')) > mostFileNameBytes)
    characters.splice(
      characters.length >> 1,
      characters.includes('…') ? 1 : 2,
      ...(characters.includes('…') ? [] : ['…']),
    );
  return characters.join('');
}

export function sealFileName(key: Uint8Array, name: string, owner: string, source: Uint8Array): Buffer {
  const plain = Buffer.alloc(fileNameBytes);
  plain.write(shortFileName(name), 'utf8');
  return seal(key, plain, ['file name', '1', owner, Buffer.from(source).toString('hex')]);
}

/** null if it does not open for this owner and photo. */
export function openFileName(key: Uint8Array, sealed: Uint8Array, owner: string, source: Uint8Array): string | null {
  const plain = unseal(key, sealed, ['file name', '1', owner, Buffer.from(source).toString('hex')]);
  return plain?.toString('utf8').replace(/\0+$/, '') || null;
}

/** Whether `vector` has length 1 (within 1 %) and only finite numbers. */
export function isUnit(vector: Float32Array): boolean {
  return Math.abs(Math.hypot(...vector) - 1) < 0.01;
}

// Settings are sealed, because some of them name people, also people who were forgotten while no daemon ran.

const sealedPrefix = 'sealed:';

/** `value` of the setting `key`, sealed. */
export function sealSetting(settingKey: Buffer, key: string, value: string): string {
  return sealedPrefix + seal(settingKey, Buffer.from(value, 'utf8'), ['setting', '1', key]).toString('base64');
}

/** null where the setting is missing or damaged. A value of an older roomkin is not sealed. */
export function openSetting(settingKey: Buffer, key: string, stored: unknown): string | null {
  if (typeof stored !== 'string' || !stored.startsWith(sealedPrefix)) return typeof stored === 'string' ? stored : null;
  const sealed = Buffer.from(stored.slice(sealedPrefix.length), 'base64');
  return unseal(settingKey, sealed, ['setting', '1', key])?.toString('utf8') ?? null;
}
