// A person as rooms hand them to each other, as bytes and back; always sealed on the way (household-key.ts). What comes in is taken
// whole or not at all, and only within bounds: the other room may run another roomkin, or be somebody else's.
import { z } from 'zod';
import { floatBytes, floatsOf } from '../base/bytes.js';
import { parseJson } from '../base/json.js';
import { checkName, isId } from '../gallery/names.js';
import { isUnit } from '../store/seal.js';
import type { Quality } from '../vision/face.js';
import { qualitySchema } from '../vision/face.js';
import type { Stamp } from './version.js';

/** Bytes of a sealed person at most: brokers and ours take 256 KiB with topic and headers. */
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
}

export interface SharedPerson {
  readonly id: string;
  readonly name: string;
  /** The person's own key, so that every room tells by the same hash whether it has a photo. */
  readonly key: Buffer;
  readonly createdAtMs: number;
  readonly templates: readonly SharedTemplate[];
  /** Faces that somebody said are not this person. */
  readonly rejections: readonly SharedFace[];
}

export interface SharedDocument {
  readonly stamp: Stamp;
  /** null: forgotten. */
  readonly person: SharedPerson | null;
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
    .array(z.object({ ...face, quality: qualitySchema, setAsideAtMs: ms.nullable(), corrected: z.boolean() }))
    .max(400),
  rejections: z.array(z.object(face)).max(400),
});
const stamp = z.object({ life: count, forgotten: z.boolean(), counter: count, room: z.string().refine(isId) });
const document = z
  .object({ stamp, person: person.nullable() })
  .refine(({ stamp: { forgotten }, person: of }) => forgotten === (of === null))
  .refine(({ person: of }) => of === null || eachOnce(of));

export function writeDocument({ stamp: version, person: of }: SharedDocument): Buffer {
  const plain = <T extends SharedFace>(one: T) => ({
    ...one,
    vector: floatBytes(one.vector).toString('base64'),
    source: one.source.toString('base64'),
  });
  const body = of && {
    ...of,
    key: of.key.toString('base64'),
    templates: of.templates.map(plain),
    rejections: of.rejections.map(plain),
  };
  return Buffer.from(JSON.stringify({ stamp: version, person: body }), 'utf8');
}

/**
 * The document in `plain`; null where it holds none, or a vector of a space in `dimensions` that has another length there: it would
 * be compared with vectors that it cannot be compared with.
 */
export function readDocument(plain: Buffer, dimensions: ReadonlyMap<string, number>): SharedDocument | null {
  const parsed = parseJson(plain.toString('utf8'), document);
  if (parsed === null) return null;
  const faces = [...(parsed.person?.templates ?? []), ...(parsed.person?.rejections ?? [])];
  const fits = ({ space, vector }: SharedFace): boolean => (dimensions.get(space) ?? vector.length) === vector.length;
  return faces.every(fits) ? parsed : null;
}

/** What tells one photo of a person from another. */
export function photoOf({ space, source }: Pick<SharedFace, 'space' | 'source'>): string {
  return `${space}\n${Buffer.from(source).toString('hex')}`;
}

/** What of a person makes a version: two rooms that agree in this text agree. Says nothing of vectors: their source stands for them. */
export function contentText(of: {
  readonly id: string;
  readonly name: string;
  readonly createdAtMs: number;
  readonly templates: readonly (Pick<SharedTemplate, 'setAsideAtMs' | 'corrected'> & Parameters<typeof photoOf>[0])[];
  readonly rejections: readonly Parameters<typeof photoOf>[0][];
}): string {
  const templates = of.templates.map((one) => JSON.stringify([photoOf(one), one.setAsideAtMs, one.corrected]));
  const rejections = of.rejections.map(photoOf);
  return JSON.stringify([of.id, of.name, of.createdAtMs, templates.sort(), rejections.sort()]);
}

// The database keeps each photo once, and of one look either that it is the person or that it is not.
function eachOnce({ templates, rejections }: z.infer<typeof person>): boolean {
  const photos = new Set(templates.map(photoOf));
  const learned = new Set(templates.filter(({ corrected }) => corrected).map(photoOf));
  const refused = new Set(rejections.map(photoOf));
  const apart = [...refused].every((photo) => !learned.has(photo));
  return photos.size === templates.length && refused.size === rejections.length && apart;
}

function isName(text: string): boolean {
  try {
    return checkName(text) === text;
  } catch {
    return false;
  }
}
