// The interface of the gallery store. A person changes in one transaction, and a reader sees the whole change or none of it.

import type { Gallery, PersonId } from '../gallery/person.js';
import type { Quality } from '../vision/face.js';
import type { Keyring } from './keyring.js';
import type { Statements } from './statements.js';

/** A template to store. */
export interface NewTemplate {
  readonly space: string;
  /** Unit length. */
  readonly vector: Float32Array;
  readonly quality: Quality;
  /** SHA-256 of the photo's bytes, or other bytes that identify the same observation. */
  readonly source: Uint8Array;
  /** Wall time when it was disabled; absent or null: in use. */
  readonly setAsideAtMs?: number | null;
  /** The name of the photo's file without its folder; absent or null where there is none. */
  readonly file?: string | null;
}

/** What is known about a stored template without opening it. */
export interface TemplateRecord {
  readonly id: number;
  readonly space: string;
  readonly quality: Quality;
  readonly createdAtMs: number;
  /** When it was disabled; null while it is in use. */
  readonly setAsideAtMs: number | null;
  /** Id of the correction that made an observation this template; null for a photo. */
  readonly correction: number | null;
}

/** A stored template, opened. */
export interface OpenedTemplate extends Omit<NewTemplate, 'setAsideAtMs'>, Omit<TemplateRecord, 'id'> {
  readonly file: string | null;
}

/** A face without quality: of the cohort, or a negative template. */
export type BareFace = Pick<NewTemplate, 'space' | 'vector' | 'source'>;

/** A correction that a user made to an observation. */
export interface Correction {
  readonly id: number;
  readonly person: PersonId;
  readonly space: string;
  /** Id of the template that the observation became; null for a negative template. */
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

/** Changes inside one write transaction, which is rolled back if the work throws. Names must have passed `checkName`. */
export interface Changes {
  /** Returns the id of the person called `name` (any spelling); creates the person if there is none. */
  person(name: string, id?: PersonId): PersonId;
  /**
   * Stores a template of a person. A disabled template of the same photo is enabled again. False if the same photo is in use already.
   * Errors: PERSON_UNKNOWN.
   */
  addTemplate(person: PersonId, template: NewTemplate): boolean;
  /** Keeps the names of the files of photos that are stored without a name. */
  nameFiles(person: PersonId, photos: readonly Pick<NewTemplate, 'space' | 'source' | 'file'>[]): void;
  /** Erases templates. */
  removeTemplates(ids: readonly number[]): void;
  /**
   * Disables templates; they stay stored. Errors: PHOTO_UNKNOWN, PHOTO_NEEDED (the last photo of a person in use: without one the
   * person is never recognised; `forget` is meant for that).
   */
  disable(ids: readonly number[]): void;
  /** Enables disabled templates. Errors: PHOTO_UNKNOWN. */
  enable(ids: readonly number[]): void;
  /** Stores an observation of the camera as a template. null if it is one already. Errors: PERSON_UNKNOWN, CORRECTION_REFUSED. */
  addCorrectedTemplate(person: PersonId, observation: NewTemplate): Correction | null;
  /** Stores a negative template. null if it is stored already. Errors: PERSON_UNKNOWN, CORRECTION_REFUSED. */
  addNegativeTemplate(person: PersonId, face: BareFace): Correction | null;
  /** Removes a correction and its template. Errors: CORRECTION_UNKNOWN. */
  undo(correction: number): Correction;
  corrections(): readonly Correction[];
  /** Renames a person; the id stays. Errors: PERSON_UNKNOWN, PERSON_EXISTS (another person has the name). */
  rename(person: PersonId, name: string): void;
  /** Stores a face of somebody outside the household. False if the same photo is stored already. */
  addToCohort(face: BareFace): boolean;
  /** The gallery inside this transaction. */
  gallery(space: string): Gallery;
  people(): readonly PersonRecord[];
}

export interface Store extends Disposable {
  /** Why nothing can be changed (the disk is full or read-only, and a copy in memory is read); null where everything can. */
  readonly unwritable: string | null;
  /** Grows with every change of the gallery by any process. Cheap enough to read for every frame (measured: under 10 µs). */
  readonly version: number;
  /** The people and their templates of one embedding space; the same object until the gallery changes. */
  gallery(space: string): Gallery;
  /** All people, oldest first, with the templates of every space. */
  people(): readonly PersonRecord[];
  /** Names and ids of everybody who is enrolled or should be (where the gallery is damaged), for a log without names. */
  names(): readonly string[];
  /** The person with this name (any spelling) or id. Errors: PERSON_UNKNOWN. */
  find(nameOrId: string): PersonRecord;
  /** Runs `work` in one write transaction, isolated from other processes. */
  change<T>(work: (changes: Changes) => T): T;
  /**
   * Erases every byte about a person: the templates, the key without which copies cannot be opened, and the log.
   * False if another process kept the log open; the next change then truncates it.
   */
  forget(person: PersonId): boolean;
  /** The names of the photos' files by the id of the template, without those that are not known. */
  fileNames(): ReadonlyMap<number, string>;
  /** Every template of a person, opened, for an export. Damaged templates are skipped and reported. */
  openTemplates(person: PersonId): readonly OpenedTemplate[];
  /** Every negative template of a person, opened, for an export. */
  openNegativeTemplates(person: PersonId): readonly BareFace[];
  /** Every face of the cohort, opened, for an export. */
  openCohort(): readonly BareFace[];
  /** Oldest first. */
  corrections(): readonly Correction[];
  /** Writes a snapshot where the gallery changed and the newest is an hour old. `change` and `forget` do it too. Errors: DATABASE. */
  keepSnapshots(): void;
  /** A small setting that survives restarts; null if it was never set. Does not change the gallery's version. */
  setting(key: string): string | null;
  setSetting(key: string, value: string | null): void;
  /** The same in a thread of its own, for a process that must not wait for a slow disk. One write at a time. */
  setSettingLater(key: string, value: string | null): Promise<void>;
  /** The open database, for src/sharing, which writes the same tables. */
  readonly connection: StoreConnection;
  close(): void;
}

/** Access to the tables of the gallery for src/sharing, which changes them in the same way as the store. Errors of all methods: DATABASE. */
export interface StoreConnection {
  readonly sql: Statements;
  readonly keys: Keyring;
  /** Runs `work` in one write transaction. `work` calls `changed` to raise the version of the gallery. */
  transact<T>(work: (changed: () => void) => T): T;
  /** Runs `work` on one consistent snapshot. */
  consistent<T>(work: () => T): T;
  /** Truncates the write-ahead log. False if another process kept it open. */
  truncate(): boolean;
}

export interface StoreOptions {
  readonly directory: string;
  readonly keyFile: string;
  /** The caller holds the lock of the directory (the daemon), so a damaged gallery can be restored. */
  readonly isLocked?: boolean;
  /** Called once for everything that is damaged, and when a snapshot was restored. */
  readonly onDamage?: (sentence: string) => void;
  /** Wall clock, for `createdAtMs`. */
  readonly wallMs?: () => number;
}
