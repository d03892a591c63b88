// What the rest of roomkin may do with the people of a household. Everything about a person changes in one transaction, and a
// reader sees all of it or nothing.

import type { Gallery, PersonId } from '../gallery/person.js';
import type { Quality } from '../vision/face.js';
import type { Keyring } from './keyring.js';
import type { Statements } from './statements.js';

/** A template that is to be kept. */
export interface NewTemplate {
  readonly space: string;
  /** Unit length. */
  readonly vector: Float32Array;
  readonly quality: Quality;
  /** SHA-256 of the photo's bytes, or other bytes that are the same when the same observation comes again. */
  readonly source: Uint8Array;
  /** Wall time; in use where it is absent. */
  readonly setAsideAtMs?: number | null;
}

/** What is known about a kept template without opening it. */
export interface TemplateRecord {
  readonly id: number;
  readonly space: string;
  readonly quality: Quality;
  readonly createdAtMs: number;
  /** When it was disabled; null while it is in use. */
  readonly setAsideAtMs: number | null;
  /** The correction by which an observation of the camera became it; null for a photo. */
  readonly correction: number | null;
}

/** A kept template, opened. */
export interface OpenedTemplate extends Omit<NewTemplate, 'setAsideAtMs'>, Omit<TemplateRecord, 'id'> {}

/** A face without a photo's quality: of a stranger, or one that somebody is not. */
export type BareFace = Pick<NewTemplate, 'space' | 'vector' | 'source'>;

/** What somebody said about an observation. */
export interface Correction {
  readonly id: number;
  readonly person: PersonId;
  readonly space: string;
  /** The template that the observation became; null where it was said not to be this person. */
  readonly template: number | null;
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
  /**
   * Keeps a template of a person; false if the same photo was kept before. One that was disabled is enabled again.
   * Errors: PERSON_UNKNOWN.
   */
  addTemplate(person: PersonId, template: NewTemplate): boolean;
  /** Erases single templates. */
  removeTemplates(ids: readonly number[]): void;
  /**
   * Takes single templates out of use; they stay kept. Errors: PHOTO_UNKNOWN, PHOTO_NEEDED (a person's last photo in use: who has
   * none is never recognised, which is what `forget` is for).
   */
  disable(ids: readonly number[]): void;
  /** Takes templates that were disabled into use again. Errors: PHOTO_UNKNOWN. */
  enable(ids: readonly number[]): void;
  /** An observation of a camera becomes a template of a person. null if it is one. Errors: PERSON_UNKNOWN, CORRECTION_REFUSED. */
  addCorrectedTemplate(person: PersonId, observation: NewTemplate): Correction | null;
  /** Keeps a face that is not this person. null if it was kept before. Errors: PERSON_UNKNOWN, CORRECTION_REFUSED. */
  addNegativeTemplate(person: PersonId, face: BareFace): Correction | null;
  /** Takes a correction back, and the template with it. Errors: CORRECTION_UNKNOWN. */
  undo(correction: number): Correction;
  corrections(): readonly Correction[];
  /** Gives a person another name; the id stays. Errors: PERSON_UNKNOWN, PERSON_EXISTS (another person has the name). */
  rename(person: PersonId, name: string): void;
  /** Keeps a face of somebody outside the household; false if the same photo was kept before. */
  addToCohort(face: BareFace): boolean;
  /** The gallery as it is inside this transaction. */
  gallery(space: string): Gallery;
  people(): readonly PersonRecord[];
}

export interface Store extends Disposable {
  /** Why nothing can be changed (the disk is full or read-only, and a copy in memory is read); null where everything can. */
  readonly unwritable: string | null;
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
  openTemplates(person: PersonId): readonly OpenedTemplate[];
  /** Every face that was said not to be this person, opened, for an export. */
  openNegativeTemplates(person: PersonId): readonly BareFace[];
  /** Every stranger, opened, for an export. */
  openCohort(): readonly BareFace[];
  /** Oldest first. */
  corrections(): readonly Correction[];
  /** A small setting that survives restarts; null if it was never set. Not part of the gallery's version. */
  setting(key: string): string | null;
  setSetting(key: string, value: string | null): void;
  /** The open database, for src/sharing, which writes the same tables. */
  readonly connection: StoreConnection;
  close(): void;
}

/** What another part needs to change the tables of the gallery in the same way as the store. Errors of its methods: DATABASE. */
export interface StoreConnection {
  readonly sql: Statements;
  readonly keys: Keyring;
  /** Runs `work` in one write transaction; `changed` inside it makes a new version of the gallery. */
  transact<T>(work: (changed: () => void) => T): T;
  /** Runs `work` on one snapshot. */
  consistent<T>(work: () => T): T;
  /** Cuts the write-ahead log. False where another process kept it open. */
  truncate(): boolean;
}

export interface StoreOptions {
  readonly directory: string;
  readonly keyFile: string;
  /** Told about templates that do not open (damaged or moved), once each. */
  readonly onDamage?: (sentence: string) => void;
  /** Wall clock, for `createdAtMs`. */
  readonly wallMs?: () => number;
}
