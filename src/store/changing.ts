// The changes of the gallery, as they run inside one write transaction.
import { createHmac } from 'node:crypto';
import { fail } from '../base/errors.js';
import { checkName, foldName, freeId, isPersonId } from '../domain/names.js';
import type { Keyring } from './keyring.js';
import { cohort, type Reader } from './reading.js';
import type { PersonRow, Statements } from './statements.js';
import type { Changes } from './store.js';
import { isUnit, sealVector } from './vector.js';

export function createChanges(sql: Statements, keys: Keyring, reader: Reader, wallMs: () => number): Changes {
  const row = (id: string): PersonRow => {
    const found = sql.people.all().find((person) => person.id === id);
    if (!found) throw fail('PERSON_UNKNOWN', `nobody has the id ${id}`);
    return found;
  };

  const cohortKey = (): Buffer => {
    const known = reader.cohortKey();
    if (known) return known;
    const { key, wrapped } = keys.create(cohort);
    if (sql.setMetaOnce.run('cohort_key', wrapped).changes === 0)
      throw fail('DATABASE', 'the key of the strangers does not open: import an exported gallery into an empty store');
    return key;
  };

  return {
    person(name, id) {
      const kept = checkName(name);
      const known = reader.row(kept);
      if (known && known.foldedName === foldName(kept)) return known.id;
      const taken = new Set(sql.people.all().map((person) => person.id));
      const fresh = id !== undefined && isPersonId(id) && !taken.has(id) ? id : freeId(kept, taken);
      sql.addPerson.run(fresh, kept, foldName(kept), keys.create(fresh).wrapped, wallMs());
      return fresh;
    },
    addTemplate(person, { space, vector, quality, source }) {
      const key = keys.unwrap(row(person).wrappedKey, person);
      if (!key) throw fail('DATABASE', `the key of ${person} does not open: forget and enrol this person again`);
      if (!isUnit(vector)) throw new RangeError('a template must have length 1');
      const sealed = sealVector(key, vector, person, space);
      const hash = sourceHash(key, source);
      return sql.addTemplate.run(person, space, hash, JSON.stringify(quality), sealed, wallMs()).changes === 1;
    },
    removeTemplates(ids) {
      for (const id of ids) sql.removeTemplate.run(id);
    },
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
    addStranger({ space, vector, source }) {
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
