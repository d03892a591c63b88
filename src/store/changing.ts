// The changes of the gallery, as they run inside one write transaction.

import { createHmac } from 'node:crypto';
import { fail } from '../base/errors.js';
import { checkName, foldName, freeId, isId } from '../gallery/names.js';
import type { PersonId } from '../gallery/person.js';
import type { Keyring } from './keyring.js';
import { cohort, type Reader } from './reading.js';
import { isUnit, sealVector } from './seal.js';
import type { CorrectionRow, PersonRow, Statements, TemplateRow } from './statements.js';
import type { Changes, Correction, NewTemplate } from './store.js';

export function createChanges(sql: Statements, keys: Keyring, reader: Reader, wallMs: () => number): Changes {
  const row = (id: string): PersonRow => {
    const found = sql.people.all().find((person) => person.id === id);
    if (!found) throw fail('PERSON_UNKNOWN', `nobody has the id ${id}`);
    return found;
  };

  const personKey = (id: PersonId): Buffer => {
    const key = keys.unwrap(row(id).wrappedKey, id);
    if (!key) throw fail('DATABASE', `the key of ${id} does not open: forget and enrol this person again`);
    return key;
  };

  const cohortKey = (): Buffer => {
    const known = reader.cohortKey();
    if (known) return known;
    const { key, wrapped } = keys.create(cohort);
    if (sql.setMetaOnce.run('cohort_key', wrapped).changes === 0)
      throw fail('DATABASE', 'the key of the strangers does not open: import an exported gallery into an empty store');
    return key;
  };

  const insertTemplate = (key: Buffer, person: PersonId, template: NewTemplate) => {
    const { space, vector, quality, source, setAsideAtMs = null } = template;
    if (!isUnit(vector)) throw new RangeError('a template must have length 1');
    const sealed = sealVector(key, vector, person, space);
    const said = JSON.stringify(quality);
    return sql.addTemplate.run(person, space, sourceHash(key, source), said, sealed, wallMs(), setAsideAtMs);
  };

  /** An observation says one thing about a person: what was said before must be taken back first. */
  const corrected = (person: PersonId, space: string, hash: Buffer, template: boolean): CorrectionRow | undefined => {
    const known = sql.corrections.all().find((one) => {
      return one.person === person && one.space === space && one.source.equals(hash);
    });
    if (known === undefined || (known.template !== null) === template) return known;
    const said = template ? 'is not' : 'is';
    const advice = `roomkin correct --undo ${known.id} first`;
    throw fail('CORRECTION_REFUSED', `it was said before that this face ${said} ${row(person).name}: ${advice}`);
  };

  const correction = (id: number | bigint): Correction => reader.corrections().find((one) => one.id === Number(id))!;

  return {
    person(name, id) {
      const kept = checkName(name);
      const known = reader.row(kept);
      if (known && known.foldedName === foldName(kept)) return known.id;
      const taken = new Set(sql.people.all().map((person) => person.id));
      const fresh = id !== undefined && isId(id) && !taken.has(id) ? id : freeId(kept, taken);
      sql.addPerson.run(fresh, kept, foldName(kept), keys.create(fresh).wrapped, wallMs());
      return fresh;
    },
    addTemplate: (person, template) => insertTemplate(personKey(person), person, template).changes === 1,
    removeTemplates(ids) {
      for (const id of ids) sql.removeTemplate.run(id);
    },
    disable: (ids) => disableTemplates(sql, ids, wallMs()),
    enable: (ids) => disableTemplates(sql, ids, null),
    addCorrectedTemplate(person, observation) {
      const key = personKey(person);
      const hash = sourceHash(key, observation.source);
      const known = corrected(person, observation.space, hash, true);
      if (known) sql.setTemplateAside.run(null, known.template!);
      if (known) return null;
      const added = insertTemplate(key, person, observation);
      if (added.changes === 0) return null;
      const { lastInsertRowid: template } = added;
      return correction(
        sql.addCorrection.run(person, observation.space, hash, null, template, wallMs()).lastInsertRowid,
      );
    },
    addNegativeTemplate(person, { space, vector, source }) {
      if (!isUnit(vector)) throw new RangeError('a rejected face must have length 1');
      const key = personKey(person);
      const hash = sourceHash(key, source);
      if (corrected(person, space, hash, false)) return null;
      const sealed = sealVector(key, vector, person, space, 'rejection');
      return correction(sql.addCorrection.run(person, space, hash, sealed, null, wallMs()).lastInsertRowid);
    },
    undo(id) {
      const known = reader.corrections().find((one) => one.id === id);
      if (!known) throw fail('CORRECTION_UNKNOWN', `there is no correction ${id}: roomkin correct --list shows them`);
      if (known.template === null) sql.removeCorrection.run(id);
      else sql.removeTemplate.run(known.template);
      return known;
    },
    corrections: reader.corrections,
    rename(person, name) {
      const kept = checkName(name);
      row(person);
      const other = sql.people.all().find((one) => one.foldedName === foldName(kept));
      if (other && other.id !== person)
        throw fail(
          'PERSON_EXISTS',
          `there is a ${other.name} already: choose another name, or forget that person first`,
        );
      sql.renamePerson.run(kept, foldName(kept), person);
    },
    addToCohort({ space, vector, source }) {
      if (!isUnit(vector)) throw new RangeError('a stranger must have length 1');
      const key = cohortKey();
      const sealed = sealVector(key, vector, cohort, space);
      return sql.addStranger.run(space, sourceHash(key, source), sealed, wallMs()).changes === 1;
    },
    gallery: reader.gallery,
    people: reader.people,
  };
}

// Keyed, so that nobody can try photos against the database to learn which were enrolled.
function sourceHash(key: Uint8Array, source: Uint8Array): Buffer {
  return createHmac('sha256', key).update('source').update(source).digest().subarray(0, 16);
}

// Photos are disabled and enabled by their numbers, all of them or none. Nobody is ever left without a photo in use.

/**
 * Sets `ids` aside at `atMs` (wall time), or puts them back where that is null; what is so already stays as it is.
 * Errors: PHOTO_UNKNOWN, PHOTO_NEEDED; the caller's transaction must then end.
 */
function disableTemplates(sql: Statements, ids: readonly number[], atMs: number | null): void {
  const templates = new Map(sql.templates.all().map((template) => [template.id, template]));
  const asked = ids.map((id) => {
    const template = templates.get(id);
    if (!template) {
      const advice = 'roomkin people --check and roomkin show NAME give the numbers';
      throw fail('PHOTO_UNKNOWN', `there is no photo ${id}: ${advice}; nothing was changed`);
    }
    return template;
  });
  const changed = asked.filter(({ setAsideAtMs }) => (setAsideAtMs === null) === (atMs !== null));
  for (const { id } of changed) sql.setTemplateAside.run(atMs, id);
  if (atMs !== null) for (const template of changed) refuseLast(sql, template);
}

/** Observations that were learned from the camera do not count: a person must be told by what was enrolled. */
function refuseLast(sql: Statements, { id, person, space }: TemplateRow): void {
  if (sql.templatesInUse.all(space).some((one) => one.person === person && one.correction === null)) return;
  const name = sql.people.all().find((one) => one.id === person)?.name ?? person;
  const advice = `enrol a better photo first, or roomkin forget "${name}" to erase the person`;
  throw fail('PHOTO_NEEDED', `without photo ${id} ${name} would have none in use: ${advice}; nothing was changed`);
}
