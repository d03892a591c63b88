// models/int8/manifest.json is the only contract between the Python code that makes models and the code that runs them.
//
// Invariant: no process that runs models reads it; the engine's child gets what it needs of it, and has no use for the code that checks it.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { fail } from '../base/errors.js';
import { packageRoot } from '../base/files.js';
import type { Cohort } from '../gallery/calibration.js';

const stored = {
  type: z.enum(['float32', 'int8', 'uint8']),
  /** real = (stored - zeroPoint) * scale; both 0 for float32. */
  scale: z.number().min(0),
  zeroPoint: z.number().int(),
};
const shape = z.array(z.number().int().positive()).min(1);

const modelEntry = z.object({
  id: z.string().min(1),
  /** `detect`: finds faces in a frame. `check`: checks a face in a close-up and places its landmarks. */
  task: z.enum(['detect', 'check', 'embed']),
  /** A path relative to the manifest, or `package:NAME/path` for a file of an installed npm package. */
  file: z.string().min(1),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  /** The input for a pixel 0 to 255 is (pixel - mean) / std. The first number of the shape is the batch size. */
  input: z.object({ shape, ...stored, channels: z.literal('RGB'), mean: z.number(), std: z.number().positive() }),
  /** Found by the names of the tensors, since their order in the file depends on the converter. */
  outputs: z
    .array(
      z.object({
        name: z.string(),
        shape,
        ...stored,
        /** What each number of the last dimension is multiplied by after it was made real; absent: 1. */
        units: z.array(z.number().positive()).optional(),
      }),
    )
    .min(1),
  /** Length of an embedding; null for a detector. */
  dimension: z.number().int().positive().nullable(),
  /** Only embeddings of the same space can be compared; null for a detector. */
  space: z.string().min(1).nullable(),
  /** Median length of the output for good portraits, the unit of `Quality.clarity`; absent where it was not measured. */
  portraitLength: z.number().positive().optional(),
  licence: z.string(),
  source: z.string(),
  trainedOn: z.string(),
  metrics: z.record(z.string(), z.unknown()),
});

/** The cohort of a space: embeddings of unknown people as int8 rows, which `scale` brings to length 1. See cohort.ts. */
const cohortEntry = z.object({
  space: z.string().min(1),
  /** In the folder of the manifest. */
  file: z.string().regex(/^[\w.-]+$/),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  count: z.number().int().positive(),
  dimension: z.number().int().positive(),
  scale: z.number().positive(),
  /** Mean similarity of a member to the closest 5 % of the others. */
  nearness: z.number(),
});

const manifestSchema = z.object({
  /** The embedder used where the configuration names none. */
  default: z.string(),
  models: z.array(modelEntry),
  cohorts: z.array(cohortEntry).default([]),
});

export type ModelEntry = z.infer<typeof modelEntry>;
export type CohortEntry = z.infer<typeof cohortEntry>;

export interface Embedder extends ModelEntry {
  readonly dimension: number;
  readonly space: string;
}

export interface Manifest {
  readonly path: string;
  /** Finds faces. */
  readonly detector: ModelEntry;
  /** Checks them in close-ups. */
  readonly checker: ModelEntry;
  readonly embedders: readonly Embedder[];
  readonly cohorts: readonly CohortEntry[];
  readonly defaultEmbedder: string;
}

export const defaultManifestPath: string = join(packageRoot, 'models', 'int8', 'manifest.json');

/** Reads and validates a manifest. Errors: MODEL_MISSING when it cannot be read, MODEL_HASH when it is damaged (exit 78). */
export function readManifest(path: string = defaultManifestPath): Manifest {
  const parsed = manifestSchema.safeParse(readJson(path));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw fail('MODEL_HASH', `${path}: ${issue?.path.join('.')}: ${issue?.message}: install roomkin again`);
  }
  const [detector, checker] = (['detect', 'check'] as const).map((task) =>
    parsed.data.models.find((model) => model.task === task),
  );
  if (detector === undefined || checker === undefined) {
    throw fail('MODEL_HASH', `${path} contains no detector: install roomkin again`);
  }
  const embedders = parsed.data.models.filter(isEmbedder);
  const { cohorts, default: defaultEmbedder } = parsed.data;
  return { path, detector, checker, embedders, cohorts, defaultEmbedder };
}

function isEmbedder(model: ModelEntry): model is Embedder {
  return model.task === 'embed' && model.dimension !== null && model.space !== null;
}

function readJson(path: string): unknown {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw fail('MODEL_MISSING', `${path} cannot be read: install roomkin again`, cause);
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw fail('MODEL_HASH', `${path} is not JSON: install roomkin again`, cause);
  }
}

/** The embedder with this id; null: the manifest's default. Error: MODEL_MISSING (exit 78), with the ids that exist. */
export function chooseEmbedder(manifest: Manifest, id: string | null): Embedder {
  const wanted = id ?? manifest.defaultEmbedder;
  const embedder = manifest.embedders.find((model) => model.id === wanted);
  if (embedder !== undefined) return embedder;
  const known = manifest.embedders.map((model) => model.id).join(', ');
  throw fail('MODEL_MISSING', `there is no embedder "${wanted}": set [embedder] id to one of ${known}`);
}

// The cohort that is shipped with a model: embeddings of unknown people, made by training/roomkin_training/cohort.py.
//
// Invariant: the cohort is used only after its SHA-256 has matched the manifest.

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
