// What the rest of roomkin may do with the people of a household. Everything about a person changes in one transaction, and a
// reader sees all of it or nothing.
import type { Quality } from '../domain/face.js';
import type { Gallery, PersonId } from '../domain/gallery.js';

/** A look that is to be kept. */
export interface NewTemplate {
  readonly space: string;
  /** Unit length. */
  readonly vector: Float32Array;
  readonly quality: Quality;
  /** SHA-256 of the photo's bytes, or other bytes that are the same when the same look comes again. */
  readonly source: Uint8Array;
}

/** What is known about a kept look without opening it. */
export interface TemplateRecord {
  readonly id: number;
  readonly space: string;
  readonly quality: Quality;
  readonly createdAtMs: number;
}

/** A kept look, opened. */
export interface KeptTemplate extends NewTemplate {
  readonly createdAtMs: number;
}

export interface PersonRecord {
  readonly id: PersonId;
  readonly name: string;
  /** Wall time, milliseconds since the Unix epoch. */
  readonly createdAtMs: number;
  readonly templates: readonly TemplateRecord[];
}

/** Inside one write transaction; nothing of it happens if the work throws. Names must have passed `checkName`. */
export interface Changes {
  /** The person called `name` (any spelling of it), or a new one. Returns the id. */
  person(name: string, id?: PersonId): PersonId;
  /** Keeps a look of a person; false if the same photo was kept before. Errors: PERSON_UNKNOWN. */
  addTemplate(person: PersonId, template: NewTemplate): boolean;
  /** Erases single looks. */
  removeTemplates(ids: readonly number[]): void;
  /** Gives a person another name; the id stays. Errors: PERSON_UNKNOWN, PERSON_EXISTS (another person has the name). */
  rename(person: PersonId, name: string): void;
  /** Keeps a face of somebody outside the household; false if the same photo was kept before. */
  addStranger(template: Omit<NewTemplate, 'quality'>): boolean;
  /** The gallery as it is inside this transaction. */
  gallery(space: string): Gallery;
  people(): readonly PersonRecord[];
}

export interface Store extends Disposable {
  /** Grows with every change of the gallery, by whatever process. Cheap enough to ask for every frame (measured: under 10 µs). */
  readonly version: number;
  /** The people and their templates of one embedding space; the same object until the gallery changes. */
  gallery(space: string): Gallery;
  /** Everybody, oldest first, with the templates of every space. */
  people(): readonly PersonRecord[];
  /** Who has this name (any spelling) or this id. Errors: PERSON_UNKNOWN. */
  find(nameOrId: string): PersonRecord;
  /** Runs `work` in one transaction that no other process can come between. */
  change<T>(work: (changes: Changes) => T): T;
  /**
   * Erases every byte about a person: the templates and the key that alone could open copies of them, then the log.
   * False where another process kept the log open, which then ends with the next change.
   */
  forget(person: PersonId): boolean;
  /** Every template of a person, opened, for an export. Damaged ones are left out and reported. */
  openTemplates(person: PersonId): readonly KeptTemplate[];
  /** Every stranger, opened, for an export. */
  openStrangers(): readonly Omit<KeptTemplate, 'quality'>[];
  /** A small setting that survives restarts; null if it was never set. Not part of the gallery's version. */
  setting(key: string): string | null;
  setSetting(key: string, value: string | null): void;
  close(): void;
}

export interface StoreOptions {
  readonly directory: string;
  readonly keyFile: string;
  /** Told about templates that do not open (damaged or moved), once each. */
  readonly onDamage?: (sentence: string) => void;
  /** Wall clock, for `createdAtMs`. */
  readonly wallMs?: () => number;
}
