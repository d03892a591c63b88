// What remains to be done at the broker after a room has left its household. The last room deletes every message of the household. While
// another room shares, the messages are the household's: only the one that says that this room shares is deleted.
import { randomBytes } from 'node:crypto';
import type { Log } from '../base/log.js';
import type { Config } from '../config/load.js';
import type { Publisher } from '../mqtt/publisher.js';
import type { RoomId } from '../presence/arbitration.js';
import { createHouseholdSeal, eraseLeftKey, formerSeals, type HouseholdSeal, readLeftKey } from './key.js';
import { memberOf, openRoomMessage, sealRoomMessage } from './rooms.js';

export interface LeavingReport {
  /** The rooms that still share, perhaps off now. */
  readonly rooms: readonly RoomId[];
  /** Messages that were deleted. */
  readonly deleted: number;
  /** Messages that the broker did not delete. */
  readonly refused: number;
}

export interface LeavingOptions {
  /** The key that this room had. */
  readonly household: HouseholdSeal;
  /** Seals of earlier epochs. */
  readonly former?: readonly HouseholdSeal[];
  /** This room. */
  readonly room: RoomId;
  readonly publisher: Pick<Publisher, 'share' | 'sendToRooms' | 'onShared' | 'status'>;
  /** Called once, unless the connection breaks first: then it is done at the next connection. */
  readonly onDone: (report: LeavingReport) => void;
  /** How long to listen for the messages and the other rooms, milliseconds. */
  readonly listenMs?: number;
}

/** Create it before the publisher starts. */
export function leaveAtBroker(options: LeavingOptions): Disposable {
  const { household, former = [], room, publisher, onDone, listenMs = 2_000 } = options;
  const seals = [household, ...former];
  /** Opaque names of the messages that this room can open. */
  const names = new Set<string>();
  const rooms = new Set<RoomId>();
  let nonce = '';
  let timers: NodeJS.Timeout[] = [];
  let isDone = false;

  async function finish(): Promise<void> {
    const own = household.nameOfRoom(room);
    const deletable = rooms.size === 0 ? [...names] : [...names].filter((name) => name === own);
    let [deleted, refused] = [0, 0];
    for (const name of deletable) {
      if (await publisher.share(name, Buffer.alloc(0))) deleted += 1;
      else refused += 1;
      if (isDone || !publisher.status().connected) return;
    }
    stop();
    onDone({ rooms: [...rooms].sort(), deleted, refused });
  }

  function stop(): void {
    isDone = true;
    for (const timer of timers) clearTimeout(timer);
  }

  publisher.onShared({
    connected() {
      if (isDone) return;
      for (const timer of timers) clearTimeout(timer);
      names.clear();
      rooms.clear();
      nonce = randomBytes(16).toString('hex');
      const ask = (): void =>
        publisher.sendToRooms(sealRoomMessage(household, { type: 'ask', room, nonce, missing: [] }));
      timers = [setTimeout(ask, listenMs / 4), setTimeout(() => void finish(), listenMs)];
    },
    message(name, sealed) {
      if (isDone || sealed.length === 0) return;
      const member = memberOf(household, name, sealed);
      if (member !== null && member !== room) rooms.add(member);
      if (seals.some((seal) => seal.open(name, sealed) !== null)) names.add(name);
    },
    fromRoom(sealed) {
      const message = openRoomMessage(household, sealed);
      if (message?.type === 'versions' && message.nonce === nonce && message.room !== room) rooms.add(message.room);
    },
  });
  return { [Symbol.dispose]: stop };
}

/** For the daemon: finishes a leaving during which the broker was away. */
export function finishLeaving(
  { household, room }: Pick<Config, 'household' | 'room'>,
  publisher: LeavingOptions['publisher'],
  log: Log,
): Disposable | null {
  const key = readLeftKey(household.keyFile);
  if (key === null) return null;
  return leaveAtBroker({
    household: createHouseholdSeal(key, household.id),
    former: formerSeals(key, household.id),
    room: room.id,
    publisher,
    onDone(report) {
      log(
        report.refused > 0 ? 'warning' : 'notice',
        `this room left household ${household.id}: ${leftSentence(report)}`,
      );
      try {
        eraseLeftKey(household.keyFile);
      } catch (error) {
        log('warning', `the key that was left cannot be erased: ${(error as Error).message}`);
      }
    },
  });
}

/** What became of the messages at the broker, in one sentence. */
export function leftSentence({ rooms, deleted, refused }: LeavingReport): string {
  if (refused > 0) return `the broker did not delete ${refused} messages: check its ACL`;
  if (rooms.length > 0) return `the people at the broker stay for ${rooms.join(', ')}`;
  return `no other room shares, so ${deleted} messages were deleted at the broker`;
}
