// One room's part of the shared gallery: versions of its own changes, sealed messages for the other rooms, and incoming messages, which
// are applied in one transaction or refused. Invariant: a received version is remembered for good, so an old message that a broker or
// somebody else repeats never undoes a later change, and a forgotten person stays forgotten.
import { foldName } from '../gallery/names.js';
import type { PersonId } from '../gallery/person.js';
import { freeId } from '../gallery/person-id.js';
import type { RoomId } from '../presence/arbitration.js';
import type { StoreConnection } from '../store/store.js';
import {
  contentText,
  mostSharedBytes,
  photoOf,
  readDocument,
  type SharedDocument,
  type SharedFace,
  type SharedPerson,
  writeDocument,
} from './document.js';
import type { HouseholdSeal } from './key.js';
import { createSharedRows, type StoredPerson } from './rows.js';
import {
  currentVersion,
  freeName,
  identityOf,
  isNewer,
  mostSharedPeople,
  type Stamp,
  type Version,
} from './version.js';

export interface SharingOptions {
  readonly household: HouseholdSeal;
  /** This room. */
  readonly room: RoomId;
  /** Vector length of each known embedding space. Templates of other spaces are stored unchecked. */
  readonly dimensions: ReadonlyMap<string, number>;
  /** Called before everything about a person is erased. */
  readonly onErase?: (person: PersonId) => void;
}

/** The result of a message of another room. */
export type ReceiveResult =
  /**
   * `name`: the person's name, null if the person was not enrolled here. `overruled`: a change of this room lost to it. `erased`: the log
   * was truncated.
   */
  | {
      readonly type: 'accepted';
      readonly version: Version;
      readonly name: string | null;
      readonly overruled: boolean;
      readonly erased: boolean;
    }
  | { readonly type: 'same' | 'older'; readonly version: Version }
  /** `foreign`: damaged, or not sealed with this household's key for this person. `crowd`: too many people. */
  | { readonly type: 'refused'; readonly why: 'foreign' | 'malformed' | 'large' | 'crowd' };

/** The message about a person for the other rooms. `stale`: the person was changed meanwhile, so call `recordChanges` first. */
export type SharedMessage =
  | { readonly type: 'sealed'; readonly bytes: Buffer }
  | { readonly type: 'damaged' | 'large'; readonly name: string }
  | { readonly type: 'stale' };

export interface SharedPeople {
  /** Gives a version to every change that a process of this room made. Returns the names of people beyond the limit, who are not shared. */
  recordChanges(): readonly string[];
  /** The version of each enrolled or forgotten person, by opaque name. */
  versions(): ReadonlyMap<string, Version>;
  /** The same by tag: the names that no rotation of the key changes. */
  tags(): ReadonlyMap<string, Version>;
  message(name: string): SharedMessage;
  /** What a message is about, without applying it; null for a message that `receive` refuses. */
  inspect(name: string, sealed: Buffer): { readonly tag: string; readonly version: Version } | null;
  /** Applies a message of another room about `name` in one transaction. `from`: the seal of the epoch in which it was sealed. */
  receive(name: string, sealed: Buffer, from?: HouseholdSeal): ReceiveResult;
  /**
   * What this room does from now on is no longer the household's. The forgotten stay remembered: the room may come back.
   */
  leave(): void;
  /** Forgets a person of whom another room says that they were forgotten. */
  forget(tag: string, stamp: Stamp & { readonly forgotten: true }): ReceiveResult;
}

