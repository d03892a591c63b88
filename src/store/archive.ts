// A whole gallery as a document and back. Restoring is one transaction, and a person who is there already is never mixed with
// one of the same name from the document.
import { z } from 'zod';
import { fail } from '../base/errors.js';
import { floatBytes, floatsOf } from '../base/floats.js';
import { foldName } from '../domain/names.js';
import { qualitySchema } from './quality-schema.js';
import type { Changes, PersonRecord, Store } from './store.js';
import { isUnit } from './vector.js';

const base64 = z.base64().transform((text) => Buffer.from(text, 'base64'));
const vector = base64.transform((bytes, context) => {
  const floats = floatsOf(bytes);
  if (bytes.length % 4 !== 0 || !isUnit(floats)) context.addIssue('not a template');
  return floats;
});
const look = { space: z.string().min(1).max(200), vector, source: base64 };
/** What a backup of the first roomkin does not have yet is absent: nothing set aside, nothing corrected. */
const template = z.object({
  ...look,
  quality: qualitySchema,
  setAsideAtMs: z.number().nullable().default(null),
  corrected: z.boolean().default(false),
});
const person = z.object({
  id: z.string(),
  name: z.string(),
  templates: z.array(template),
  rejections: z.array(z.object(look)).default([]),
});
const schema = z.object({
  people: z.array(person),
  strangers: z.array(z.object(look)),
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
    rejections: store.openRejections(id).map(written),
  }));
  return JSON.stringify({ people, strangers: store.openStrangers().map(written) });
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
        corrected ? changes.addLook(person, one) !== null : changes.addTemplate(person, one),
      );
      for (const rejection of rejections) changes.addRejection(person, rejection);
      restored.push({ person, name, templates: added.length });
    }
    const known = new Set(store.openStrangers().map((stranger) => stranger.vector.join()));
    const fresh = strangers.filter((one) => !known.has(one.vector.join()));
    return { people: restored, kept, strangers: fresh.filter((one) => changes.addStranger(one)).length };
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
