// What is secret lies sealed: AES-256-GCM with a random nonce, bound to what it belongs to. A seal that was changed, cut, or
// moved to another place does not open; there is no way to read it "anyway".
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

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
