// Corrections: an observation is not the person it was named after, or is somebody. They are stored in the gallery, and each can be
// reverted. `journal/corrections.ts` has the rules that refuse a correction which would cause errors.
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { isoTime } from '../base/clock.js';
import { fail, oneLine, RoomkinError } from '../base/errors.js';
import { createCalibrator, recognitionOptions } from '../config/parts.js';
import { chooseTemplates } from '../gallery/enrolment.js';
import type { Gallery, Person } from '../gallery/person.js';
import type { JournalEntry } from '../journal/codec.js';
import {
  type AcceptedCorrection,
  mayBecomeNegative,
  mayBecomeTemplate,
  type RefusedCorrection,
} from '../journal/corrections.js';
import type { RoomOptions } from '../room/options.js';
import type { Changes, Correction, PersonRecord } from '../store/store.js';
import { templateWeight } from '../vision/quality-gate.js';
import { report, type Sources } from './report.js';

const text = z.string();
const number = z.number();
const id = z.coerce.number().int().min(0);

/** CORRECTION_REFUSED. Its message has figures; `withoutFigures` has none, for messages that leave this machine. */
export class RefusedCorrectionError extends RoomkinError {
  readonly withoutFigures: string;
  constructor(sentence: string, withoutFigures: string) {
    super('CORRECTION_REFUSED', oneLine(sentence));
    this.withoutFigures = oneLine(withoutFigures);
  }
}

/** A stored correction. `said`: the observation is this person (`is`, then it is the photo `template`), or is not. */
const correction = z.object({
  id: number,
  person: text,
  name: text,
  said: z.enum(['is', 'not']),
  template: number.nullable(),
  since: text,
});

/** `correction`: its number; null where nothing changed, because this was known already. */
const outcome = z.object({ person: text, name: text, correction: number.nullable() });

/**
 * Stores a correction of the observation `id`, or two. Errors: USAGE, PERSON_UNKNOWN, LOOK_UNKNOWN, CORRECTION_REFUSED.
 */
export const correct = report({
  method: 'POST',
  given: z.object({ id, not: text.optional(), is: text.optional() }),
  answer: z.object({
    look: number,
    not: outcome.nullable(),
    is: outcome.extend({ photos: z.object({ inUse: number, corrected: number }) }).nullable(),
  }),
  make({ id: observationId, not, is }, sources) {
    const { config, store, space: configured } = sources;
    if (not === undefined && is === undefined) throw fail('USAGE', 'add --not NAME, --is NAME or both');
    const space = configured();
    const options = recognitionOptions(config);
    const { calibrated } = createCalibrator(config, space, options);
    const notPerson = not === undefined ? null : store.find(not);
    const isPerson = is === undefined ? null : store.find(is);
    if (notPerson !== null && notPerson.id === isPerson?.id)
      throw fail('USAGE', `${notPerson.name} cannot be both --not and --is; see roomkin help correct`);
    const observation = findObservation(observationId, sources);
    if (observation.space !== space)
      throw new RefusedCorrectionError(
        `observation ${observationId} was made by another model (${observation.space}): choose one made by ${space}`,
        'the observation was made by another model',
      );
    const outcomes = store.change((changes): { readonly not: Outcome | null; readonly is: Outcome | null } => ({
      // The negative template comes first: that person then does not compete for the observation.
      not: notPerson && addNegative(changes, observation, notPerson, changes.gallery(space)),
      is: isPerson && addTemplate(changes, observation, isPerson, calibrated(changes.gallery(space)), options),
    }));
    const described = ({ id: person, name }: PersonRecord, result: Outcome) => ({ person, name, ...result });
    return {
      look: observationId,
      not: notPerson && described(notPerson, outcomes.not!),
      is: isPerson && { ...described(isPerson, outcomes.is!), photos: photosOf(store.find(isPerson.id)) },
    };
  },
});

/** The stored corrections, oldest first. */
export const corrections = report({
  method: 'GET',
  given: z.object({}),
  answer: z.object({ corrections: z.array(correction) }),
  make(_, { store }) {
    const people = store.people();
    return { corrections: store.corrections().map((stored) => describe(stored, people)) };
  },
});

