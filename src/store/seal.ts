// What is secret lies sealed: AES-256-GCM with a random nonce, bound to what it belongs to. A seal that was changed, cut, or
// moved to another place does not open; there is no way to read it "anyway".

import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { floatBytes, floatsOf } from '../base/bytes.js';

const nonceBytes = 12;
const tagBytes = 16;

/**
 * Seals `plain` under the 32-byte `key`. `belongsTo` names its place (kind, format, owner ...): the same list is needed to open it.
 * Layout: nonce (12 bytes), tag (16 bytes), ciphertext. Random 96-bit nonces are safe for 2^32 seals a key (NIST SP 800-38D 8.3).
 */
export function seal(key: Uint8Array, plain: Uint8Array, belongsTo: readonly string[]): Buffer {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes });
  cipher.setAAD(associated(belongsTo));
  const sealed = Buffer.concat([cipher.update(plain), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), sealed]);
}

/** The sealed bytes, or null if key, place or a single bit is not what it was. */
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

// JSON, because it keeps ['ab', 'c'] and ['a', 'bc'] apart.
function associated(belongsTo: readonly string[]): Buffer {
  return Buffer.from(JSON.stringify(belongsTo), 'utf8');
}

// An embedding as sealed bytes: 32-bit little-endian floats, bound to its owner and its embedding space.

/** Format of the sealed bytes; part of what a seal is bound to, so that a later format can never be taken for this one. */
const format = '1';

/** What a vector is to its owner; bound into the seal, so that a face that is not somebody can never become a template of theirs. */
export type VectorKind = 'template' | 'rejection';

/** `owner`: person id, or '' for the cohort of strangers. */
export function sealVector(
  key: Uint8Array,
  vector: Float32Array,
  owner: string,
  space: string,
  kind: VectorKind = 'template',
): Buffer {
  return seal(key, floatBytes(vector), [kind, format, owner, space]);
}

/** The unit vector, or null where it does not open for this owner and space or is no unit vector. */
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

/** Whether `vector` has length 1 (within 1 %) and only finite numbers. */
export function isUnit(vector: Float32Array): boolean {
  return Math.abs(Math.hypot(...vector) - 1) < 0.01;
}
