// One person, one place: arbitrates between this room's presence leases and those of the other rooms. There is no leader.
// Every room ranks the same leases in the same order (see `outranks`). A room yields a person only to a room that outranks
// it AND asserts the person AND has acknowledged this room's current leases. So two rooms never yield to each other at the
// same time, and a person who is seen is always asserted by a room. Pure; times are this room's monotonic milliseconds.
import type { PersonId } from '../gallery/person.js';
import type { PresenceEvent } from './presence.js';

/** A live track without an observation for longer than this is `fading`. Occasional missed detections are shorter. */
export const freshMs = 600;
/** A room that was not received for this long is treated as absent, and its leases are ignored. */
export const silentAfterMs = 2500;
/** After this long a room yields to one that outranks it although that room never acknowledged its leases. */
const patienceMs = 1200;
/** Ages reported by two rooms are compared only from this difference on, because of the message delay. */
const ageDoubtMs = 1000;
/** How long a lease of a person who left is kept. */
const goneForMs = 3_600_000;
/** More rooms than a house has. Bounds the memory when somebody publishes invented rooms. */
const maxRooms = 32;

interface OwnLease extends Omit<Lease, 'ageMs'> {
  /** The last observation, monotonic milliseconds. */
  readonly lastMs: number;
  /** Since when another room outranks this lease without having acknowledged our current leases; null where none does. */
  readonly outrankedMs: number | null;
  /** This room was disconnected: when another room's lease for the person arrives, this lease moves behind it. */
  readonly requeue: boolean;
}

interface OtherLease extends Omit<Lease, 'ageMs'> {
  readonly lastMs: number;
}

interface OtherRoom extends RoomSight {
  readonly receivedMs: number;
  readonly epoch: number;
  readonly acknowledged: ReadonlyMap<RoomId, number>;
  readonly people: ReadonlyMap<PersonId, OtherLease>;
}

/** Immutable; starts as `noLeases`. */
export interface HouseholdLeases {
  readonly room: RoomId;
  readonly epoch: number;
  readonly own: ReadonlyMap<PersonId, OwnLease>;
  readonly others: ReadonlyMap<RoomId, OtherRoom>;
}

/** A named person on a live track here. */
export interface Sighting {
  readonly person: PersonId;
  readonly confidence: PresenceEvent['confidence'];
  /** Time since the last observation. */
  readonly agoMs: number;
}

/** The leases of `room` before it received any other room. */
export function noLeases(room: RoomId): HouseholdLeases {
  return { room, epoch: 1, own: new Map(), others: new Map() };
}

/**
 * Updates this room's leases from its tracks at `atMs`; `present` are the people present before. `elsewhere` has the people
 * who belong to another room, with that room: they leave here, or do not arrive.
 */
export function arbitrate(
  before: HouseholdLeases,
  sightings: readonly Sighting[],
  present: ReadonlySet<PersonId>,
  atMs: number,
): { household: HouseholdLeases; elsewhere: ReadonlyMap<PersonId, RoomId> } {
  const sighted = new Map<PersonId, OwnLease>();
  const onTrack = new Set(sightings.map((sighting) => sighting.person));
  for (const [person, lease] of before.own) {
    if (onTrack.has(person)) continue;
    // A person who was never asserted here, or was yielded, was no reliable sighting. It must not count against another
    // room later.
    if (!present.has(person) && isLive(lease.as) && !lease.asserted) continue;
    if (atMs - lease.lastMs > goneForMs && !present.has(person)) continue;
    sighted.set(person, { ...lease, as: present.has(person) ? 'assumed' : 'gone' });
  }
  for (const { person, confidence, agoMs } of sightings) {
    const old = before.own.get(person);
    const isSameVisit = old !== undefined && isLive(old.as);
    sighted.set(person, {
      as: agoMs <= freshMs ? 'seen' : 'fading',
      asserted: old?.asserted === true,
      confidence: isSameVisit && old.confidence === 'high' ? 'high' : confidence,
      clock: isSameVisit || old?.as === 'assumed' ? old.clock : nextClock(before, person),
      lastMs: atMs - agoMs,
      outrankedMs: old?.outrankedMs ?? null,
      requeue: old?.requeue === true,
    });
  }
  const household = withOwn(before, sighted);
  const elsewhere = new Map<PersonId, RoomId>();
  const ranked = new Map<PersonId, OwnLease>();
  for (const [person, lease] of sighted) {
    const room = lease.as === 'gone' ? null : roomOf(household, person, lease);
    const outrankedMs = room === null ? null : (lease.outrankedMs ?? atMs);
    ranked.set(person, { ...lease, outrankedMs });
    if (room === null) continue;
    const other = household.others.get(room)!;
    const winner = other.people.get(person)!;
    const isAcknowledged = other.acknowledged.get(household.room) === household.epoch;
    // Both rooms may yield a person who is not asserted here, or whom neither room sees. Otherwise the winner must have
    // acknowledged our leases, or our patience has ended.
    const isFree = !lease.asserted || !isLive(winner.as);
    if (!isFree && !isAcknowledged && atMs - outrankedMs! < patienceMs) continue;
    elsewhere.set(person, room);
    // The lease moves behind the winner's. Otherwise the next missed detection in either room would move the person back
    // and forth.
    const clock = isLive(lease.as) ? Math.max(lease.clock, winner.clock + 1) : lease.clock;
    ranked.set(person, { ...lease, clock, outrankedMs: null });
  }
  return { household: withOwn(household, ranked), elsewhere };
}

