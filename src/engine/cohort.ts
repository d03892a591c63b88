// The cohort that is shipped with a model: embeddings of unknown people, made by training/roomkin_training/cohort.py.
//
// Invariant: the cohort is used only after its SHA-256 has matched the manifest.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fail } from '../base/errors.js';
import type { Cohort } from '../gallery/calibration.js';
import type { Manifest } from './manifest.js';

/** For a space without a cohort. */
const emptyCohort: Cohort = { vectors: [], nearness: 0 };

/** The cohort of an embedding space, unit vectors. Errors: MODEL_MISSING, MODEL_HASH (exit 78). */
export function readCohort(manifest: Manifest, space: string): Cohort {
  const entry = manifest.cohorts.find((cohort) => cohort.space === space);
  if (entry === undefined) return emptyCohort;
  const path = join(dirname(manifest.path), entry.file);
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    throw fail('MODEL_MISSING', `${path} cannot be read: install roomkin again`, cause);
  }
  const hash = createHash('sha256').update(bytes).digest('hex');
  const { count, dimension, nearness } = entry;
  if (hash !== entry.sha256 || bytes.length !== count * dimension) {
    throw fail('MODEL_HASH', `${path} does not match its hash: install roomkin again`);
  }
  const steps = new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  const vectors = Array.from({ length: count }, (_, row) =>
    unit(steps.subarray(row * dimension, (row + 1) * dimension)),
  );
  return { vectors, nearness };
}

/** Normalised again, because rounding to int8 changes the length a little; so the scale is not needed. */
function unit(steps: Int8Array): Float32Array {
  const length = Math.hypot(...steps);
  return Float32Array.from(steps, (step) => step / length);
}
