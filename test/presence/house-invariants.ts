// Invariants that must hold in every simulated house at every moment.
import type { HouseEvent, HouseOptions, Moment, RoomNow } from './house-simulator.js';
import { simulateHouse } from './house-simulator.js';

export interface HouseReport {
  /** Longest time for which two connected rooms both published one person as `seen`, milliseconds. */
  readonly twoSeenMs: number;
  /** Longest time for which a room saw a person whom neither it nor a connected room published, milliseconds. */
  readonly noneMs: number;
  /** The same, shortly after a fault. */
  readonly noneAfterFaultMs: number;
  /** Longest time for which two connected rooms both published one person, at least one of them as `seen`, milliseconds. */
  readonly twoPlacesMs: number;
  readonly events: number;
  readonly moves: number;
}

/** It may take this long until the other rooms notice the loss of a room. */
const faultEchoMs = 5000;

/** Simulates one house. Throws where arrived and left do not alternate, or where a person moved to the room they left. */
export function watchHouse(options: HouseOptions): HouseReport {
  const since = new Map<string, number>();
  let [twoSeenMs, noneMs, noneAfterFaultMs, twoPlacesMs] = [0, 0, 0, 0];
  let lastFaultMs = Number.NEGATIVE_INFINITY;
  let connections = '';
  const durationMs = (key: string, holds: boolean, atMs: number): number => {
    if (!holds) since.delete(key);
    else if (!since.has(key)) since.set(key, atMs);
    return holds ? atMs - since.get(key)! : 0;
  };
  const people = Array.from({ length: options.people }, (_, n) => `person${n}`);
  const watch = ({ atMs, rooms }: Moment): void => {
    const current = rooms.map((room) => `${room.running}${room.connectedSinceMs}`).join();
    if (current !== connections) lastFaultMs = atMs;
    connections = current;
    for (const person of people) {
      const published = rooms.map((room) => publishedAs(room, person));
      for (const [a, room] of rooms.entries()) {
        for (const [b, other] of rooms.entries()) {
          if (b <= a) continue;
          const bothConnected = room.connectedSinceMs !== null && other.connectedSinceMs !== null;
          const bothSeen = bothConnected && published[a] === 'seen' && published[b] === 'seen';
          const anySeen = published[a] === 'seen' || published[b] === 'seen';
          const twoPlaces = bothConnected && published[a] !== null && published[b] !== null && anySeen;
          twoSeenMs = Math.max(twoSeenMs, durationMs(`seen ${person} ${a} ${b}`, bothSeen, atMs));
          twoPlacesMs = Math.max(twoPlacesMs, durationMs(`places ${person} ${a} ${b}`, twoPlaces, atMs));
        }
      }
      // A person seen in a room is published by that room, or by one connected to it.
      const none = rooms.some((room, own) => {
        const isInReach = (other: number) => room.connectedSinceMs !== null && rooms[other]!.connectedSinceMs !== null;
        return (
          room.sees.has(person) && published.every((as, other) => as === null || (other !== own && !isInReach(other)))
        );
      });
      const noneForMs = durationMs(`none ${person}`, none, atMs) + (none ? 20 : 0);
      if (atMs - lastFaultMs > faultEchoMs) noneMs = Math.max(noneMs, noneForMs);
      else noneAfterFaultMs = Math.max(noneAfterFaultMs, noneForMs);
    }
  };
  const events = simulateHouse(options, watch);
  if (options.restarts === 0) alternate(events);
  const moves = events.filter((event) => event.movedTo !== null);
  if (moves.some((event) => event.movedTo === event.room)) throw new Error('a person moved to the room they left');
  return { twoSeenMs, noneMs, noneAfterFaultMs, twoPlacesMs, events: events.length, moves: moves.length };
}

function publishedAs(room: RoomNow, person: string): 'seen' | 'assumed' | null {
  return room.snapshot?.people.find((present) => present.person === person)?.as ?? null;
}

function alternate(events: readonly HouseEvent[]): void {
  const present = new Set<string>();
  for (const { type, person, room } of events) {
    const key = `${person} in ${room}`;
    if (type === 'arrived' && present.has(key)) throw new Error(`${key} arrived twice`);
    if (type === 'left' && !present.delete(key)) throw new Error(`${key} left without having arrived`);
    if (type === 'arrived') present.add(key);
  }
}