/** Asserts the people who are `present` after the frame. A person missing in `names` was forgotten, and their lease ends. */
export function assertPresent(
  before: HouseholdLeases,
  present: ReadonlySet<PersonId>,
  names: ReadonlyMap<PersonId, string>,
  elsewhere: ReadonlyMap<PersonId, RoomId>,
): HouseholdLeases {
  const own = new Map<PersonId, OwnLease>();
  for (const [person, lease] of before.own) {
    const isYielded = elsewhere.has(person) && !isLive(lease.as);
    if (!names.has(person) || isYielded) continue;
    const asserted = present.has(person);
    own.set(person, { ...lease, asserted, as: lease.as === 'assumed' && !asserted ? 'gone' : lease.as });
  }
  return withOwn(before, own);
}

/**
 * The leases of a room that starts with the people whom its run before saw until `lastMs`. They queue behind the leases of rooms that
 * stayed on.
 */
export function takeOverLeases(before: HouseholdLeases, people: Iterable<PersonId>, lastMs: number): HouseholdLeases {
  const own = new Map(before.own);
  for (const person of people) {
    own.set(person, {
      as: 'assumed',
      asserted: true,
      confidence: 'medium',
      clock: nextClock(before, person),
      lastMs,
      outrankedMs: null,
      requeue: true,
    });
  }
  return withOwn(before, own);
}

/** The camera is blind: this room sees and asserts nobody. */
export function withoutAsserted(before: HouseholdLeases): HouseholdLeases {
  const own = new Map<PersonId, OwnLease>();
  for (const [person, lease] of before.own) {
    if (lease.asserted || lease.as === 'gone') own.set(person, { ...lease, as: 'gone', asserted: false });
  }
  return withOwn(before, own);
}

/**
 * Takes in another room's leases, received at `nowMs`. `answer`: that room does not know our leases well enough, so send them
 * now.
 */
export function receiveLeases(
  before: HouseholdLeases,
  room: RoomId,
  leases: RoomLeases,
  nowMs: number,
): { household: HouseholdLeases; answer: boolean } {
  const known = before.others.get(room);
  if (room === before.room || (known === undefined && before.others.size >= maxRooms)) {
    return { household: before, answer: false };
  }
  const people = new Map<PersonId, OtherLease>();
  for (const [person, { ageMs, ...lease }] of leases.people) people.set(person, { ...lease, lastMs: nowMs - ageMs });
  const { epoch, acknowledged, watching, strangers, unconfirmed } = leases;
  const others = new Map(before.others).set(room, {
    receivedMs: nowMs,
    epoch,
    acknowledged,
    watching,
    strangers,
    ...(unconfirmed === undefined ? {} : { unconfirmed }),
    people,
  });
  const own = new Map(before.own);
  for (const [person, lease] of before.own) {
    const other = people.get(person);
    if (lease.requeue && other !== undefined && isLive(other.as)) {
      own.set(person, { ...lease, clock: Math.max(lease.clock, other.clock + 1), requeue: false });
    }
  }
  const isShared = [...people.keys()].some((person) => (own.get(person)?.as ?? 'gone') !== 'gone');
  const answer = known === undefined || (isShared && known.epoch !== epoch);
  return { household: withOwn({ ...before, others }, own), answer };
}

/** Forgets the rooms that were not received for `silentAfterMs`. */
export function withoutSilentRooms(before: HouseholdLeases, nowMs: number): HouseholdLeases {
  const others = new Map([...before.others].filter(([, room]) => nowMs - room.receivedMs <= silentAfterMs));
  return others.size === before.others.size ? before : { ...before, others };
}

/** The broker is connected again. This room may have missed much, so its leases queue behind those of connected rooms. */
export function reconnected(before: HouseholdLeases): HouseholdLeases {
  const own = new Map([...before.own].map(([person, lease]) => [person, { ...lease, requeue: true }]));
  return { ...before, own };
}

