// Where each person of the household is: in one of the rooms, away, or unknown. There is no leader. Every room computes the same
// places from the same leases and from what the broker retains. One room writes each place: the one that has the person, and for a
// person whom no room has the first room by id. Pure.
import type { PersonId } from '../gallery/person.js';
import { type HouseholdLeases, type Lease, outranks, type RoomId, type RoomSight } from './arbitration.js';

/** What a room tells about itself. Only rooms that are received at present are in a household view. */
export interface RoomReport extends RoomSight {
  readonly people: ReadonlyMap<PersonId, Pick<Lease, 'as' | 'asserted' | 'confidence' | 'clock'>>;
}

/** A room's id; `away`: every room that can tell does not have them; null: not known. No room can have the id `away` (gallery/names.ts). */
export type Place = RoomId | 'away' | null;

/** Whether a place is one of the rooms. */
export function isRoom(place: Place): place is RoomId {
  return place !== null && place !== 'away';
}

/** By room id, this room included. */
export type HouseholdView = ReadonlyMap<RoomId, RoomReport>;

/** The view of the room that holds these leases and sees `sight`. */
export function viewOf({ room, own, others }: HouseholdLeases, sight: RoomSight): HouseholdView {
  return new Map<RoomId, RoomReport>([[room, { ...sight, people: own }], ...others]);
}

/** The room that has `person`: of those that assert them, the one that outranks the others; null where no room does. */
export function holderOf(person: PersonId, view: HouseholdView): RoomId | null {
  let best: Parameters<typeof outranks>[1] | null = null;
  for (const [room, { people }] of view) {
    const lease = people.get(person);
    if (lease?.asserted !== true) continue;
    const { as, confidence, clock } = lease;
    const rank = { as, confidence, clock, room };
    if (best === null || outranks(rank, best)) best = rank;
  }
  return best?.room ?? null;
}

/**
 * Where `person` is. `lastKnown` is the last place that was known, `rooms` are the rooms of the household, also those that are off.
 * Somebody whom no room has is away, but not while the room that had them cannot tell: a camera that failed is no proof that
 * somebody left. Nor is a room that was paused and has not seen them since, until their leaving time has passed.
 */
export function placeOf(person: PersonId, view: HouseholdView, lastKnown: Place, rooms: ReadonlySet<RoomId>): Place {
  const holder = holderOf(person, view);
  if (holder !== null) return holder;
  if (isRoom(lastKnown) && view.get(lastKnown)?.unconfirmed?.has(person) === true) return null;
  const isWatched = (room: RoomId): boolean => view.get(room)?.watching === true;
  if (isRoom(lastKnown) && rooms.has(lastKnown) && !isWatched(lastKnown)) return null;
  return [...view.keys()].some(isWatched) ? 'away' : null;
}

/** Whether `room` writes the place of `person`. */
export function isWriter(room: RoomId, person: PersonId, view: HouseholdView): boolean {
  return (holderOf(person, view) ?? firstRoom(view)) === room;
}

/** The room that writes what belongs to no room: the first by id of those that are received. */
export function firstRoom(view: HouseholdView): RoomId | null {
  return [...view.keys()].sort()[0] ?? null;
}

/** What happened to a person whose place changed: `moved` between two rooms, `came_home`, or `left_home`. */
export type MoveType = 'moved' | 'came_home' | 'left_home';

/** From the last place that was known to the present one; null where nobody moved, or nothing is known. */
export function moveOf(lastKnown: Place, present: Place): MoveType | null {
  if (lastKnown === null || present === null || lastKnown === present) return null;
  if (lastKnown === 'away') return 'came_home';
  return present === 'away' ? 'left_home' : 'moved';
}
