// What one correction does inside its transaction: the guards of domain/correction.ts, then the change.
import { createHash } from 'node:crypto';
import { fail } from '../base/errors.js';
import { learnable, type Refused, rejectable, type Taught } from '../domain/correction.js';
import { chooseTemplates } from '../domain/enrolment.js';
import type { Gallery, Person } from '../domain/gallery.js';
import type { Thresholds } from '../domain/identify.js';
import type { KeptLook } from '../store/look-store.js';
import type { Changes, PersonRecord } from '../store/store.js';

/** The correction that was made; null where everything was known before. */
export interface Outcome {
  readonly correction: number | null;
}

/** The face of `look` is kept as one that is not `person`. Errors: CORRECTION_REFUSED. */
export function reject(changes: Changes, look: KeptLook, person: PersonRecord, gallery: Gallery): Outcome {
  const owner = personOf(gallery, person);
  const { embedding, known } = granted(rejectable(look, owner), look);
  if (known) return { correction: null };
  const face = { space: gallery.space, vector: embedding, source: sourceOf(embedding) };
  // Of too many, the ones that say the same go first, as with photos.
  const { add, remove } = chooseTemplates({ templates: owner.rejections ?? [] }, [face]);
  for (const id of remove) changes.undo(id);
  const [kept] = add.map((one) => changes.addRejection(person.id, one));
  return { correction: kept?.id ?? null };
}

/** The look becomes a template of `person`. Errors: CORRECTION_REFUSED. */
export function learn(
  changes: Changes,
  look: KeptLook,
  person: PersonRecord,
  gallery: Gallery,
  thresholds: Thresholds,
): Outcome {
  const { embedding, known } = granted(learnable(look, personOf(gallery, person), gallery, thresholds), look);
  if (known) return { correction: null };
  const { space } = gallery;
  const { quality } = look;
  const kept = changes.addLook(person.id, { space, vector: embedding, quality, source: sourceOf(embedding) });
  return { correction: kept?.id ?? null };
}

function granted(taught: Taught | Refused, { id }: KeptLook): Taught {
  if ('refused' in taught) throw fail('CORRECTION_REFUSED', `nothing was learned from look ${id}: ${taught.refused}`);
  return taught;
}

function personOf(gallery: Gallery, { id, name }: PersonRecord): Person {
  const person = gallery.people.find((one) => one.id === id);
  if (person === undefined) throw fail('PERSON_UNKNOWN', `${name} was forgotten meanwhile: see roomkin people`);
  return person;
}

/** The same for the same look, whatever its number: the file of the looks may be started afresh. */
function sourceOf(embedding: Float32Array): Uint8Array {
  const { buffer, byteOffset, byteLength } = embedding;
  return createHash('sha256')
    .update('look')
    .update(new Uint8Array(buffer, byteOffset, byteLength))
    .digest();
}