/** The leases to send to the other rooms at `nowMs`. */
export function leasesOf(
  { epoch, own, others }: HouseholdLeases,
  nowMs: number,
  sight: RoomSight = { watching: true, strangers: 0 },
): RoomLeases {
  return {
    ...sight,
    epoch,
    acknowledged: new Map([...others].map(([id, room]) => [id, room.epoch])),
    people: new Map(
      [...own].map(([person, { as, asserted, confidence, clock, lastMs }]) => [
        person,
        { as, asserted, confidence, clock, ageMs: Math.max(0, nowMs - lastMs) },
      ]),
    ),
  };
}

/** The other room to which `person` belongs; null where they belong to this room. */
function roomOf(household: HouseholdLeases, person: PersonId, own: OwnLease): RoomId | null {
  let best: Rank = { ...own, room: household.room };
  let newest: { room: RoomId; lastMs: number } | null = null;
  for (const [room, other] of household.others) {
    const lease = other.people.get(person);
    if (lease === undefined) continue;
    if (lease.asserted && isLive(lease.as) && outranks({ ...lease, room }, best)) best = { ...lease, room };
    const isLater = lease.lastMs > Math.max(own.lastMs + ageDoubtMs, newest?.lastMs ?? Number.NEGATIVE_INFINITY);
    if (!isLive(lease.as) && isLater) newest = { room, lastMs: lease.lastMs };
  }
  if (best.room !== household.room) return best.room;
  return isLive(own.as) ? null : (newest?.room ?? null);
}

function nextClock(household: HouseholdLeases, person: PersonId): number {
  let clock = household.own.get(person)?.clock ?? 0;
  for (const other of household.others.values()) clock = Math.max(clock, other.people.get(person)?.clock ?? 0);
  return clock + 1;
}

/** `before` with these own leases; a new epoch where they differ in anything on which the other rooms decide. */
function withOwn(before: HouseholdLeases, own: ReadonlyMap<PersonId, OwnLease>): HouseholdLeases {
  const isSame =
    own.size === before.own.size &&
    [...own].every(([person, { as, asserted, confidence, clock }]) => {
      const old = before.own.get(person);
      return old?.as === as && old.asserted === asserted && old.confidence === confidence && old.clock === clock;
    });
  return { ...before, own, epoch: isSame ? before.epoch : before.epoch + 1 };
}

// What one room sends to the others about a person, and which lease counts. Invariant: the order of two leases is computed from
// exact values that both rooms hold (grade, confidence, clock, id), never from times, so that both rooms get the same result.

export type RoomId = string;

/**
 * `seen`: on a live track with a fresh observation. `fading`: on a live track without one. `assumed`: present, not on a track.
 * `gone`: was present here, but is not any more.
 */
export type Grade = 'seen' | 'fading' | 'assumed' | 'gone';

export const grades: readonly Grade[] = ['seen', 'fading', 'assumed', 'gone'];

/** A room's lease for one person. */
export interface Lease {
  readonly as: Grade;
  /** Whether the room publishes the person as present. false for a person on a live track: the room yields to another one. */
  readonly asserted: boolean;
  /** The highest of this visit. */
  readonly confidence: PresenceEvent['confidence'];
  /** Logical clock of the visit: a new visit is above every clock received before. At equal rank the lower clock wins. */
  readonly clock: number;
  /** Time since the last observation when the lease was sent. Rooms exchange ages, because their clocks differ. */
  readonly ageMs: number;
}

/** What a room sees beside known people. */
export interface RoomSight {
  /** It would see a person. false while it is paused or blind. */
  readonly watching: boolean;
  /** Unknown people there. */
  readonly strangers: number;
  /** Who was there before a pause and was neither seen nor has left since; absent where there is nobody. */
  readonly unconfirmed?: ReadonlySet<PersonId>;
}

/** Everything that one room sends to the others. */
export interface RoomLeases extends RoomSight {
  /** Grows whenever a lease changes in more than its age. */
  readonly epoch: number;
  /** The last epoch that this room received from each other room. */
  readonly acknowledged: ReadonlyMap<RoomId, number>;
  readonly people: ReadonlyMap<PersonId, Lease>;
}

/** The values on which the order depends. */
export type Rank = Pick<Lease, 'as' | 'confidence' | 'clock'> & { readonly room: RoomId };

/** Whether a lease of this grade is based on a live track. */
function isLive(grade: Grade): boolean {
  return grade === 'seen' || grade === 'fading';
}

/** Whether lease `a` ranks above `b`: by grade, then confidence, then the longer visit, then the room's id. A total order. */
export function outranks(a: Rank, b: Rank): boolean {
  const [gradeA, gradeB] = [grades.indexOf(a.as), grades.indexOf(b.as)];
  if (gradeA !== gradeB) return gradeA < gradeB;
  if (a.confidence !== b.confidence) return a.confidence === 'high';
  return a.clock === b.clock ? a.room < b.room : a.clock < b.clock;
}
