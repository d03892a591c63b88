// roomkin correct: a look that `why` listed was not who it was taken for, or was somebody. Kept in the gallery, which the daemon
// follows; every correction can be taken back.

import { createHash } from 'node:crypto';
import { fail } from '../base/errors.js';
import { createCalibrator, recognitionOptions } from '../config/parts.js';
import { chooseTemplates } from '../gallery/enrolment.js';
import type { Thresholds } from '../gallery/identify.js';
import type { Gallery, Person } from '../gallery/person.js';
import type { JournalEntry } from '../journal/codec.js';
import { mayBecomeNegative, mayBecomeTemplate, type Refused, type Taught } from '../journal/corrections.js';
import type { Changes, Correction, PersonRecord } from '../store/store.js';
import type { CommandIo } from './command.js';
import { openJournal } from './journal.js';
import { configuredSpace, openGallery } from './parts.js';
import { wrap } from './rows.js';
import { type Given, misused } from './verbs.js';

export async function run({ id, not, is, list, undo }: Given<'correct'>, io: CommandIo): Promise<void> {
  const said = not !== undefined || is !== undefined;
  if (Number(said || id !== undefined) + Number(list) + Number(undo !== undefined) > 1)
    throw misused('correct', 'one thing at a time');
  if (list) return listCorrections(io);
  if (undo !== undefined) return undoCorrection(undo, io);
  if (id === undefined) throw misused('correct', 'the ID of one look is needed');
  if (!said) throw misused('correct', 'say --not NAME, --is NAME or both');
  correct(id, not, is, io);
}

function correct(id: number, not: string | undefined, is: string | undefined, io: CommandIo): void {
  const config = io.config();
  const space = configuredSpace(io);
  const { single: thresholds } = recognitionOptions(config);
  const { calibrated } = createCalibrator(config, space, recognitionOptions(config));
  using store = openGallery(io);
  const notWho = not === undefined ? null : store.find(not);
  const who = is === undefined ? null : store.find(is);
  if (notWho !== null && notWho.id === who?.id)
    throw misused('correct', `${notWho.name} cannot be both --not and --is`);
  const look = findLook(id, io);
  if (look.space !== space)
    throw fail('CORRECTION_REFUSED', `look ${id} is of another model (${look.space}): choose one of today's`);

  const outcomes = store.change((changes): { readonly not: Outcome | null; readonly is: Outcome | null } => ({
    // First who it is not: that person then does not compete for it.
    not: notWho && reject(changes, look, notWho, changes.gallery(space)),
    is: who && learn(changes, look, who, calibrated(changes.gallery(space)), thresholds),
  }));
  if (notWho !== null)
    say(io, outcomes.not, `Look ${id} is not ${notWho.name}`, `faces like it no longer get the name`);
  if (who !== null) say(io, outcomes.is, `Look ${id} is ${who.name}`, countOf(store.find(who.id)));
  io.document({ look: id, not: told(notWho, outcomes.not), is: told(who, outcomes.is) });
}

/** Errors: LOOK_UNKNOWN, DATABASE. */
function findLook(id: number, io: CommandIo): JournalEntry {
  if (io.config().privacy.looksKeptMs === 0)
    throw fail('LOOK_UNKNOWN', 'no look is kept that could be corrected: set privacy.looks_kept_hours, 24 for a day');
  using looks = openJournal(io);
  const look = looks?.find(id) ?? null;
  if (look === null)
    throw fail('LOOK_UNKNOWN', `there is no look ${id}: they are kept for a day, roomkin why lists them`);
  return look;
}

function say(io: CommandIo, outcome: Outcome | null, fact: string, effect: string): void {
  const number = outcome?.correction ?? null;
  const text = `${fact}: ${number === null ? 'known already, nothing to learn' : effect}`;
  for (const line of wrap(text, Math.min(io.columns, 80))) io.out(line);
  if (number !== null) io.out(`  roomkin correct --undo ${number} takes it back`);
}

