// Rooms with real stores that share people over a real broker.
import { join } from 'node:path';
import {
  createHouseholdSeal,
  formerSeals,
  type HouseholdKey,
  type HouseholdSeal,
  readHouseholdKey,
} from '../../src/sharing/key.js';
import { createGallerySharing, unreadEpochs } from '../../src/sharing/sync.js';
import type { Broker } from '../helpers/brokers.js';
import { lines, roomPublisher } from '../mqtt/room.js';
import { type HouseRoom, openRoom, seal } from './house.js';
import { temporaryFolder } from './household.js';

export interface Sharing extends AsyncDisposable {
  readonly room: HouseRoom;
  readonly lines: readonly string[];
  /** What the daemon does when the version of the gallery changes. */
  changed(): void;
  readonly names: () => string[];
}

/** Short, so that tests are quick. Another room on a busy machine may answer later. */
const shortMs = [150, 50] as const;
/** Long enough for an answer of another room on a busy machine. */
export const patientMs = [2000, 0] as const;

interface ShareOptions {
  readonly folder?: string;
  readonly household?: HouseholdSeal;
  readonly protocol?: 4 | 5;
  readonly log?: ReturnType<typeof lines>;
  /** In place of `household`, with its earlier epochs. */
  readonly key?: HouseholdKey | null;
  readonly listenMs?: readonly [number, number];
}

/** Opens a room and connects it. */
export function share(
  broker: Broker,
  id: string,
  {
    folder = temporaryFolder(),
    household = seal,
    protocol = 5 as 4 | 5,
    log = lines(),
    key = null,
    listenMs = shortMs,
  }: ShareOptions = {},
): Sharing {
  const present = key === null ? household : createHouseholdSeal(key, 'home');
  const room = openRoom(id, folder, present);
  const publisher = roomPublisher(broker.url, {
    room: { id, name: id },
    household: { id: 'home', shares: true },
    homeAssistant: { discovery: false },
    mqtt: { protocol },
    log: log.log,
  });
  let version = 0;
  const sharing = createGallerySharing({
    people: room.people,
    household: present,
    room: id,
    former: key === null ? [] : formerSeals(key, 'home'),
    unread: unreadEpochs(room.store),
    isKeyPresent: () => {
      const file = readHouseholdKey(join(folder, 'household-key'));
      return file === null || key === null || file.secret.equals(key.secret);
    },
    publisher,
    log: log.log,
    listenMs,
    retryMs: 500,
    onReceived: () => changed(),
  });
  const changed = (): void => {
    if (room.store.version === version) return;
    version = room.store.version;
    sharing.changed();
  };
  publisher.start();
  return {
    room,
    lines: log.all,
    changed,
    names: () => room.store.people().map(({ name }) => name),
    async [Symbol.asyncDispose]() {
      sharing[Symbol.dispose]();
      await publisher.stop();
      room.close();
    },
  };
}
