// Rooms of one household with real stores, and the broker between them as its retained messages: what lies there replaces what
// lay there before, and each room hears it when the test says so.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createHouseholdSeal } from '../../src/sharing/key.js';
import type { Taken } from '../../src/sharing/people.js';
import { createSharedPeople, type SharedPeople } from '../../src/sharing/people.js';
import { isNewer } from '../../src/sharing/version.js';
import type { Store } from '../../src/store/store.js';
import { openTestStore, space, temporaryFolder } from './household.js';

export const key = Buffer.alloc(32, 7);
export const seal = createHouseholdSeal(key, 'home');

export interface HouseRoom {
  readonly id: string;
  readonly folder: string;
  readonly store: Store;
  readonly people: SharedPeople;
  /** Who was erased here, by id. */
  readonly erased: string[];
  close(): void;
}

export function openRoom(id: string, folder = temporaryFolder(), household = seal): HouseRoom {
  const store = openTestStore(folder);
  const erased: string[] = [];
  const people = createSharedPeople(store.connection, {
    household,
    room: id,
    dimensions: new Map([[space, 192]]),
    onErase: (person) => erased.push(person),
  });
  return { id, folder, store, people, erased, close: () => store.close() };
}

/** Everything a room would say, by name. */
export function saying(room: HouseRoom): Map<string, Buffer> {
  room.people.fold();
  const said = new Map<string, Buffer>();
  for (const name of room.people.versions().keys()) {
    const message = room.people.message(name);
    if (message.type === 'sealed') said.set(name, message.bytes);
  }
  return said;
}

/** `to` hears everything that `from` would say. */
export function tell(from: HouseRoom, to: HouseRoom): Taken[] {
  return [...saying(from)].map(([name, sealed]) => to.people.take(name, sealed));
}

/** Until nobody has anything new: each tells each. Returns how many rounds that took. */
export function settle(rooms: readonly HouseRoom[], most = 12): number {
  for (let round = 1; round <= most; round += 1) {
    let news = 0;
    for (const from of rooms) {
      const said = saying(from);
      for (const to of rooms) {
        if (to === from) continue;
        const theirs = to.people.versions();
        for (const [name, version] of from.people.versions()) {
          if (!isNewer(version, theirs.get(name) ?? null)) continue;
          if (to.people.take(name, said.get(name)!).type === 'taken') news += 1;
        }
      }
    }
    if (news === 0) return round;
  }
  throw new Error(`the rooms still talk after ${most} rounds`);
}

/** What a room knows of everybody, numbers of rows apart. */
export function content({ store }: HouseRoom): unknown {
  return store
    .people()
    .map(({ id, name, createdAtMs }) => ({
      id,
      name,
      createdAtMs,
      templates: store
        .openTemplates(id)
        .map(({ source, setAsideAtMs, correction, vector }) => {
          const photo = Buffer.from(source).toString('hex');
          return `${photo} ${setAsideAtMs} ${correction !== null} ${vector.join()}`;
        })
        .sort(),
      rejections: store
        .openNegativeTemplates(id)
        .map(({ source, vector }) => `${Buffer.from(source).toString('hex')} ${vector.join()}`)
        .sort(),
    }))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** Every byte of a room's gallery on disk. */
export function everyByte(folder: string): Buffer {
  const files = readdirSync(folder).filter((name) => name.startsWith('gallery'));
  return Buffer.concat(files.map((name) => readFileSync(join(folder, name))));
}
