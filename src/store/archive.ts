// A whole gallery as a document and back. Restoring is one transaction, and a person who is there already is never mixed with
// one of the same name from the document.

import { randomBytes, scryptSync } from 'node:crypto';
import { z } from 'zod';
import { floatBytes, floatsOf } from '../base/bytes.js';
import { fail } from '../base/errors.js';
import { foldName } from '../gallery/names.js';
import { qualitySchema } from '../vision/face.js';
import { isUnit, seal, unseal } from './seal.js';
import type { Changes, PersonRecord, Store } from './store.js';

const base64 = z.base64().transform((text) => Buffer.from(text, 'base64'));
const vector = base64.transform((bytes, context) => {
  const floats = floatsOf(bytes);
  if (bytes.length % 4 !== 0 || !isUnit(floats)) context.addIssue('not a template');
  return floats;
});
const face = { space: z.string().min(1).max(200), vector, source: base64 };
/** What a backup of the first roomkin does not have yet is absent: nothing disabled, nothing corrected. */
const template = z.object({
  ...face,
  quality: qualitySchema,
  setAsideAtMs: z.number().nullable().default(null),
  corrected: z.boolean().default(false),
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

/** The gallery as JSON text, templates opened: to be sealed at once. */
export function writeArchive(store: Store): string {
  const written = <T extends { vector: Float32Array; source: Uint8Array }>(kept: T) => ({
    ...kept,
    vector: floatBytes(kept.vector).toString('base64'),
    source: Buffer.from(kept.source).toString('base64'),
  });
  const people = store.people().map(({ id, name }) => ({
    id,
    name,
    templates: store.openTemplates(id).map(({ correction, ...one }) => ({
      ...written(one),
      corrected: correction !== null,
    })),
    rejections: store.openNegativeTemplates(id).map(written),
  }));
  return JSON.stringify({ people, strangers: store.openCohort().map(written) });
}

export interface Restored {
  readonly people: readonly { readonly person: string; readonly name: string; readonly templates: number }[];
  /** Names that were left as they are in this gallery. */
  readonly kept: readonly string[];
  readonly strangers: number;
}

/**
 * Brings back what `writeArchive` wrote; `file` is only named. People whose name is there already are left as they are, with
 * `replace` they become those of the document. Errors: BACKUP_REFUSED, NAME_REFUSED, DATABASE; then nothing was changed.
 */
export function restoreArchive(store: Store, text: string, file: string, replace: boolean): Restored {
  const parsed = schema.safeParse(parseJson(text));
  if (!parsed.success) throw fail('BACKUP_REFUSED', `${file} opens but is not a whole gallery: use another backup`);
  const { people, strangers } = parsed.data;
  return store.change((changes) => {
    const existing = new Map(changes.people().map((person) => [foldName(person.name), person]));
    const kept: string[] = [];
    const restored: { person: string; name: string; templates: number }[] = [];
    for (const { id, name, templates, rejections } of people) {
      const there = existing.get(foldName(name));
      if (there && !replace) {
        kept.push(there.name);
        continue;
      }
      if (there) empty(changes, there);
      const person = changes.person(name, id);
      const added = templates.filter(({ corrected, ...one }) =>
        corrected ? changes.addCorrectedTemplate(person, one) !== null : changes.addTemplate(person, one),
      );
      for (const rejection of rejections) changes.addNegativeTemplate(person, rejection);
      restored.push({ person, name, templates: added.length });
    }
    const known = new Set(store.openCohort().map((stranger) => stranger.vector.join()));
    const fresh = strangers.filter((one) => !known.has(one.vector.join()));
    return { people: restored, kept, strangers: fresh.filter((one) => changes.addToCohort(one)).length };
  });
}

/** Leaves a person with nothing but name and key. */
function empty(changes: Changes, { id, templates }: PersonRecord): void {
  changes.removeTemplates(templates.map((one) => one.id));
  for (const one of changes.corrections()) if (one.person === id) changes.undo(one.id);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

// A backup is one file that only its passphrase opens: a line that says how, then the sealed gallery. Nothing in it depends on
// the key file, so that it can be brought back on another card.

/** First line of a backup. The numbers of scrypt are part of the version, so that a hostile file cannot ask for more. */
const magic = 'roomkin-backup 1 scrypt-32768-8-3 aes-256-gcm\n';
const saltBytes = 16;

export const leastPassphrase = 10;

/** Seals `text`. Errors: USAGE for a passphrase of less than 10 characters. */
export function sealBackup(text: string, passphrase: string): Buffer {
  if ([...passphrase].length < leastPassphrase)
    throw fail('USAGE', `the passphrase needs ${leastPassphrase} characters at least: five random words are good`);
  const salt = randomBytes(saltBytes);
  const sealed = seal(stretch(passphrase, salt), Buffer.from(text, 'utf8'), [magic]);
  return Buffer.concat([Buffer.from(magic), salt, sealed]);
}

/** The text of a backup; `file` is only named. Errors: BACKUP_REFUSED. */
export function openBackup(bytes: Buffer, passphrase: string, file: string): string {
  if (!bytes.subarray(0, magic.length).equals(Buffer.from(magic))) {
    const why =
      bytes.toString('latin1', 0, 15) === 'roomkin-backup '
        ? 'is of a newer roomkin: upgrade'
        : 'is not a backup of roomkin';
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
