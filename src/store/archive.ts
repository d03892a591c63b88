// Writes a whole gallery as a document and restores it. Restoring is one transaction. A person who is already enrolled is never merged
// with a person of the same name from the document.

import { randomBytes, scryptSync } from 'node:crypto';
import { z } from 'zod';
import { floatBytes, floatsOf } from '../base/bytes.js';
import { fail } from '../base/errors.js';
import { foldName } from '../gallery/names.js';
import { qualitySchema } from '../vision/quality-schema.js';
import { isUnit, seal, unseal } from './seal.js';
import type { Changes, PersonRecord, Store } from './store.js';

const base64 = z.base64().transform((text) => Buffer.from(text, 'base64'));
const vector = base64.transform((bytes, context) => {
  const floats = floatsOf(bytes);
  if (bytes.length % 4 !== 0 || !isUnit(floats)) context.addIssue('not a template');
  return floats;
});
const face = { space: z.string().min(1).max(200), vector, source: base64 };
/** Backups of the first roomkin lack the last members: nothing was disabled or corrected, and no name of a file was kept. */
const template = z.object({
  ...face,
  quality: qualitySchema,
  setAsideAtMs: z.number().nullable().default(null),
  corrected: z.boolean().default(false),
  file: z.string().max(400).nullable().default(null),
});
const person = z.object({
  id: z.string(),
  name: z.string(),
  templates: z.array(template),
  rejections: z.array(z.object(face)).default([]),
});
const schema = z.object({
  people: z.array(person),
  strangers: z.array(z.object(face)),
});

/** The gallery as JSON text with opened templates. The caller must seal it at once. */
export function writeArchive(store: Store): string {
  const encodedFace = <T extends { vector: Float32Array; source: Uint8Array }>(face: T) => ({
    ...face,
    vector: floatBytes(face.vector).toString('base64'),
    source: Buffer.from(face.source).toString('base64'),
  });
  const people = store.people().map(({ id, name }) => ({
    id,
    name,
    templates: store.openTemplates(id).map(({ correction, ...template }) => ({
      ...encodedFace(template),
      corrected: correction !== null,
    })),
    rejections: store.openNegativeTemplates(id).map(encodedFace),
  }));
  return JSON.stringify({ people, strangers: store.openCohort().map(encodedFace) });
}

export interface Restored {
  readonly people: readonly { readonly person: string; readonly name: string; readonly templates: number }[];
  /** Names of people who were already enrolled and were left unchanged. */
  readonly kept: readonly string[];
  readonly strangers: number;
}

/**
 * Restores what `writeArchive` wrote. `file` is only named in errors. A person whose name is already enrolled is left unchanged, or
 * replaced by the document's if `replace` is set. Errors: BACKUP_REFUSED, NAME_REFUSED, DATABASE; nothing is changed then.
 */
export function restoreArchive(store: Store, text: string, file: string, replace: boolean): Restored {
  const parsed = schema.safeParse(parseJson(text));
  if (!parsed.success) throw fail('BACKUP_REFUSED', `${file} opens but is not a complete gallery: use another backup`);
  const { people, strangers } = parsed.data;
  return store.change((changes) => {
    const existing = new Map(changes.people().map((person) => [foldName(person.name), person]));
    const kept: string[] = [];
    const restored: { person: string; name: string; templates: number }[] = [];
    for (const { id, name, templates, rejections } of people) {
      const enrolled = existing.get(foldName(name));
      if (enrolled && !replace) {
        kept.push(enrolled.name);
        continue;
      }
      if (enrolled) clearPerson(changes, enrolled);
      const person = changes.person(name, id);
      const added = templates.filter(({ corrected, ...template }) =>
        corrected ? changes.addCorrectedTemplate(person, template) !== null : changes.addTemplate(person, template),
      );
      for (const rejection of rejections) changes.addNegativeTemplate(person, rejection);
      restored.push({ person, name, templates: added.length });
    }
    const cohort = new Set(store.openCohort().map((face) => face.vector.join()));
    const added = strangers.filter((face) => !cohort.has(face.vector.join()));
    return { people: restored, kept, strangers: added.filter((face) => changes.addToCohort(face)).length };
  });
}

/** Removes everything of a person except name and key. */
function clearPerson(changes: Changes, { id, templates }: PersonRecord): void {
  changes.removeTemplates(templates.map((template) => template.id));
  for (const correction of changes.corrections()) if (correction.person === id) changes.undo(correction.id);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

// A backup is one file: a line that names the format, then the gallery, sealed under the passphrase. It does not depend on the key
// file, so it can be restored on another card.

/** First line of a backup. The scrypt parameters are part of the version, so that a hostile file cannot demand larger ones. */
const magic = 'roomkin-backup 1 scrypt-32768-8-3 aes-256-gcm\n';
const saltBytes = 16;

export const leastPassphrase = 10;

/** Seals `text`. Errors: USAGE for a passphrase of fewer than 10 characters. */
export function sealBackup(text: string, passphrase: string): Buffer {
  if ([...passphrase].length < leastPassphrase)
    throw fail(
      'USAGE',
      `the passphrase needs at least ${leastPassphrase} characters: choose for example five random words`,
    );
  const salt = randomBytes(saltBytes);
  const sealed = seal(stretch(passphrase, salt), Buffer.from(text, 'utf8'), [magic]);
  return Buffer.concat([Buffer.from(magic), salt, sealed]);
}

/** Opens a backup and returns its text. `file` is only named in errors. Errors: BACKUP_REFUSED. */
export function openBackup(bytes: Buffer, passphrase: string, file: string): string {
  if (!bytes.subarray(0, magic.length).equals(Buffer.from(magic))) {
    const why =
      bytes.toString('latin1', 0, 15) === 'roomkin-backup '
        ? 'was written by a newer roomkin: upgrade roomkin'
        : 'is not a backup of roomkin: choose another file';
    throw fail('BACKUP_REFUSED', `${file} ${why}`);
  }
  const salt = bytes.subarray(magic.length, magic.length + saltBytes);
  const opened = unseal(stretch(passphrase, salt), bytes.subarray(magic.length + saltBytes), [magic]);
  if (!opened) throw fail('BACKUP_REFUSED', `${file} does not open: the passphrase is wrong or the file is damaged`);
  return opened.toString('utf8');
}

// 32 MiB and about 0.3 s on a desktop, 1 to 2 s on a Pi (OWASP password storage: N=2^15, r=8, p=3).
function stretch(passphrase: string, salt: Uint8Array): Buffer {
  return scryptSync(passphrase.normalize('NFC'), salt, 32, { N: 32768, r: 8, p: 3, maxmem: 64 * 2 ** 20 });
}
