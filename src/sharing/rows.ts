// Reads the rows of a person as one document and writes a document to the rows. Only differences are written, so a photo keeps its
// number if another room changes the rest of the person. Runs inside the caller's transaction.
import { foldName } from '../gallery/names.js';
import type { Keyring } from '../store/keyring.js';
import { parseQuality } from '../store/reading.js';
import { openFileName, openVector, sealFileName, sealVector } from '../store/seal.js';
import type { CorrectionRow, PersonRow, Statements, TemplateRow } from '../store/statements.js';
import { photoOf, type SharedFace, type SharedPerson, type SharedTemplate } from './document.js';

/** The sealed rows of a person. */
export interface StoredPerson extends Omit<PersonRow, 'foldedName'> {
  readonly templates: readonly (TemplateRow & { readonly corrected: boolean })[];
  readonly rejections: readonly (CorrectionRow & { readonly sealed: Buffer })[];
}

export interface SharedRows {
  /** All people, oldest first. */
  people(): StoredPerson[];
  /** Opens a person. Faces that do not open are skipped; `complete` is false then. null if the person's key does not open. */
  open(stored: StoredPerson): { readonly person: SharedPerson; readonly complete: boolean } | null;
  /** Writes `person` to the rows of `person.id`. `stored` are the present rows, which must have the same key; null if there are none. */
  write(person: SharedPerson, stored: StoredPerson | null): void;
  remove(id: string): void;
  rename(id: string, name: string): void;
}

export function createSharedRows(sql: Statements, keys: Keyring): SharedRows {
  function insertTemplate(person: SharedPerson, template: SharedTemplate): void {
    const { space, source, createdAtMs, setAsideAtMs, corrected } = template;
    const sealedFile = sealedFileOf(person, template);
    const sealed = sealVector(person.key, template.vector, person.id, space);
    const quality = JSON.stringify(template.quality);
    const { lastInsertRowid: id } = sql.addTemplate.run(
      person.id,
      space,
      source,
      quality,
      sealed,
      createdAtMs,
      setAsideAtMs,
      sealedFile,
    );
    if (corrected) sql.addCorrection.run(person.id, space, source, null, id, createdAtMs);
  }

  function sealedFileOf(person: SharedPerson, { file, source }: SharedTemplate): Buffer | null {
    return file === null ? null : sealFileName(person.key, file, person.id, source);
  }

  function writeTemplates(person: SharedPerson, stored: StoredPerson['templates']): void {
    const missing = new Map(person.templates.map((template) => [photoOf(template), template]));
    for (const row of stored) {
      const incoming = missing.get(photoOf(row));
      if (incoming === undefined || incoming.corrected !== row.corrected) {
        sql.removeTemplate.run(row.id);
        continue;
      }
      missing.delete(photoOf(row));
      const sealedFile = row.sealedFile === null ? sealedFileOf(person, incoming) : null;
      if (sealedFile !== null) sql.nameFile.run(sealedFile, person.id, row.space, row.source);
      if (incoming.setAsideAtMs !== row.setAsideAtMs) sql.setTemplateDisabled.run(incoming.setAsideAtMs, row.id);
    }
    for (const template of missing.values()) insertTemplate(person, template);
  }

  function writeNegativeTemplates(person: SharedPerson, stored: StoredPerson['rejections']): void {
    const missing = new Map(person.rejections.map((face) => [photoOf(face), face]));
    for (const row of stored) if (!missing.delete(photoOf(row))) sql.removeCorrection.run(row.id);
    for (const { space, source, vector, createdAtMs } of missing.values()) {
      const sealed = sealVector(person.key, vector, person.id, space, 'rejection');
      sql.addCorrection.run(person.id, space, source, sealed, null, createdAtMs);
    }
  }

  return {
    people() {
      const templates = sql.templates.all();
      const rejections = sql.corrections
        .all()
        .filter((correction): correction is CorrectionRow & { sealed: Buffer } => !!correction.sealed);
      return sql.people.all().map(({ foldedName: _, ...row }) => ({
        ...row,
        templates: templates
          .filter(({ person }) => person === row.id)
          .map((template) => ({ ...template, corrected: template.correction !== null })),
        rejections: rejections.filter(({ person }) => person === row.id),
      }));
    },
    open({ id, name, createdAtMs, wrappedKey, templates, rejections }) {
      const key = keys.unwrap(wrappedKey, id);
      if (key === null) return null;
      const openedTemplates = templates.flatMap((row): SharedTemplate[] => {
        const vector = openVector(key, row.sealed, id, row.space);
        const quality = parseQuality(row.quality);
        if (vector === null || quality === null) return [];
        const { space, source, setAsideAtMs, corrected } = row;
        const file = row.sealedFile && openFileName(key, row.sealedFile, id, source);
        return [{ space, vector, source, quality, createdAtMs: row.createdAtMs, setAsideAtMs, corrected, file }];
      });
      const openedRejections = rejections.flatMap((row): SharedFace[] => {
        const vector = openVector(key, row.sealed, id, row.space, 'rejection');
        return vector ? [{ space: row.space, vector, source: row.source, createdAtMs: row.createdAtMs }] : [];
      });
      const complete = openedTemplates.length === templates.length && openedRejections.length === rejections.length;
      return {
        person: { id, name, key, createdAtMs, templates: openedTemplates, rejections: openedRejections },
        complete,
      };
    },
    write(person, stored) {
      const { id, name, key, createdAtMs } = person;
      if (stored === null) sql.addPerson.run(id, name, foldName(name), keys.wrap(key, id), createdAtMs);
      else if (stored.name !== name) sql.renamePerson.run(name, foldName(name), id);
      writeNegativeTemplates(person, stored?.rejections ?? []);
      writeTemplates(person, stored?.templates ?? []);
    },
    remove: (id) => void sql.removePerson.run(id),
    rename: (id, name) => void sql.renamePerson.run(name, foldName(name), id),
  };
}
