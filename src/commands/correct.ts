// roomkin correct: an observation that `why` lists is not the person it was named after, or is somebody. The correction is stored
// in the gallery, which the daemon follows. Every correction can be reverted.

import { createHash } from 'node:crypto';
import { fail } from '../base/errors.js';
import { createCalibrator, recognitionOptions } from '../config/parts.js';
import { chooseTemplates } from '../gallery/enrolment.js';
import type { Thresholds } from '../gallery/identify.js';
import type { Gallery, Person } from '../gallery/person.js';
import type { JournalEntry } from '../journal/codec.js';
import {
  type AcceptedCorrection,
  mayBecomeNegative,
  mayBecomeTemplate,
  type RefusedCorrection,
} from '../journal/corrections.js';
import type { Changes, Correction, PersonRecord } from '../store/store.js';
import type { CommandIo } from './command.js';
import { configuredSpace, openGallery, openJournal } from './parts.js';
import { count, wrap } from './rows.js';
import { type Given, misused } from './verbs.js';

export async function run({ id, not, is, list, undo }: Given<'correct'>, io: CommandIo): Promise<void> {
  const isCorrection = id !== undefined || not !== undefined || is !== undefined;
  if ([isCorrection, list, undo !== undefined].filter(Boolean).length > 1)
    throw misused('correct', 'a correction, --list and --undo cannot be combined');
  if (list) return listCorrections(io);
  if (undo !== undefined) return undoCorrection(undo, io);
  if (id === undefined) throw misused('correct', 'the ID of one observation is needed');
  if (not === undefined && is === undefined) throw misused('correct', 'add --not NAME, --is NAME or both');
  await correct(id, not, is, io);
}

async function correct(id: number, not: string | undefined, is: string | undefined, io: CommandIo): Promise<void> {
  const config = io.config();
  const space = configuredSpace(io);
  const { single: thresholds } = recognitionOptions(config);
  const { calibrated } = createCalibrator(config, space, recognitionOptions(config));
  using store = openGallery(io);
  const notPerson = not === undefined ? null : store.find(not);
  const isPerson = is === undefined ? null : store.find(is);
  if (notPerson !== null && notPerson.id === isPerson?.id)
    throw misused('correct', `${notPerson.name} cannot be both --not and --is`);
  const observation = await findObservation(id, io);
  if (observation.space !== space)
    throw fail(
      'CORRECTION_REFUSED',
      `observation ${id} was made by another model (${observation.space}): choose one made by ${space}`,
    );

  const outcomes = store.change((changes): { readonly not: Outcome | null; readonly is: Outcome | null } => ({
    // The negative template comes first: that person then does not compete for the observation.
    not: notPerson && addNegative(changes, observation, notPerson, changes.gallery(space)),
    is: isPerson && addTemplate(changes, observation, isPerson, calibrated(changes.gallery(space)), thresholds),
  }));
  if (notPerson !== null) {
    const { name } = notPerson;
    print(io, outcomes.not, `Observation ${id} is not ${name}`, `faces like it no longer get the name ${name}`);
  }
  if (isPerson !== null)
    print(io, outcomes.is, `Observation ${id} is ${isPerson.name}`, photosOf(store.find(isPerson.id)));
  io.document({ look: id, not: documented(notPerson, outcomes.not), is: documented(isPerson, outcomes.is) });
}

/** Errors: LOOK_UNKNOWN, DATABASE. */
async function findObservation(id: number, io: CommandIo): Promise<JournalEntry> {
  if (io.config().privacy.looksKeptMs === 0)
    throw fail(
      'LOOK_UNKNOWN',
      'no observation is kept, so none can be corrected: set privacy.looks_kept_hours, 24 for a day',
    );
  using journal = await openJournal(io);
  const entry = journal?.find(id) ?? null;
  if (entry === null)
    throw fail('LOOK_UNKNOWN', `there is no observation ${id}: they are kept for a day, roomkin why lists them`);
  return entry;
}

function print(io: CommandIo, outcome: Outcome | null, fact: string, effect: string): void {
  const correction = outcome?.correction ?? null;
  const text = `${fact}: ${correction === null ? 'this was known already, nothing changed' : effect}`;
  for (const line of wrap(text, Math.min(io.columns, 80))) io.out(line);
  if (correction !== null) io.out(`  roomkin correct --undo ${correction} reverts this`);
}

