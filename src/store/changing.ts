// Changes of the gallery. They run inside one write transaction.

import { createHmac } from 'node:crypto';
import { fail } from '../base/errors.js';
import { checkName, foldName, isId } from '../gallery/names.js';
import type { PersonId } from '../gallery/person.js';
import { freeId } from '../gallery/person-id.js';
import type { Keyring } from './keyring.js';
import { cohort, type Reader } from './reading.js';
import { isUnit, sealFileName, sealVector } from './seal.js';
import type { CorrectionRow, PersonRow, Statements, TemplateRow } from './statements.js';
import type { Changes, Correction, NewTemplate } from './store.js';

export function createChanges(sql: Statements, keys: Keyring, reader: Reader, wallMs: () => number): Changes {
  const row = (id: string): PersonRow => {
    const person = sql.people.all().find((candidate) => candidate.id === id);
    if (!person) throw fail('PERSON_UNKNOWN', `nobody has the id ${id}`);
    return person;
  };

  const personKey = (id: PersonId): Buffer => {
    const key = keys.unwrap(row(id).wrappedKey, id);
    if (!key) throw fail('DATABASE', `the key of ${id} does not open: forget and enrol this person again`);
    return key;
  };

  const cohortKey = (): Buffer => {
    const existing = reader.cohortKey();
    if (existing) return existing;
    const { key, wrapped } = keys.create(cohort);
    if (sql.setMetaOnce.run('cohort_key', wrapped).changes === 0)
      throw fail('DATABASE', 'the key of the cohort does not open: import an exported gallery into an empty store');
    return key;
  };

  const insertTemplate = (key: Buffer, person: PersonId, template: NewTemplate) => {
    const { space, vector, quality, source, setAsideAtMs = null, file = null } = template;
    if (!isUnit(vector)) throw new RangeError('a template must have length 1');
    const sealed = sealVector(key, vector, person, space);
    const qualityText = JSON.stringify(quality);
    const hash = sourceHash(key, source);
    const sealedFile = file === null ? null : sealFileName(key, file, person, hash);
    return sql.addTemplate.run(person, space, hash, qualityText, sealed, wallMs(), setAsideAtMs, sealedFile);
  };

  /**
   * The same correction if it exists. An observation is either a template or a negative template of a person: the opposite correction
   * must be undone first.
   */
  const existingCorrection = (
    person: PersonId,
    space: string,
    hash: Buffer,
    template: boolean,
  ): CorrectionRow | undefined => {
    const existing = sql.corrections.all().find((correction) => {
      return correction.person === person && correction.space === space && correction.source.equals(hash);
    });
    if (existing === undefined || (existing.template !== null) === template) return existing;
    const statement = template ? 'is not' : 'is';
    const advice = `roomkin correct --undo ${existing.id} first`;
    throw fail('CORRECTION_REFUSED', `a correction states that this face ${statement} ${row(person).name}: ${advice}`);
  };

  const correctionOf = (id: number | bigint): Correction =>
    reader.corrections().find((correction) => correction.id === Number(id))!;

  return {
    person(name, id) {
      const checked = checkName(name);
      const existing = reader.row(checked);
      if (existing && foldName(existing.name) === foldName(checked)) return existing.id;
      const usedIds = new Set(sql.people.all().map((person) => person.id));
      const newId = id !== undefined && isId(id) && !usedIds.has(id) ? id : freeId(checked, usedIds);
      sql.addPerson.run(newId, checked, foldName(checked), keys.create(newId).wrapped, wallMs());
      return newId;
    },
    addTemplate: (person, template) => insertTemplate(personKey(person), person, template).changes === 1,
    nameFiles(person, photos) {
      const key = personKey(person);
      for (const { space, source, file = null } of photos) {
        const hash = sourceHash(key, source);
        if (file !== null) sql.nameFile.run(sealFileName(key, file, person, hash), person, space, hash);
      }
    },
    removeTemplates(ids) {
      for (const id of ids) sql.removeTemplate.run(id);
    },
    disable: (ids) => disableTemplates(sql, ids, wallMs()),
    enable: (ids) => disableTemplates(sql, ids, null),
    addCorrectedTemplate(person, observation) {
      const key = personKey(person);
      const hash = sourceHash(key, observation.source);
      const existing = existingCorrection(person, observation.space, hash, true);
      if (existing) {
        sql.setTemplateDisabled.run(null, existing.template!);
        return null;
      }
      const added = insertTemplate(key, person, observation);
      if (added.changes === 0) return null;
      const { lastInsertRowid: template } = added;
      return correctionOf(
        sql.addCorrection.run(person, observation.space, hash, null, template, wallMs()).lastInsertRowid,
      );
    },
    addNegativeTemplate(person, { space, vector, source }) {
      if (!isUnit(vector)) throw new RangeError('a negative template must have length 1');
      const key = personKey(person);
      const hash = sourceHash(key, source);
      if (existingCorrection(person, space, hash, false)) return null;
      const sealed = sealVector(key, vector, person, space, 'rejection');
      return correctionOf(sql.addCorrection.run(person, space, hash, sealed, null, wallMs()).lastInsertRowid);
    },
    undo(id) {
      const undone = reader.corrections().find((correction) => correction.id === id);
      if (!undone) throw fail('CORRECTION_UNKNOWN', `there is no correction ${id}: roomkin correct --list shows them`);
      if (undone.template === null) sql.removeCorrection.run(id);
      else sql.removeTemplate.run(undone.template);
      return undone;
    },
    corrections: reader.corrections,
    rename(person, name) {
      const checked = checkName(name);
      row(person);
      const isOther = ({ id, name: own }: PersonRow) => id !== person && foldName(own) === foldName(checked);
      const other = sql.people.all().find(isOther);
      if (other)
        throw fail(
          'PERSON_EXISTS',
          `there is a ${other.name} already: choose another name, or forget that person first`,
        );
      sql.renamePerson.run(checked, foldName(checked), person);
    },
    addToCohort({ space, vector, source }) {
      if (!isUnit(vector)) throw new RangeError('a face of the cohort must have length 1');
      const key = cohortKey();
      const sealed = sealVector(key, vector, cohort, space);
      return sql.addToCohort.run(space, sourceHash(key, source), sealed, wallMs()).changes === 1;
    },
    gallery: reader.gallery,
    people: reader.people,
  };
}

