// The rows of a person as one document, and back. Only what differs is written, so that a photo keeps its number while the rest of
// its person changes in another room. Runs inside the caller's transaction.
import { foldName } from '../gallery/names.js';
import type { Keyring } from '../store/keyring.js';
import { parseQuality } from '../store/reading.js';
import { openVector, sealVector } from '../store/seal.js';
import type { CorrectionRow, PersonRow, Statements, TemplateRow } from '../store/statements.js';
import { photoOf, type SharedPerson, type SharedTemplate } from './document.js';

/** A person's rows, unopened. */
export interface KeptPerson extends Omit<PersonRow, 'foldedName'> {
  readonly templates: readonly (TemplateRow & { readonly corrected: boolean })[];
  readonly rejections: readonly (CorrectionRow & { readonly sealed: Buffer })[];
}

export interface SharedRows {
  /** Everybody, oldest first. */
  people(): KeptPerson[];
  /** The person opened. Faces that do not open are left out; `whole` says whether there were none. null: the person's key does not open. */
  open(kept: KeptPerson): { readonly person: SharedPerson; readonly whole: boolean } | null;
  /** Makes the rows of `person.id` say this; `kept` is what is there now, of the same key. */
  write(person: SharedPerson, kept: KeptPerson | null): void;
  remove(id: string): void;
  rename(id: string, name: string): void;
}

export function createSharedRows(sql: Statements, keys: Keyring): SharedRows {
  function insertTemplate(person: SharedPerson, template: SharedTemplate): void {
    const { space, source, createdAtMs, setAsideAtMs, corrected } = template;
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
    );
    if (corrected) sql.addCorrection.run(person.id, space, source, null, id, createdAtMs);
  }

  function writeTemplates(person: SharedPerson, kept: KeptPerson['templates']): void {
    const wanted = new Map(person.templates.map((one) => [photoOf(one), one]));
    for (const one of kept) {
      const same = wanted.get(photoOf(one));
      if (same === undefined || same.corrected !== one.corrected) {
        sql.removeTemplate.run(one.id);
        continue;
      }
      wanted.delete(photoOf(one));
      if (same.setAsideAtMs !== one.setAsideAtMs) sql.setTemplateAside.run(same.setAsideAtMs, one.id);
    }
    for (const one of wanted.values()) insertTemplate(person, one);
  }

  function writeRejections(person: SharedPerson, kept: KeptPerson['rejections']): void {
    const wanted = new Map(person.rejections.map((one) => [photoOf(one), one]));
    for (const one of kept) if (!wanted.delete(photoOf(one))) sql.removeCorrection.run(one.id);
    for (const { space, source, vector, createdAtMs } of wanted.values()) {
      const sealed = sealVector(person.key, vector, person.id, space, 'rejection');
      sql.addCorrection.run(person.id, space, source, sealed, null, createdAtMs);
    }
  }

  return {
    people() {
      const templates = sql.templates.all();
      const rejections = sql.corrections.all().filter((one): one is CorrectionRow & { sealed: Buffer } => !!one.sealed);
      return sql.people.all().map(({ foldedName: _, ...row }) => ({
        ...row,
        templates: templates
          .filter(({ person }) => person === row.id)
          .map((one) => ({ ...one, corrected: one.correction !== null })),
        rejections: rejections.filter(({ person }) => person === row.id),
      }));
    },
    open({ id, name, createdAtMs, wrappedKey, templates, rejections }) {
      const key = keys.unwrap(wrappedKey, id);
      if (key === null) return null;
      const opened = templates.flatMap(({ space, source, sealed, quality: said, ...one }) => {
        const [vector, quality] = [openVector(key, sealed, id, space), parseQuality(said)];
        const { createdAtMs: at, setAsideAtMs, corrected } = one;
        return vector && quality ? [{ space, vector, source, quality, createdAtMs: at, setAsideAtMs, corrected }] : [];
      });
      const refused = rejections.flatMap(({ space, source, sealed, createdAtMs: at }) => {
        const vector = openVector(key, sealed, id, space, 'rejection');
        return vector ? [{ space, vector, source, createdAtMs: at }] : [];
      });
      const whole = opened.length === templates.length && refused.length === rejections.length;
      return { person: { id, name, key, createdAtMs, templates: opened, rejections: refused }, whole };
    },
    write(person, kept) {
      const { id, name, key, createdAtMs } = person;
      if (kept === null) sql.addPerson.run(id, name, foldName(name), keys.wrap(key, id), createdAtMs);
      else if (kept.name !== name) sql.renamePerson.run(name, foldName(name), id);
      writeRejections(person, kept?.rejections ?? []);
      writeTemplates(person, kept?.templates ?? []);
    },
    remove: (id) => void sql.removePerson.run(id),
    rename: (id, name) => void sql.renamePerson.run(name, foldName(name), id),
  };
}