function photosOf({ name, templates }: PersonRecord): string {
  const inUse = templates.filter(({ setAsideAtMs }) => setAsideAtMs === null);
  const corrected = inUse.filter(({ correction }) => correction !== null).length;
  return `${name} now has ${count(inUse.length, 'photo')} in use, ${corrected} of them from the camera`;
}

function documented(person: PersonRecord | null, outcome: Outcome | null) {
  return person && outcome && { person: person.id, name: person.name, ...outcome };
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
  for (const id of remove) changes.undo(id);
  const [added] = add.map((template) => changes.addNegativeTemplate(person.id, template));
  return { correction: added?.id ?? null };
}

/** Adds `observation` as a template of `person`. Errors: CORRECTION_REFUSED. */
export function addTemplate(
  changes: Changes,
  observation: JournalEntry,
  person: PersonRecord,
  gallery: Gallery,
  thresholds: Thresholds,
): Outcome {
  const checked = mayBecomeTemplate(observation, personOf(gallery, person), gallery, thresholds);
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

function granted(taught: AcceptedCorrection | RefusedCorrection, { id }: JournalEntry): AcceptedCorrection {
  if ('refused' in taught) throw fail('CORRECTION_REFUSED', `observation ${id} was not used: ${taught.refused}`);
  return taught;
}

function personOf(gallery: Gallery, { id, name }: PersonRecord): Person {
  const person = gallery.people.find((candidate) => candidate.id === id);
  if (person === undefined) throw fail('PERSON_UNKNOWN', `${name} was forgotten meanwhile: see roomkin people`);
  return person;
}

/** Identifies the observation by its embedding, not by its number: numbers start again when the journal is replaced. */
function sourceOf(embedding: Float32Array): Uint8Array {
  const { buffer, byteOffset, byteLength } = embedding;
  return createHash('sha256')
    .update('look')
    .update(new Uint8Array(buffer, byteOffset, byteLength))
    .digest();
}

// roomkin correct --list and --undo: the corrections that were made, and how to revert them.

function listCorrections(io: CommandIo): void {
  using store = openGallery(io);
  const people = store.people();
  const corrections = store.corrections();
  const width = Math.max(0, ...corrections.map(({ id }) => String(id).length));
  for (const correction of corrections) {
    // The Swedish locale writes local time like ISO 8601: 2026-11-23 19:04.
    const minute = new Date(correction.createdAtMs).toLocaleString('sv-SE').slice(0, 16);
    const text = `${minute}  ${sentence(correction, people)}`;
    wrap(text, Math.min(io.columns, 80) - width - 4).forEach((line, i) => {
      io.out(`  ${(i === 0 ? String(correction.id) : '').padStart(width)}  ${line}`);
    });
  }
  io.out(
    corrections.length === 0
      ? 'There is no correction: roomkin why lists the observations that can be corrected'
      : 'roomkin correct --undo N reverts one of them',
  );
  io.document({ corrections: corrections.map((correction) => described(correction, people)) });
}

/** Errors: CORRECTION_UNKNOWN. */
function undoCorrection(id: number, io: CommandIo): void {
  using store = openGallery(io);
  const undone = store.change((changes) => changes.undo(id));
  const people = store.people();
  for (const line of wrap(`Reverted: ${sentence(undone, people)}`, Math.min(io.columns, 80))) io.out(line);
  io.document({ undone: described(undone, people) });
}

function sentence({ person, template }: Correction, people: readonly PersonRecord[]): string {
  const { name } = people.find(({ id }) => id === person)!;
  return template === null
    ? `an observation that is not ${name}`
    : `an observation that is ${name}, added as photo ${template}`;
}

function described({ id, person, template, createdAtMs }: Correction, people: readonly PersonRecord[]) {
  const { name } = people.find((candidate) => candidate.id === person)!;
  const kind = template === null ? ('not' as const) : ('is' as const);
  return { id, person, name, said: kind, template, since: new Date(createdAtMs).toISOString() };
}
