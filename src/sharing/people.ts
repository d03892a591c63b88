// This room's side of the gallery that a household shares: versions of its own changes, sealed messages for the other rooms, and what
// they send, taken in one transaction or refused. Invariant: a version that was heard is remembered for good, so nothing old that
// is said again, by a broker or by somebody else, undoes what came after it; who was forgotten stays so.
import { foldName, freeId } from '../gallery/names.js';
import type { PersonId } from '../gallery/person.js';
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
import { createSharedRows, type KeptPerson } from './rows.js';
import { freeName, isNewer, meeting, mostSharedPeople, standing, type Version } from './version.js';

export interface SharingOptions {
  readonly household: HouseholdSeal;
  /** This room. */
  readonly room: RoomId;
  /** Length of the vectors of each embedding space that is known here; templates of other spaces are kept as they come. */
  readonly dimensions: ReadonlyMap<string, number>;
  /** Told of a person of whom everything goes, before it does. */
  readonly onErase?: (person: PersonId) => void;
}

/** What became of a message of another room. */
export type Taken =
  /** `name` of the person, null for somebody who was not here; `overruled`: a change of this room lost to it; `erased`: the log is cut. */
  | {
      readonly type: 'taken';
      readonly version: Version;
      readonly name: string | null;
      readonly overruled: boolean;
      readonly erased: boolean;
    }
  | { readonly type: 'same' | 'older'; readonly version: Version }
  /** `foreign`: not sealed with this household's key for this place, or damaged; `crowd`: too many people. */
  | { readonly type: 'refused'; readonly why: 'foreign' | 'malformed' | 'large' | 'crowd' };

/** What to tell the other rooms of a person. `stale`: a change came between, `fold` first. */
export type SharedMessage =
  | { readonly type: 'sealed'; readonly bytes: Buffer }
  | { readonly type: 'damaged' | 'large'; readonly name: string }
  | { readonly type: 'stale' };

export interface SharedPeople {
  /** Gives a version to what was changed here, by whatever process. Returns the names of those who are too many to be shared. */
  fold(): readonly string[];
  /** The version of each person and of each who was forgotten, by their opaque names. */
  versions(): ReadonlyMap<string, Version>;
  message(name: string): SharedMessage;
  /** Takes a message of another room about `name`, in one transaction. */
  take(name: string, sealed: Buffer): Taken;
}

