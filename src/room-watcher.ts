// A room's news in the words of `roomkin watch`: for the control socket and for `roomkin run --json`.
import type { Clock } from './base/clock.js';
import type { PresenceSnapshot } from './domain/presence-types.js';
import { createWallTime, type WallTime } from './publish/payloads.js';
import type { RoomListener } from './room.js';
import type { RoomState, WatchUpdate } from './service/control-protocol.js';

/** What is true now, with wall times; every value null while nothing can be seen. */
export function roomState(snapshot: PresenceSnapshot | null, wallTime: WallTime): RoomState {
  if (snapshot === null) return { occupied: null, people: null, ambiguous: null, strangers: null };
  const { occupied, people, ambiguous, strangers } = snapshot;
  return {
    occupied,
    people: people.map(({ person, name, as, sinceMs }) => ({ person, name, as, since: wallTime(sinceMs) })),
    ambiguous: ambiguous.map(({ sinceMs, ...face }) => ({ ...face, since: wallTime(sinceMs) })),
    strangers,
  };
}

/** Hands each change of a room to `send`. */
export function createRoomWatcher(clock: Clock, send: (update: WatchUpdate) => void): RoomListener {
  const wallTime = createWallTime(clock);
  return {
    state: (snapshot) => send({ type: 'state', at: wallTime(clock.monotonicMs()), ...roomState(snapshot, wallTime) }),
    event: ({ type, atMs, person, name, confidence, movedTo }) =>
      send({
        type: 'event',
        at: wallTime(atMs),
        event: type,
        person,
        name,
        confidence,
        ...(movedTo === null ? {} : { moved_to: movedTo }),
      }),
  };
}
