// Encodes and decodes the document of a person that rooms exchange. It is always sealed in transit (key.ts). An incoming document is
// accepted whole or refused, and its sizes are bounded: the sender may run another version of roomkin or be hostile.
import { z } from 'zod';
import { floatBytes, floatsOf } from '../base/bytes.js';
import { parseJson } from '../base/json.js';
import { checkName, isId } from '../gallery/names.js';
import { isUnit, mostFileNameBytes } from '../store/seal.js';
import type { Quality } from '../vision/face.js';
import { qualitySchema } from '../vision/quality-schema.js';
import type { Stamp } from './version.js';

/** Largest sealed person in bytes. Brokers and this client accept 256 KiB including topic and headers. */
export const mostSharedBytes: number = 250 * 1024;

export interface SharedFace {
  readonly space: string;
  /** Unit length. */
  readonly vector: Float32Array;
  /** Hash of the photo under the person's key. */
  readonly source: Buffer;
  readonly createdAtMs: number;
}

export interface SharedTemplate extends SharedFace {
  readonly quality: Quality;
  readonly setAsideAtMs: number | null;
  /** Learned by a correction, not a photo. */
  readonly corrected: boolean;
  /** The name of the photo's file; null where it is not known, as from an older room. Not part of the version. */
  readonly file: string | null;
}

export interface SharedPerson {
  readonly id: string;
  readonly name: string;
  /** The person's own key. With it, every room computes the same hash of a photo. */
  readonly key: Buffer;
  readonly createdAtMs: number;
  readonly templates: readonly SharedTemplate[];
  /** Negative templates: faces that a user marked as not this person. */
  readonly rejections: readonly SharedFace[];
}

export interface SharedDocument {
  readonly stamp: Stamp;
  /** null if the person is forgotten. */
  readonly person: SharedPerson | null;
  /** The tag of a forgotten person, where it is not the name in the topic (after the first epoch). */
  readonly tag?: string | undefined;
}

const count = z
  .number()
  .int()
  .min(1)
  .max(2 ** 48);
const ms = z.number().int().min(0).max(8.64e15);
const bytes = (least: number, most: number) =>
  z
    .base64()
    .transform((text) => Buffer.from(text, 'base64'))
    .refine(({ length }) => length >= least && length <= most);
const face = {
  space: z.string().min(1).max(200),
  vector: bytes(4, 16384)
    .refine(({ length }) => length % 4 === 0)
    .transform(floatsOf)
    .refine(isUnit),
  source: bytes(16, 64),
  createdAtMs: ms,
};
const person = z.object({
  id: z.string().refine(isId),
  name: z.string().refine(isName),
  key: bytes(32, 32),
  createdAtMs: ms,
  templates: z
    .array(
      z.object({
        ...face,
        quality: qualitySchema,
        setAsideAtMs: ms.nullable(),
        corrected: z.boolean(),
        file: z.string().max(mostFileNameBytes).nullable().default(null),
      }),
    )
    .max(400),
  rejections: z.array(z.object(face)).max(400),
});
/** A tag, an opaque name or a digest. */
export const opaqueSchema = z.string().regex(/^[0-9a-f]{32}$/);
export const stampSchema = z.object({
  life: count,
  forgotten: z.boolean(),
  counter: count,
  room: z.string().refine(isId),
});
const document = z
  .object({ stamp: stampSchema, person: person.nullable(), tag: opaqueSchema.optional() })
  .refine(({ stamp: { forgotten }, person }) => forgotten === (person === null))
  .refine(({ person }) => person === null || hasUniqueFaces(person));

export function writeDocument({ stamp, person, tag }: SharedDocument): Buffer {
  const encoded = <T extends SharedFace>(face: T) => ({
    ...face,
    vector: floatBytes(face.vector).toString('base64'),
    source: face.source.toString('base64'),
  });
  const body = person && {
    ...person,
    key: person.key.toString('base64'),
    templates: person.templates.map(encoded),
    rejections: person.rejections.map(encoded),
  };
  return Buffer.from(JSON.stringify({ stamp, person: body, tag }), 'utf8');
}

/**
 * The document in `plain`; null if it holds none. Also null if a vector has another length than `dimensions` gives for its space,
 * because it could not be compared with the vectors of that space.
 */
export function readDocument(plain: Buffer, dimensions: ReadonlyMap<string, number>): SharedDocument | null {
  const parsed = parseJson(plain.toString('utf8'), document);
  if (parsed === null) return null;
  const faces = [...(parsed.person?.templates ?? []), ...(parsed.person?.rejections ?? [])];
  const fits = ({ space, vector }: SharedFace): boolean => (dimensions.get(space) ?? vector.length) === vector.length;
  return faces.every(fits) ? parsed : null;
}

/** A key that identifies a photo of a person. */
export function photoOf({ space, source }: Pick<SharedFace, 'space' | 'source'>): string {
  return `${space}\n${Buffer.from(source).toString('hex')}`;
}

/** The content that a version covers: rooms with equal texts hold the same version. Vectors are identified by their source. */
export function contentText(person: {
  readonly id: string;
  readonly name: string;
  readonly createdAtMs: number;
  readonly templates: readonly (Pick<SharedTemplate, 'setAsideAtMs' | 'corrected'> & Parameters<typeof photoOf>[0])[];
  readonly rejections: readonly Parameters<typeof photoOf>[0][];
}): string {
  const templates = person.templates.map((template) =>
    JSON.stringify([photoOf(template), template.setAsideAtMs, template.corrected]),
  );
  const rejections = person.rejections.map(photoOf);
  return JSON.stringify([person.id, person.name, person.createdAtMs, templates.sort(), rejections.sort()]);
}

// The database stores each photo once, and an observation as a template or as a negative template, never both.
function hasUniqueFaces({ templates, rejections }: z.infer<typeof person>): boolean {
  const photos = new Set(templates.map(photoOf));
  const learned = new Set(templates.filter(({ corrected }) => corrected).map(photoOf));
  const rejected = new Set(rejections.map(photoOf));
  const disjoint = [...rejected].every((photo) => !learned.has(photo));
  return photos.size === templates.length && rejected.size === rejections.length && disjoint;
}

function isName(text: string): boolean {
  try {
    return checkName(text) === text;
  } catch {
    return false;
  }
}