/** The people of a store as the rooms of the household share them. */
export function createSharedPeople(connection: StoreConnection, options: SharingOptions): SharedPeople {
  const { sql, keys, transact, consistent, truncate } = connection;
  const rows = createSharedRows(sql, keys);
  const { household, room, dimensions } = options;
  transact(() => sql.dropOtherShared.run(household.fingerprint));

  const digestOf = (person: Parameters<typeof contentText>[0]): string => household.digest(contentText(person));
  const versions = (): Map<string, Version> =>
    new Map(
      sql.shared.all(household.fingerprint).map(({ key, life, forgotten, counter, room: of, digest }) => {
        return [key, { stamp: { life, forgotten: forgotten === 1, counter, room: of }, digest }];
      }),
    );
  const remember = (name: string, { stamp, digest }: Version): void => {
    const forgotten = stamp.forgotten ? 1 : 0;
    sql.putShared.run(household.fingerprint, name, stamp.life, forgotten, stamp.counter, stamp.room, digest);
  };

  /** What was changed here and has no version yet. */
  function unsaid(): { changes: [name: string, version: Version][]; beyond: string[] } {
    const known = versions();
    const changes: [string, Version][] = [];
    const beyond: string[] = [];
    const gone = new Set(known.keys());
    let living = [...known.values()].filter(({ stamp }) => !stamp.forgotten).length;
    for (const person of rows.people()) {
      const name = household.nameOf(person.id);
      const before = known.get(name) ?? null;
      gone.delete(name);
      const now = standing(before, digestOf(person), room)!;
      if (now === before) continue;
      if (before === null || before.stamp.forgotten) {
        if (living >= mostSharedPeople) {
          beyond.push(person.name);
          continue;
        }
        living += 1;
      }
      changes.push([name, now]);
    }
    for (const name of gone) {
      const now = standing(known.get(name)!, '', room)!;
      if (now !== known.get(name)) changes.push([name, now]);
    }
    return { changes, beyond };
  }

  /** The person of another room, with the faces of ours that it does not have: a photo that both enrolled gave both one vector. */
  function united(person: SharedPerson, ours: SharedPerson): SharedPerson {
    const marks = (one: SharedFace): string[] => [photoOf(one), `${one.space}\n${one.vector.join()}`];
    const fresh = <T extends SharedFace>(
      theirs: readonly T[],
      own: readonly T[],
      not: readonly SharedFace[] = [],
    ): T[] => {
      const taken = new Set([...theirs, ...not].flatMap(marks));
      return [...theirs, ...own.filter((one) => !marks(one).some((mark) => taken.has(mark)))];
    };
    const rejections = fresh(person.rejections, ours.rejections, person.templates);
    return { ...person, templates: fresh(person.templates, ours.templates, rejections), rejections };
  }

  /** Writes a living person of another room in the place of `here`. */
  function settle(comes: SharedPerson, here: KeptPerson | null, newLife: boolean): void {
    const ours = here === null || newLife ? null : rows.open(here);
    const met = ours === null ? null : meeting(ours.person, comes);
    if (here !== null && met !== 'same') {
      if (met !== 'unite') options.onErase?.(here.id);
      rows.remove(here.id);
    }
    const others = rows.people().filter(({ id }) => id !== comes.id);
    const names = new Set(others.map(({ name }) => foldName(name)));
    let { name } = comes;
    const rival = others.find((one) => foldName(one.name) === foldName(name));
    // Two people with one name: every room gives the number to the same one, as a change of its own.
    if (rival !== undefined) {
      const numbered = freeName(name, names);
      if (rival.id < comes.id) name = numbered;
      else rows.rename(rival.id, numbered);
    }
    const person = { ...comes, name };
    rows.write(met === 'unite' ? united(person, ours!.person) : person, met === 'same' ? here : null);
    if (met !== 'part') return;
    const id = freeId(ours!.person.name, new Set([...others.map((one) => one.id), comes.id]));
    const taken = new Set(rows.people().map((one) => foldName(one.name)));
    rows.write({ ...ours!.person, id, name: freeName(ours!.person.name, taken) }, null);
  }

  function apply(name: string, { stamp, person }: SharedDocument, changed: () => void): Taken {
    const known = versions().get(name) ?? null;
    const everybody = rows.people();
    const here = everybody.find(({ id }) => household.nameOf(id) === name) ?? null;
    const ours = standing(known, here === null ? '' : digestOf(here), room);
    const comes: Version = { stamp, digest: person === null ? '' : digestOf(person) };
    if (!isNewer(comes, ours)) return { type: isNewer(ours!, comes) ? 'older' : 'same', version: comes };
    if (person !== null && here === null && everybody.length >= mostSharedPeople) return refused('crowd');
    if (person === null) {
      if (here !== null) options.onErase?.(here.id);
      if (here !== null) rows.remove(here.id);
    } else settle(person, here, known !== null && stamp.life > ours!.stamp.life);
    remember(name, comes);
    if (person !== null || here !== null) changed();
    const unheard = ours !== known || (ours?.stamp.counter === stamp.counter && ours.stamp.room === room);
    const overruled = here !== null && known !== null && unheard && stamp.life === ours?.stamp.life;
    return { type: 'taken', version: comes, name: person?.name ?? here?.name ?? null, overruled, erased: true };
  }

  return {
    fold() {
      const { changes, beyond } = consistent(unsaid);
      if (changes.length > 0)
        transact(() => {
          for (const [name, version] of unsaid().changes) remember(name, version);
        });
      return beyond;
    },
    versions: () => consistent(versions),
    message(name) {
      return consistent(() => {
        const version = versions().get(name);
        if (version === undefined) return { type: 'stale' };
        const { stamp } = version;
        if (stamp.forgotten)
          return { type: 'sealed', bytes: household.seal(name, writeDocument({ stamp, person: null })) };
        const here = rows.people().find(({ id }) => household.nameOf(id) === name);
        if (here === undefined || digestOf(here) !== version.digest) return { type: 'stale' };
        const opened = rows.open(here);
        if (!opened?.whole) return { type: 'damaged', name: here.name };
        const bytes = household.seal(name, writeDocument({ stamp, person: opened.person }));
        return bytes.length > mostSharedBytes ? { type: 'large', name: here.name } : { type: 'sealed', bytes };
      });
    },
    take(name, sealed) {
      if (sealed.length > mostSharedBytes) return refused('large');
      const plain = household.open(name, sealed);
      if (plain === null) return refused('foreign');
      const document = readDocument(plain, dimensions);
      if (document === null || (document.person && household.nameOf(document.person.id) !== name))
        return refused('malformed');
      const taken = transact((changed) => apply(name, document, changed));
      return taken.type === 'taken' ? { ...taken, erased: truncate() } : taken;
    },
  };
}

const refused = (why: Extract<Taken, { type: 'refused' }>['why']): Taken => ({ type: 'refused', why });