function countOf({ name, templates }: PersonRecord): string {
  const inUse = templates.filter(({ setAsideAtMs }) => setAsideAtMs === null);
  const learned = inUse.filter(({ correction }) => correction !== null).length;
  return `${name} has ${inUse.length} looks now, ${learned} of them from the camera`;
}

function told(person: PersonRecord | null, outcome: Outcome | null) {
  return person && outcome && { person: person.id, name: person.name, ...outcome };
}

// What one correction does inside its transaction: the guards of domain/correction.ts, then the change.

/** The correction that was made; null where everything was known before. */
export interface Outcome {
  readonly correction: number | null;
}

/** The face of `look` is kept as one that is not `person`. Errors: CORRECTION_REFUSED. */
export function reject(changes: Changes, look: JournalEntry, person: PersonRecord, gallery: Gallery): Outcome {
  const owner = personOf(gallery, person);
  const { embedding, known } = granted(mayBecomeNegative(look, owner), look);
  if (known) return { correction: null };
  const face = { space: gallery.space, vector: embedding, source: sourceOf(embedding) };
  // Of too many, the ones that say the same go first, as with photos.
  const { add, remove } = chooseTemplates({ templates: owner.negativeTemplates ?? [] }, [face]);
  for (const id of remove) changes.undo(id);
  const [kept] = add.map((one) => changes.addNegativeTemplate(person.id, one));
  return { correction: kept?.id ?? null };
}

/** The look becomes a template of `person`. Errors: CORRECTION_REFUSED. */
export function learn(
  changes: Changes,
  look: JournalEntry,
  person: PersonRecord,
  gallery: Gallery,
  thresholds: Thresholds,
): Outcome {
  const { embedding, known } = granted(mayBecomeTemplate(look, personOf(gallery, person), gallery, thresholds), look);
  if (known) return { correction: null };
  const { space } = gallery;
  const { quality } = look;
  const kept = changes.addCorrectedTemplate(person.id, {
    space,
    vector: embedding,
    quality,
    source: sourceOf(embedding),
  });
  return { correction: kept?.id ?? null };
}

function granted(taught: Taught | Refused, { id }: JournalEntry): Taught {
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

// roomkin correct --list and --undo: what was said about looks, and taking it back.

export function listCorrections(io: CommandIo): void {
  using store = openGallery(io);
  const people = store.people();
  const corrections = store.corrections();
  const width = Math.max(0, ...corrections.map(({ id }) => String(id).length));
  for (const one of corrections) {
    // Swedish writes local time as ISO does: 2026-11-23 19:04.
    const minute = new Date(one.createdAtMs).toLocaleString('sv-SE').slice(0, 16);
    const text = `${minute}  ${sentence(one, people)}`;
    wrap(text, Math.min(io.columns, 80) - width - 4).forEach((line, i) => {
      io.out(`  ${(i === 0 ? String(one.id) : '').padStart(width)}  ${line}`);
    });
  }
  io.out(
    corrections.length === 0
      ? 'Nothing was corrected: roomkin why lists the looks that can be'
      : 'roomkin correct --undo N takes one of them back',
  );
  io.document({ corrections: corrections.map((one) => described(one, people)) });
}

/** Errors: CORRECTION_UNKNOWN. */
export function undoCorrection(id: number, io: CommandIo): void {
  using store = openGallery(io);
  const undone = store.change((changes) => changes.undo(id));
  const people = store.people();
  for (const line of wrap(`Taken back: ${sentence(undone, people)}`, Math.min(io.columns, 80))) io.out(line);
  io.document({ undone: described(undone, people) });
}

function sentence({ person, template }: Correction, people: readonly PersonRecord[]): string {
  const { name } = people.find(({ id }) => id === person)!;
  return template === null ? `a face that is not ${name}` : `a look that is ${name}, kept as photo ${template}`;
}

function described({ id, person, template, createdAtMs }: Correction, people: readonly PersonRecord[]) {
  const { name } = people.find((one) => one.id === person)!;
  const said = template === null ? ('not' as const) : ('is' as const);
  return { id, person, name, said, template, since: new Date(createdAtMs).toISOString() };
}
