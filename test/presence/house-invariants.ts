// What must hold in every simulated house, watched moment by moment.
import type { HouseEvent, HouseOptions, Moment, RoomNow } from './house-simulator.js';
import { simulateHouse } from './house-simulator.js';

export interface HouseReport {
  /** Longest time for which two rooms, both connected, both said `seen` for one person, milliseconds. */
  readonly twoSeenMs: number;
  /** Longest time for which a room saw somebody whom neither it nor another in reach said, without and with a fault just before. */
  readonly noneMs: number;
  readonly noneAfterFaultMs: number;
  /** Longest time for which two connected rooms both said somebody, of whom one was seen, milliseconds. */
  readonly twoPlacesMs: number;
  readonly events: number;
  readonly moves: number;
}

/** After a room was lost it may take so long until the others know it. */
const faultEchoMs = 5000;

/** Plays one house. Throws for what must never be: events that do not alternate, a move to where nobody says the person. */
export function watchHouse(options: HouseOptions): HouseReport {
  const since = new Map<string, number>();
  let [twoSeenMs, noneMs, noneAfterFaultMs, twoPlacesMs] = [0, 0, 0, 0];
  let lastFaultMs = Number.NEGATIVE_INFINITY;
  let connections = '';
  const lasting = (key: string, holds: boolean, atMs: number): number => {
    if (!holds) since.delete(key);
    else if (!since.has(key)) since.set(key, atMs);
    return holds ? atMs - since.get(key)! : 0;
  };
  const people = Array.from({ length: options.people }, (_, n) => `person${n}`);
  const look = ({ atMs, rooms }: Moment): void => {
    const now = rooms.map((room) => `${room.running}${room.connectedSinceMs}`).join();
    if (now !== connections) lastFaultMs = atMs;
    connections = now;
    for (const person of people) {
      const says = rooms.map((room) => said(room, person));
      for (const [a, one] of rooms.entries()) {
        for (const [b, other] of rooms.entries()) {
          if (b <= a) continue;
          const both = one.connectedSinceMs !== null && other.connectedSinceMs !== null;
          const seen = both && says[a] === 'seen' && says[b] === 'seen';
          const places = both && says[a] !== null && says[b] !== null && (says[a] === 'seen' || says[b] === 'seen');
          twoSeenMs = Math.max(twoSeenMs, lasting(`seen ${person} ${a} ${b}`, seen, atMs));
          twoPlacesMs = Math.max(twoPlacesMs, lasting(`places ${person} ${a} ${b}`, places, atMs));
        }
      }
      // Whoever one room sees, that room says, or one that it can hear.
      const none = rooms.some((room, own) => {
        const reach = (other: number) => room.connectedSinceMs !== null && rooms[other]!.connectedSinceMs !== null;
        return room.sees.has(person) && says.every((one, other) => one === null || (other !== own && !reach(other)));
      });
      const lasted = lasting(`none ${person}`, none, atMs) + (none ? 20 : 0);
      if (atMs - lastFaultMs > faultEchoMs) noneMs = Math.max(noneMs, lasted);
      else noneAfterFaultMs = Math.max(noneAfterFaultMs, lasted);
    }
  };
  const events = simulateHouse(options, look);
  if (options.restarts === 0) alternate(events);
  const moves = events.filter((event) => event.movedTo !== null);
  if (moves.some((event) => event.movedTo === event.room)) throw new Error('moved to where they were');
  return { twoSeenMs, noneMs, noneAfterFaultMs, twoPlacesMs, events: events.length, moves: moves.length };
}

function said(room: RoomNow, person: string): 'seen' | 'assumed' | null {
  return room.snapshot?.people.find((one) => one.person === person)?.as ?? null;
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
