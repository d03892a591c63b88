// Rows → people and templates. What does not open is left out and reported, never guessed: a template that was damaged or moved
// to another person cannot give a wrong name.
import { fail } from '../base/errors.js';
import { foldName } from '../gallery/names.js';
import type { Gallery, Person, PersonId, Template } from '../gallery/person.js';
import type { Quality } from '../vision/face.js';
import type { Keyring } from './keyring.js';
import { openVector } from './seal.js';
import type { PersonRow, Statements } from './statements.js';
import type { BareFace, Correction, OpenedTemplate, PersonRecord } from './store.js';

/** The owner of the cohort's key; not a possible person id. */
export const cohort = '';

export interface Reader {
  gallery(space: string): Gallery;
  people(): PersonRecord[];
  /** The row of who has this name (any spelling) or id; undefined if nobody has. */
  row(nameOrId: string): PersonRow | undefined;
  openTemplates(person: PersonId): OpenedTemplate[];
  openRejections(person: PersonId): BareFace[];
  openStrangers(): BareFace[];
  corrections(): Correction[];
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
      return vector ? [{ space: row.space, vector, source: row.source }] : [];
    });
  };

  const owner = (id: PersonId): { person: PersonId; key: Buffer | null } => {
    const row = sql.people.all().find((person) => person.id === id);
    if (!row) throw fail('PERSON_UNKNOWN', `nobody has the id ${id}`);
    return { person: id, key: keys.unwrap(row.wrappedKey, id) };
  };

  return {
    cohortKey,
    openStrangers,
    corrections: () =>
      sql.corrections.all().map(({ id, person, space, template, createdAtMs }) => {
        return { id, person, space, template, createdAtMs };
      }),
    gallery(space) {
      const people = new Map(
        sql.people.all().map(({ id, name, wrappedKey }) => {
          const templates: Template[] = [];
          const rejections: Template[] = [];
          return [id, { id, name, templates, rejections, key: keys.unwrap(wrappedKey, id) }];
        }),
      );
      for (const { id, person, sealed, correction } of sql.templatesInUse.all(space)) {
        const of = people.get(person);
        const vector = of?.key && openVector(of.key, sealed, person, space);
        if (vector) of.templates.push({ id, vector, ...(correction === null ? {} : { corrected: true }) });
        else damaged(`template ${id} of ${person}`);
      }
      for (const { id, person, sealed } of sql.rejectionsOfSpace.all(space)) {
        const of = people.get(person);
        const vector = of?.key && openVector(of.key, sealed, person, space, 'rejection');
        if (vector) of.rejections.push({ id, vector });
        else damaged(`correction ${id} of ${person}`);
      }
      return {
        space,
        version: sql.meta.get('gallery_version') as number,
        people: [...people.values()].map(({ key: _, ...person }): Person => person),
        cohort: openStrangers()
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
          .flatMap(({ id, space, quality, createdAtMs, setAsideAtMs, correction }) => {
            const parsed = parseQuality(quality);
            if (!parsed) damaged(`template ${id} of ${row.id}`);
            return parsed ? [{ id, space, quality: parsed, createdAtMs, setAsideAtMs, correction }] : [];
          }),
      }));
    },
    row(nameOrId) {
      const folded = foldName(nameOrId);
      const rows = sql.people.all();
      return rows.find((row) => row.foldedName === folded) ?? rows.find((row) => row.id === nameOrId);
    },
    openTemplates(id) {
      const { person, key } = owner(id);
      return sql.templatesOfPerson.all(person).flatMap((kept) => {
        const { space, source, createdAtMs, setAsideAtMs, correction } = kept;
        const vector = key && openVector(key, kept.sealed, person, space);
        const quality = parseQuality(kept.quality);
        if (vector && quality) return [{ space, vector, source, createdAtMs, setAsideAtMs, correction, quality }];
        damaged(`template ${kept.id} of ${person}`);
        return [];
      });
    },
    openRejections(id) {
      const { person, key } = owner(id);
      return sql.corrections.all().flatMap(({ id: number, person: of, space, source, sealed }) => {
        if (of !== person || sealed === null) return [];
        const vector = key && openVector(key, sealed, person, space, 'rejection');
        if (!vector) damaged(`correction ${number} of ${person}`);
        return vector ? [{ space, vector, source }] : [];
      });
    },
  };
}

export function parseQuality(text: string): Quality | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && 'eyesPx' in value ? (value as Quality) : null;
  } catch {
    return null;
  }
}
