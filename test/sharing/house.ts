// Rooms of one household with real stores. The test decides which message reaches which room and when.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createHouseholdSeal, firstKey } from '../../src/sharing/key.js';
import type { ReceiveResult } from '../../src/sharing/people.js';
import { createSharedPeople, type SharedPeople } from '../../src/sharing/people.js';
import { isNewer } from '../../src/sharing/version.js';
import type { Store } from '../../src/store/store.js';
import { openTestStore, space, temporaryFolder } from './household.js';

export const key = Buffer.alloc(32, 7);
export const seal = createHouseholdSeal(firstKey(key), 'home');

export interface HouseRoom {
  readonly id: string;
  readonly folder: string;
  readonly store: Store;
  readonly people: SharedPeople;
  /** The ids of people who were erased here. */
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

/** All messages that a room would publish, by opaque name. */
export function messagesOf(room: HouseRoom): Map<string, Buffer> {
  room.people.recordChanges();
  const messages = new Map<string, Buffer>();
  for (const name of room.people.versions().keys()) {
    const message = room.people.message(name);
    if (message.type === 'sealed') messages.set(name, message.bytes);
  }
  return messages;
}

/** `to` receives all messages of `from`. */
export function deliver(from: HouseRoom, to: HouseRoom): ReceiveResult[] {
  return [...messagesOf(from)].map(([name, sealed]) => to.people.receive(name, sealed));
}

/** Delivers new messages between all rooms until there are none. Returns the number of rounds. */
export function settle(rooms: readonly HouseRoom[], most = 12): number {
  for (let round = 1; round <= most; round += 1) {
    let accepted = 0;
    for (const from of rooms) {
      const messages = messagesOf(from);
      for (const to of rooms) {
        if (to === from) continue;
        const known = to.people.versions();
        for (const [name, version] of from.people.versions()) {
          if (!isNewer(version, known.get(name) ?? null)) continue;
          if (to.people.receive(name, messages.get(name)!).type === 'accepted') accepted += 1;
        }
      }
    }
    if (accepted === 0) return round;
  }
  throw new Error(`the rooms still exchange messages after ${most} rounds`);
}

/** The content of a room's gallery, without row numbers. */
export function content({ store }: Pick<HouseRoom, 'store'>): unknown {
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
