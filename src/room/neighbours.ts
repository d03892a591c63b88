// Exchanges presence leases with the other rooms of the household over the broker. Leases are never retained and never
// queued, because they contain ages: a message that is delivered a minute late is wrong by a minute. A room sends its own
// leases when they change, and once per second while it receives others. A room that is not received any more is ignored
// (src/presence/arbitration.ts).
import type { Clock } from '../base/clock.js';
import {
  leasesOf,
  type RoomId,
  type RoomLeases,
  type RoomSight,
  receiveLeases,
  reconnected,
  withoutSilentRooms,
} from '../presence/arbitration.js';
import { type HouseholdView, viewOf } from '../presence/household.js';
import type { Room } from './room.js';

/** Carries presence leases between rooms; the publisher implements it over MQTT. */
export interface HouseholdTransport {
  sendLeases(leases: RoomLeases): void;
  /** Publishes where everybody is. Called several times a second. */
  updateHousehold(view: HouseholdView): void;
  onHousehold(listener: {
    leases(from: RoomId, leases: RoomLeases): void;
    /** The broker is connected again: messages sent while it was disconnected did not arrive. */
    connected(): void;
  }): void;
}

const beatMs = 1_000;
/** While no other room is received, so that a household of one room sends little. */
const lonelyBeatMs = 10_000;
const tickMs = 250;

export interface Neighbours extends Disposable {
  /** Sends this room's leases now. */
  send(): void;
}

/** Starts at once. The caller calls `send` when the room's leases change. */
export function createNeighbours(
  room: Pick<Room, 'leases' | 'takeLeases' | 'snapshot' | 'unconfirmed'>,
  transport: HouseholdTransport,
  clock: Clock,
): Neighbours {
  let sentMs = Number.NEGATIVE_INFINITY;
  let sent: RoomSight = { watching: false, strangers: 0 };

  function sight(): RoomSight {
    const { snapshot, unconfirmed } = room;
    const sure = { watching: snapshot !== null, strangers: snapshot?.strangers ?? 0 };
    return unconfirmed.size === 0 ? sure : { ...sure, unconfirmed };
  }

  function send(): void {
    sentMs = clock.monotonicMs();
    sent = sight();
    transport.sendLeases(leasesOf(room.leases, sentMs, sent));
  }

  transport.onHousehold({
    leases(from, leases) {
      const { household, answer } = receiveLeases(room.leases, from, leases, clock.monotonicMs());
      room.takeLeases(household);
      if (answer) send();
    },
    connected() {
      room.takeLeases(reconnected(room.leases));
      send();
    },
  });
  const timer = setInterval(() => {
    const nowMs = clock.monotonicMs();
    const remaining = withoutSilentRooms(room.leases, nowMs);
    if (remaining !== room.leases) room.takeLeases(remaining);
    const intervalMs = room.leases.others.size > 0 ? beatMs : lonelyBeatMs;
    const isNews = !isSameSight(sight(), sent);
    if (isNews || nowMs - sentMs >= intervalMs) send();
    // After the leases, so that the other rooms know why a place changes.
    transport.updateHousehold(viewOf(room.leases, sight()));
  }, tickMs);

  return {
    send,
    [Symbol.dispose]: () => clearInterval(timer),
  };
}

function isSameSight(a: RoomSight, b: RoomSight): boolean {
  const unconfirmed = ({ unconfirmed: people = new Set<string>() }: RoomSight): string => [...people].sort().join();
  return a.watching === b.watching && a.strangers === b.strangers && unconfirmed(a) === unconfirmed(b);
}
