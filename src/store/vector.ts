// An embedding as sealed bytes: 32-bit little-endian floats, bound to its owner and its embedding space.
import { floatBytes, floatsOf } from '../base/floats.js';
import { seal, unseal } from './seal.js';

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
