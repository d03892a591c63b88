// Who the faces of one picture are. The asking process has had them found and embedded, so that no template leaves the daemon. The comparison
// is the daemon's, on single observations.
import { z } from 'zod';
import { floatsOf } from '../base/bytes.js';
import { fail } from '../base/errors.js';
import { recognitionOptions } from '../config/parts.js';
import { chooseEmbedder, readManifest } from '../engine/manifest.js';
import type { IdentificationState } from '../gallery/identify.js';
import { identifyFace } from '../gallery/identify.js';
import type { Reason } from '../gallery/reason.js';
import { reasonText } from '../gallery/reason-text.js';
import { assignNames } from '../recognition/decide.js';
import { qualitySchema } from '../vision/quality-schema.js';
import { report } from './report.js';

/** More faces than a picture of a crowd shows at a size that can be compared. */
const mostFaces = 200;

const text = z.string();
const nullableNumber = z.number().nullable();
/** A verb reads no more of a reason than its kind. */
const reason = z.custom<Reason>((value) => z.object({ kind: text }).safeParse(value).success);

/** Identifies the faces; no two of them get the same name. Errors: MODEL_MISSING (another model made the embeddings), USAGE. */
export const identify = report({
  method: 'POST',
  given: z.object({
    space: text,
    faces: z
      .array(
        z.object({
          quality: qualitySchema,
          score: z.number(),
          /** Unit vector: base64 of its 32-bit floats, little-endian; null for a face that was too poor to be embedded. */
          embedding: text.max(8192).nullable(),
        }),
      )
      .max(mostFaces),
  }),
  answer: z.object({
    faces: z.array(
      z.object({
        person: text.nullable(),
        name: text.nullable(),
        state: text as unknown as z.ZodType<IdentificationState>,
        similarity: nullableNumber,
        second: nullableNumber,
        margin: nullableNumber,
        rule: text,
        reason,
      }),
    ),
  }),
  make({ space, faces }, { config, space: configured, gallery: calibrated }) {
    if (space !== configured())
      throw fail('MODEL_MISSING', `the daemon uses another model (${configured()}) than ${space}: restart it`);
    const options = recognitionOptions(config);
    const { dimension } = chooseEmbedder(readManifest(), config.embedder.id);
    const gallery = calibrated();
    const names = new Map(gallery.people.map(({ id, name }) => [id, name]));
    const identified = faces.map(({ embedding, ...face }) => {
      const vector = embedding === null ? null : floatsOf(Buffer.from(embedding, 'base64'));
      if (vector !== null && !isUnit(vector, dimension))
        throw fail('USAGE', `an embedding of ${space} has ${dimension} numbers and the length 1`);
      return identifyFace({ ...face, embedding: vector }, gallery, options);
    });
    return {
      faces: assignNames(identified).map(({ person, state, similarity, second, margin, reason: because }) => ({
        person,
        name: person === null ? null : (names.get(person) ?? null),
        state,
        similarity,
        second,
        margin,
        rule: reasonText(because, names),
        reason: because,
      })),
    };
  },
});

function isUnit(vector: Float32Array, dimension: number): boolean {
  return vector.length === dimension && Math.abs(Math.hypot(...vector) - 1) < 0.01;
}
