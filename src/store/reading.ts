// Reads people and templates from their rows. A row that does not open is skipped and reported, so a template that was damaged or moved
// to another person never gives a wrong name.
import { fail } from '../base/errors.js';
import { parseJson } from '../base/json.js';
import { foldName } from '../gallery/names.js';
import type { Gallery, Person, PersonId, Template } from '../gallery/person.js';
import type { Quality } from '../vision/face.js';
import { qualitySchema } from '../vision/quality-schema.js';
import type { Keyring } from './keyring.js';
import { openFileName, openVector } from './seal.js';
import type { PersonRow, Statements } from './statements.js';
import type { BareFace, Correction, OpenedTemplate, PersonRecord } from './store.js';

/** The owner of the cohort's key; not a possible person id. */
export const cohort = '';

export interface Reader {
  gallery(space: string): Gallery;
  people(): PersonRecord[];
  /** The row of the person with this name (any spelling) or id; undefined if there is none. */
  row(nameOrId: string): PersonRow | undefined;
  fileNames(): ReadonlyMap<number, string>;
  openTemplates(person: PersonId): OpenedTemplate[];
  openNegativeTemplates(person: PersonId): BareFace[];
  openCohort(): BareFace[];
  corrections(): Correction[];
  /** The key of the cohort; null before its first face. */
  cohortKey(): Buffer | null;
}

export function createReader(sql: Statements, keys: Keyring, onDamage: (what: string) => void): Reader {
  const reported = new Set<string>();
  const reportDamage = (what: string): void => {
    if (reported.has(what)) return;
    reported.add(what);
    onDamage(what);
  };

  const cohortKey = (): Buffer | null => {
    const wrapped = sql.meta.get('cohort_key') as Buffer | undefined;
    return wrapped ? keys.unwrap(wrapped, cohort) : null;
  };

  const openCohort: Reader['openCohort'] = () => {
    const key = cohortKey();
    return sql.cohort.all().flatMap((row) => {
      const vector = key && openVector(key, row.sealed, cohort, row.space);
      if (!vector) reportDamage(`stranger ${row.id}`);
      return vector ? [{ space: row.space, vector, source: row.source }] : [];
    });
  };

  const ownerOf = (id: PersonId): { person: PersonId; key: Buffer | null } => {
    const row = sql.people.all().find((person) => person.id === id);
    if (!row) throw fail('PERSON_UNKNOWN', `nobody has the id ${id}`);
    return { person: id, key: keys.unwrap(row.wrappedKey, id) };
  };

  return {
    cohortKey,
    openCohort: openCohort,
    corrections: () =>
      sql.corrections.all().map(({ id, person, space, template, createdAtMs }) => {
        return { id, person, space, template, createdAtMs };
      }),
    gallery(space) {
      const people = new Map(
        sql.people.all().map(({ id, name, wrappedKey }) => {
          const templates: Template[] = [];
          const negativeTemplates: Template[] = [];
          return [id, { id, name, templates, negativeTemplates, key: keys.unwrap(wrappedKey, id) }];
        }),
      );
      for (const { id, person, sealed, correction } of sql.templatesInUse.all(space)) {
        const owner = people.get(person);
        const vector = owner?.key && openVector(owner.key, sealed, person, space);
        if (vector) owner.templates.push({ id, vector, ...(correction === null ? {} : { corrected: true }) });
        else reportDamage(`template ${id} of ${person}`);
      }
      for (const { id, person, sealed } of sql.negativeTemplatesOfSpace.all(space)) {
        const owner = people.get(person);
        const vector = owner?.key && openVector(owner.key, sealed, person, space, 'rejection');
        if (vector) owner.negativeTemplates.push({ id, vector });
        else reportDamage(`correction ${id} of ${person}`);
      }
      return {
        space,
        version: sql.meta.get('gallery_version') as number,
        people: [...people.values()].map(({ key: _, ...person }): Person => person),
        cohort: openCohort()
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
            if (!parsed) reportDamage(`template ${id} of ${row.id}`);
            return parsed ? [{ id, space, quality: parsed, createdAtMs, setAsideAtMs, correction }] : [];
          }),
      }));
    },
    row(nameOrId) {
      const folded = foldName(nameOrId);
      const rows = sql.people.all();
      // A gallery of an earlier version may hold two spellings as two people.
      const same = rows.filter((row) => foldName(row.name) === folded);
      return same.find((row) => row.name === nameOrId) ?? same[0] ?? rows.find((row) => row.id === nameOrId);
    },
    fileNames() {
      const owners = new Map(sql.people.all().map(({ id, wrappedKey }) => [id, keys.unwrap(wrappedKey, id)]));
      const names = new Map<number, string>();
      for (const { id, person, source, sealedFile } of sql.templates.all()) {
        const key = owners.get(person);
        const name = key && sealedFile && openFileName(key, sealedFile, person, source);
        if (name) names.set(id, name);
      }
      return names;
    },
    openTemplates(id) {
      const { person, key } = ownerOf(id);
      return sql.templatesOfPerson.all(person).flatMap((row) => {
        const { space, source, createdAtMs, setAsideAtMs, correction } = row;
        const vector = key && openVector(key, row.sealed, person, space);
        const quality = parseQuality(row.quality);
        const file = key && row.sealedFile && openFileName(key, row.sealedFile, person, source);
        if (vector && quality) return [{ space, vector, source, createdAtMs, setAsideAtMs, correction, quality, file }];
        reportDamage(`template ${row.id} of ${person}`);
        return [];
      });
    },
    openNegativeTemplates(id) {
      const { person, key } = ownerOf(id);
      return sql.corrections.all().flatMap(({ id: correction, person: owner, space, source, sealed }) => {
        if (owner !== person || sealed === null) return [];
        const vector = key && openVector(key, sealed, person, space, 'rejection');
        if (!vector) reportDamage(`correction ${correction} of ${person}`);
        return vector ? [{ space, vector, source }] : [];
      });
    },
  };
}

export function parseQuality(text: string): Quality | null {
  return parseJson(text, qualitySchema);
}