// The hash is keyed, so that nobody can test photos against the database to learn which were enrolled.
function sourceHash(key: Uint8Array, source: Uint8Array): Buffer {
  return createHmac('sha256', key).update('source').update(source).digest().subarray(0, 16);
}

/**
 * Disables the templates `ids` at `atMs` (wall time), or enables them if `atMs` is null. Templates that are in that state already do
 * not change. Every person keeps a photo in use. Errors: PHOTO_UNKNOWN, PHOTO_NEEDED; the caller's transaction must then end.
 */
function disableTemplates(sql: Statements, ids: readonly number[], atMs: number | null): void {
  const templates = new Map(sql.templates.all().map((template) => [template.id, template]));
  const requested = ids.map((id) => {
    const template = templates.get(id);
    if (!template) {
      const advice = 'roomkin people --check and roomkin show NAME list the numbers';
      throw fail('PHOTO_UNKNOWN', `there is no photo ${id}: ${advice}; nothing was changed`);
    }
    return template;
  });
  const changed = requested.filter(({ setAsideAtMs }) => (setAsideAtMs === null) === (atMs !== null));
  for (const { id } of changed) sql.setTemplateDisabled.run(atMs, id);
  if (atMs !== null) for (const template of changed) refuseLast(sql, template);
}

/** Templates from corrections do not count as photos: a person must be recognisable by what was enrolled. */
function refuseLast(sql: Statements, { id, person, space }: TemplateRow): void {
  if (sql.templatesInUse.all(space).some((template) => template.person === person && template.correction === null))
    return;
  const name = sql.people.all().find((candidate) => candidate.id === person)?.name ?? person;
  const advice = `enrol a better photo first, or roomkin forget "${name}" to erase the person`;
  throw fail('PHOTO_NEEDED', `without photo ${id} ${name} would have none in use: ${advice}; nothing was changed`);
}