/** The shared people of a store. */
export function createSharedPeople(connection: StoreConnection, options: SharingOptions): SharedPeople {
  const { sql, keys, transact, consistent, truncate } = connection;
  const rows = createSharedRows(sql, keys);
  const { household, room, dimensions } = options;
  transact(() => sql.dropOtherShared.run(household.lineage));

  const digestOf = (person: Parameters<typeof contentText>[0]): string => household.digest(contentText(person));
  /** By tag. */
  const versions = (): Map<string, Version> =>
    new Map(
      sql.shared.all(household.lineage).map(({ key, life, forgotten, counter, room: origin, digest }) => {
        return [key, { stamp: { life, forgotten: forgotten === 1, counter, room: origin }, digest }];
      }),
    );
  const remember = (tag: string, { stamp, digest }: Version): void => {
    const forgotten = stamp.forgotten ? 1 : 0;
    sql.putShared.run(household.lineage, tag, stamp.life, forgotten, stamp.counter, stamp.room, digest);
  };

  /** The changes of this room that have no version yet. */
  function unversionedChanges(): { changes: [tag: string, version: Version][]; beyond: string[] } {
    const known = versions();
    const changes: [string, Version][] = [];
    const beyond: string[] = [];
    const removed = new Set(known.keys());
    let enrolled = [...known.values()].filter(({ stamp }) => !stamp.forgotten).length;
    for (const person of rows.people()) {
      const tag = household.tagOf(person.id);
      const before = known.get(tag) ?? null;
      removed.delete(tag);
      const version = currentVersion(before, digestOf(person), room)!;
      if (version === before) continue;
      if (before === null || before.stamp.forgotten) {
        if (enrolled >= mostSharedPeople) {
          beyond.push(person.name);
          continue;
        }
        enrolled += 1;
      }
      changes.push([tag, version]);
    }
    for (const tag of removed) {
      const version = currentVersion(known.get(tag)!, '', room)!;
      if (version !== known.get(tag)) changes.push([tag, version]);
    }
    return { changes, beyond };
  }

  /**
   * The person of another room with those faces of this room that it lacks. A photo that both rooms enrolled has the same vector in both,
   * so it is added once.
   */
  function merge(incoming: SharedPerson, stored: SharedPerson): SharedPerson {
    const keysOf = (face: SharedFace): string[] => [photoOf(face), `${face.space}\n${face.vector.join()}`];
    const union = <T extends SharedFace>(
      first: readonly T[],
      second: readonly T[],
      excluded: readonly SharedFace[] = [],
    ): T[] => {
      const known = new Set([...first, ...excluded].flatMap(keysOf));
      return [...first, ...second.filter((face) => !keysOf(face).some((key) => known.has(key)))];
    };
    const rejections = union(incoming.rejections, stored.rejections, incoming.templates);
    return { ...incoming, templates: union(incoming.templates, stored.templates, rejections), rejections };
  }

  /** Writes an enrolled person of another room in place of `stored`. */
  function writePerson(incoming: SharedPerson, stored: StoredPerson | null, newLife: boolean): void {
    const opened = stored === null || newLife ? null : rows.open(stored);
    const identity = opened === null ? null : identityOf(opened.person, incoming);
    if (stored !== null && identity !== 'same') {
      if (identity !== 'merge') options.onErase?.(stored.id);
      rows.remove(stored.id);
    }
    const others = rows.people().filter(({ id }) => id !== incoming.id);
    const names = new Set(others.map(({ name }) => foldName(name)));
    let { name } = incoming;
    const namesake = others.find((other) => foldName(other.name) === foldName(name));
    // Two people have the same name. Every room numbers the same one of them and publishes that as its own change.
    if (namesake !== undefined) {
      const numbered = freeName(name, names);
      if (namesake.id < incoming.id) name = numbered;
      else rows.rename(namesake.id, numbered);
    }
    const person = { ...incoming, name };
    rows.write(identity === 'merge' ? merge(person, opened!.person) : person, identity === 'same' ? stored : null);
    if (identity !== 'separate') return;
    const id = freeId(opened!.person.name, new Set([...others.map((other) => other.id), incoming.id]));
    const usedNames = new Set(rows.people().map((other) => foldName(other.name)));
    rows.write({ ...opened!.person, id, name: freeName(opened!.person.name, usedNames) }, null);
  }

  function apply(tag: string, { stamp, person }: SharedDocument, changed: () => void): ReceiveResult {
    const known = versions().get(tag) ?? null;
    const people = rows.people();
    const stored = people.find(({ id }) => household.tagOf(id) === tag) ?? null;
    const current = currentVersion(known, stored === null ? '' : digestOf(stored), room);
    const incoming: Version = { stamp, digest: person === null ? '' : digestOf(person) };
    if (!isNewer(incoming, current)) return { type: isNewer(current!, incoming) ? 'older' : 'same', version: incoming };
    if (person !== null && stored === null && people.length >= mostSharedPeople) return refused('crowd');
    if (person !== null) writePerson(person, stored, known !== null && stamp.life > current!.stamp.life);
    else if (stored !== null) {
      options.onErase?.(stored.id);
      rows.remove(stored.id);
    }
    remember(tag, incoming);
    if (person !== null || stored !== null) changed();
    const unpublished = current !== known || (current?.stamp.counter === stamp.counter && current.stamp.room === room);
    const overruled = stored !== null && known !== null && unpublished && stamp.life === current?.stamp.life;
    return { type: 'accepted', version: incoming, name: person?.name ?? stored?.name ?? null, overruled, erased: true };
  }

  return {
    recordChanges() {
      const { changes, beyond } = consistent(unversionedChanges);
      if (changes.length > 0)
        transact(() => {
          for (const [tag, version] of unversionedChanges().changes) remember(tag, version);
        });
      return beyond;
    },
    versions: () =>
      new Map([...consistent(versions)].map(([tag, version]) => [household.nameOfTag(tag), version] as const)),
    tags: () => consistent(versions),
    message(name) {
      return consistent(() => {
        const [tag, version] = [...versions()].find(([candidate]) => household.nameOfTag(candidate) === name) ?? [];
        if (tag === undefined || version === undefined) return { type: 'stale' };
        const { stamp } = version;
        if (stamp.forgotten) {
          const document = tag === name ? { stamp, person: null } : { stamp, person: null, tag };
          return { type: 'sealed', bytes: household.seal(name, writeDocument(document)) };
        }
        const stored = rows.people().find(({ id }) => household.tagOf(id) === tag);
        if (stored === undefined || digestOf(stored) !== version.digest) return { type: 'stale' };
        const opened = rows.open(stored);
        if (!opened?.complete) return { type: 'damaged', name: stored.name };
        const bytes = household.seal(name, writeDocument({ stamp, person: opened.person }));
        return bytes.length > mostSharedBytes ? { type: 'large', name: stored.name } : { type: 'sealed', bytes };
      });
    },
    inspect(name, sealed) {
      const message = read(name, sealed, household);
      if ('type' in message) return null;
      const { stamp, person } = message.document;
      return { tag: message.tag, version: { stamp, digest: person === null ? '' : digestOf(person) } };
    },
    receive(name, sealed, from = household) {
      const message = read(name, sealed, from);
      return 'type' in message ? message : receiveDocument(message.tag, message.document);
    },
    leave: () => transact(() => void sql.dropLivingShared.run(household.lineage)),
    forget: (tag, stamp) => receiveDocument(tag, { stamp, person: null }),
  };

  function read(name: string, sealed: Buffer, from: HouseholdSeal): OpenedMessage | Refused {
    if (sealed.length > mostSharedBytes) return refused('large');
    const plain = from.open(name, sealed);
    if (plain === null) return refused('foreign');
    const document = readDocument(plain, dimensions);
    if (document === null) return refused('malformed');
    const tag = document.person === null ? (document.tag ?? name) : from.tagOf(document.person.id);
    return from.nameOfTag(tag) === name ? { tag, document } : refused('malformed');
  }

  function receiveDocument(tag: string, document: SharedDocument): ReceiveResult {
    const result = transact((changed) => apply(tag, document, changed));
    return result.type === 'accepted' ? { ...result, erased: truncate() } : result;
  }
}

interface OpenedMessage {
  readonly tag: string;
  readonly document: SharedDocument;
}

type Refused = Extract<ReceiveResult, { type: 'refused' }>;

const refused = (why: Refused['why']): Refused => ({ type: 'refused', why });
