// Rows → people and templates. What does not open is left out and reported, never guessed: a template that was damaged or moved
// to another person cannot give a wrong name.
import { fail } from '../base/errors.js';
import type { Quality } from '../domain/face.js';
import type { Gallery, Person, PersonId, Template } from '../domain/gallery.js';
import { foldName } from '../domain/names.js';
import type { Keyring } from './keyring.js';
import type { PersonRow, Statements } from './statements.js';
import type { KeptTemplate, PersonRecord } from './store.js';
import { openVector } from './vector.js';

/** The owner of the cohort's key; not a possible person id. */
export const cohort = '';

export interface Reader {
  gallery(space: string): Gallery;
  people(): PersonRecord[];
  /** The row of who has this name (any spelling) or id; undefined if nobody has. */
  row(nameOrId: string): PersonRow | undefined;
  openTemplates(person: PersonId): KeptTemplate[];
  openStrangers(): Omit<KeptTemplate, 'quality'>[];
  /** The cohort's key; null before the first stranger. */
  cohortKey(): Buffer | null;
}

export function createReader(sql: Statements, keys: Keyring, onDamage: (what: string) => void): Reader {
  const told = new Set<string>();
  const damaged = (what: string): void => {
    if (told.has(what)) return;
    told.add(what);
    onDamage(what);
  };

  const cohortKey = (): Buffer | null => {
    const wrapped = sql.meta.get('cohort_key') as Buffer | undefined;
    return wrapped ? keys.unwrap(wrapped, cohort) : null;
  };

  const openStrangers: Reader['openStrangers'] = () => {
    const key = cohortKey();
    return sql.strangers.all().flatMap((row) => {
      const vector = key && openVector(key, row.sealed, cohort, row.space);
      if (!vector) damaged(`stranger ${row.id}`);
      return vector ? [{ space: row.space, vector, source: row.source, createdAtMs: row.createdAtMs }] : [];
    });
  };

  return {
    cohortKey,
    openStrangers,
    gallery(space) {
      const people = new Map<PersonId, { person: Person; templates: Template[]; key: Buffer | null }>();
      for (const { id, name, wrappedKey } of sql.people.all()) {
        const templates: Template[] = [];
        people.set(id, { person: { id, name, templates }, templates, key: keys.unwrap(wrappedKey, id) });
      }
      for (const row of sql.templatesOfSpace.all(space)) {
        const owner = people.get(row.person);
        const vector = owner?.key && openVector(owner.key, row.sealed, row.person, space);
        if (vector) owner.templates.push({ id: row.id, vector });
        else damaged(`template ${row.id} of ${row.person}`);
      }
      return {
        space,
        version: sql.meta.get('gallery_version') as number,
        people: [...people.values()].map(({ person }) => person),
        strangers: openStrangers()
          .filter((stranger) => stranger.space === space)
          .map(({ vector }) => vector),
      };
    },
    people() {
      const templates = sql.templates.all();
      return sql.people.all().map((row) => ({
        id: row.id,
        name: row.name,
        createdAtMs: row.createdAtMs,
        templates: templates
          .filter(({ person }) => person === row.id)
          .flatMap(({ id, space, quality, createdAtMs }) => {
            const parsed = parseQuality(quality);
            if (!parsed) damaged(`template ${id} of ${row.id}`);
            return parsed ? [{ id, space, quality: parsed, createdAtMs }] : [];
          }),
      }));
    },
    row(nameOrId) {
      const folded = foldName(nameOrId);
      const rows = sql.people.all();
      return rows.find((row) => row.foldedName === folded) ?? rows.find((row) => row.id === nameOrId);
    },
    openTemplates(person) {
      const row = sql.people.all().find(({ id }) => id === person);
      if (!row) throw fail('PERSON_UNKNOWN', `nobody has the id ${person}`);
      const key = keys.unwrap(row.wrappedKey, person);
      return sql.templatesOfPerson.all(person).flatMap((kept) => {
        const { space, source, createdAtMs } = kept;
        const vector = key && openVector(key, kept.sealed, person, space);
        const quality = parseQuality(kept.quality);
        if (vector && quality) return [{ space, vector, source, createdAtMs, quality }];
        damaged(`template ${kept.id} of ${person}`);
        return [];
      });
    },
  };
}

function parseQuality(text: string): Quality | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && 'eyesPx' in value ? (value as Quality) : null;
  } catch {
    return null;
  }
}