/** Reverts a correction. Errors: CORRECTION_UNKNOWN. */
export const undo = report({
  method: 'POST',
  given: z.object({ id }),
  answer: z.object({ undone: correction }),
  make({ id: correctionId }, { store }) {
    const undone = store.change((changes) => changes.undo(correctionId));
    return { undone: describe(undone, store.people()) };
  },
});

function describe(
  { id: stored, person, template, createdAtMs }: Correction,
  people: readonly PersonRecord[],
): z.output<typeof correction> {
  const { name } = people.find((candidate) => candidate.id === person)!;
  const kind = template === null ? 'not' : 'is';
  return { id: stored, person, name, said: kind, template, since: isoTime(createdAtMs) };
}

/** Errors: LOOK_UNKNOWN, DATABASE. */
function findObservation(observationId: number, { config, journal }: Sources): JournalEntry {
  if (config.privacy.looksKeptMs === 0)
    throw fail(
      'LOOK_UNKNOWN',
      'no observation is kept, so none can be corrected: set privacy.looks_kept_hours, 24 for a day',
    );
  const entry = journal()?.find(observationId) ?? null;
  if (entry === null)
    throw fail(
      'LOOK_UNKNOWN',
      `there is no observation ${observationId}: they are kept for a day, roomkin why lists them`,
    );
  return entry;
}

function photosOf({ templates }: PersonRecord): { inUse: number; corrected: number } {
  const inUse = templates.filter(({ setAsideAtMs }) => setAsideAtMs === null);
  return {
    inUse: inUse.length,
    corrected: inUse.filter((template) => template.correction !== null).length,
  };
}

// What one correction does inside its transaction: the checks of `journal/corrections.ts`, then the change.

/** The number of the new correction; null where the correction would have added nothing new. */
export interface Outcome {
  readonly correction: number | null;
}

/** Adds `observation` as a negative template of `person`. Errors: CORRECTION_REFUSED. */
function addNegative(changes: Changes, observation: JournalEntry, person: PersonRecord, gallery: Gallery): Outcome {
  const owner = personOf(gallery, person);
  const { embedding, known } = granted(mayBecomeNegative(observation, owner), observation);
  if (known) return { correction: null };
  const face = { space: gallery.space, vector: embedding, source: sourceOf(embedding) };
  // The same rule as for photos: when there are too many, the redundant ones go first.
  const { add, remove } = chooseTemplates({ templates: owner.negativeTemplates ?? [] }, [face]);
  for (const redundant of remove) changes.undo(redundant);
  const [added] = add.map((template) => changes.addNegativeTemplate(person.id, template));
  return { correction: added?.id ?? null };
}

/** Adds `observation` as a template of `person`. Errors: CORRECTION_REFUSED. */
function addTemplate(
  changes: Changes,
  observation: JournalEntry,
  person: PersonRecord,
  gallery: Gallery,
  { single, gate }: Pick<RoomOptions, 'single' | 'gate'>,
): Outcome {
  const weighted = { embedding: observation.embedding, weight: templateWeight(observation, gate) };
  const checked = mayBecomeTemplate(weighted, personOf(gallery, person), gallery, single);
  const { embedding, known } = granted(checked, observation);
  if (known) return { correction: null };
  const added = changes.addCorrectedTemplate(person.id, {
    space: gallery.space,
    vector: embedding,
    quality: observation.quality,
    source: sourceOf(embedding),
  });
  return { correction: added?.id ?? null };
}

function granted(checked: AcceptedCorrection | RefusedCorrection, { id: observationId }: JournalEntry) {
  if ('refused' in checked)
    throw new RefusedCorrectionError(
      `observation ${observationId} was not used: ${checked.refused}`,
      checked.withoutFigures,
    );
  return checked;
}

function personOf(gallery: Gallery, { id: person, name }: PersonRecord): Person {
  const enrolled = gallery.people.find((candidate) => candidate.id === person);
  if (enrolled === undefined) throw fail('PERSON_UNKNOWN', `${name} was forgotten meanwhile: see roomkin people`);
  return enrolled;
}

/** Identifies the observation by its embedding, not by its number: numbers start again when the journal is replaced. */
function sourceOf(embedding: Float32Array): Uint8Array {
  const { buffer, byteOffset, byteLength } = embedding;
  return createHash('sha256')
    .update('look')
    .update(new Uint8Array(buffer, byteOffset, byteLength))
    .digest();
}
