// The other rooms of the household, over the broker: tells them what this room claims, and the room what they claim. Claims are
// never retained and never queued: an age that lies somewhere for a minute is wrong by a minute. Each room says its own when they
// change and once a second while others listen; a room that is not heard any more has no say (src/presence/arbitration.ts).
import type { Clock } from '../base/clock.js';
import { leasesOf, receiveLeases, type RoomLeases, type RoomId, reconnected, withoutSilentRooms } from '../presence/arbitration.js';
import type { Room } from './room.js';

/** What carries claims between rooms: the publisher, over MQTT. */
export interface HouseholdTransport {
  sendLeases(claims: RoomLeases): void;
  onHousehold(listener: {
    claims(from: RoomId, claims: RoomLeases): void;
    /** The broker is connected again: what was said while it was away did not arrive. */
    connected(): void;
  }): void;
}

const beatMs = 1_000;
/** While nobody else is heard: a household of one room is quiet. */
const lonelyBeatMs = 10_000;
const tickMs = 250;

export interface Neighbours extends Disposable {
  /** Tells the others now. */
  send(): void;
}

/** Begins at once; `tell` belongs at the room's `household` listener. */
export function createNeighbours(
  room: Pick<Room, 'leases' | 'takeLeases'>,
  publisher: HouseholdTransport,
  clock: Clock,
): Neighbours {
  let toldMs = Number.NEGATIVE_INFINITY;

  function tell(): void {
    toldMs = clock.monotonicMs();
    publisher.sendLeases(leasesOf(room.leases, toldMs));
  }

  publisher.onHousehold({
    claims(from, claims) {
      const { household, answer } = receiveLeases(room.leases, from, claims, clock.monotonicMs());
      room.takeLeases(household);
      if (answer) tell();
    },
    connected() {
      room.takeLeases(reconnected(room.leases));
      tell();
    },
  });
  const timer = setInterval(() => {
    const now = clock.monotonicMs();
    const rest = withoutSilentRooms(room.leases, now);
    if (rest !== room.leases) room.takeLeases(rest);
    if (now - toldMs >= (room.leases.others.size > 0 ? beatMs : lonelyBeatMs)) tell();
  }, tickMs);

  return {
    send: tell,
    [Symbol.dispose]: () => clearInterval(timer),
  };
}
