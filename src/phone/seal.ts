// The sealed messages between a phone and the page. The secret is a key of 256 bits in the fragment of the address, which no browser sends.
// page/page.js has the other end. XChaCha20-Poly1305, because `crypto.subtle` is absent in pages without HTTPS (ADR 27).
import { randomBytes } from 'node:crypto';
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js';

const keyBytes = 32;
/** Random nonces of this size do not repeat. */
export const nonceBytes = 24;
const tagBytes = 16;
/** A sealed message is longer than its content by this. */
export const sealBytes = nonceBytes + tagBytes;

/** What a message is for, so that none can be used as another. An answer and a photo are bound to the nonce of their request. */
export type Purpose = 'request' | `answer ${string}` | `photo ${string}`;

export function newSecret(): Uint8Array {
  return randomBytes(keyBytes);
}

/** The fragment of the address. */
export function fragmentOf(secret: Uint8Array): string {
  return Buffer.from(secret).toString('base64url');
}

/** Nonce and sealed content. */
export function seal(secret: Uint8Array, purpose: Purpose, content: Uint8Array): Uint8Array {
  const nonce = randomBytes(nonceBytes);
  return Buffer.concat([nonce, xchacha20poly1305(secret, nonce, Buffer.from(purpose)).encrypt(content)]);
}

/** The content; null where it was sealed with another secret or for another purpose, or was altered. */
export function open(secret: Uint8Array, purpose: Purpose, sealed: Uint8Array): Uint8Array | null {
  if (sealed.length < sealBytes) return null;
  try {
    const nonce = sealed.subarray(0, nonceBytes);
    return xchacha20poly1305(secret, nonce, Buffer.from(purpose)).decrypt(sealed.subarray(nonceBytes));
  } catch {
    return null;
  }
}
