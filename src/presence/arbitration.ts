// One person, one place: what this room knows of its own people and of the other rooms' claims, and whom it lets go of.
// There is no leader. Every room ranks the same claims in the same order (claims.ts) and yields only to a room that outranks
// it AND says the person AND has heard our present claim: two rooms can then never yield to each other at once, so somebody
// who is seen is always said by a room. Pure; times are this room's monotonic milliseconds.
import type { PersonId } from '../gallery/person.js';
import type { PresenceEvent } from './presence.js';

/** A live track without a look for longer than this is `fading`: a face that is only missed now and then is not. */
export const freshMs = 600;
/** A room that was not heard for so long is not there: its claims count no more. */
export const silentAfterMs = 2500;
/** We yield to a room that outranks us although it never heard our claim, after this long. */
const patienceMs = 1200;
/** Ages of two rooms are told apart only from this difference on: messages take their time. */
const ageDoubtMs = 1000;
/** How long it is remembered that somebody was here. */
const goneForMs = 3_600_000;
/** More rooms than a house has: what a flood of invented ones costs. */
const mostRooms = 32;

interface OwnLease extends Omit<Lease, 'ageMs'> {
  /** The last look, monotonic milliseconds. */
  readonly lastMs: number;
  /** Since when a room that outranks us says the person, and has not heard our present claim; null where none does. */
  readonly outrankedMs: number | null;
  /** We were cut off: at the next claim of another room this one goes behind it. */
  readonly requeue: boolean;
}

interface OtherLease extends Omit<Lease, 'ageMs'> {
  readonly lastMs: number;
}

interface OtherRoom {
  readonly receivedMs: number;
  readonly version: number;
  readonly heard: ReadonlyMap<RoomId, number>;
  readonly people: ReadonlyMap<PersonId, OtherLease>;
}

/** Immutable; starts as `aloneIn`. */
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
  /** Since the last look. */
  readonly agoMs: number;
}

/** `room`, which has not heard of any other. */
export function noLeases(room: RoomId): HouseholdLeases {
  return { room, epoch: 1, own: new Map(), others: new Map() };
}

/**
 * What the tracks show at `atMs`, with `present` from before it. `elsewhere` names the people whose place is another room,
 * and that room: they leave here, or do not arrive.
 */
export function arbitrate(
  before: HouseholdLeases,
  sightings: readonly Sighting[],
  present: ReadonlySet<PersonId>,
  atMs: number,
): { household: HouseholdLeases; elsewhere: ReadonlyMap<PersonId, RoomId> } {
  const mine = new Map<PersonId, OwnLease>();
  const onTrack = new Set(sightings.map((one) => one.person));
  for (const [person, one] of before.own) {
    if (onTrack.has(person)) continue;
    // Whoever we never said, or yielded, was no reliable sighting: it must not speak against another room later.
    if (!present.has(person) && isLive(one.as) && !one.asserted) continue;
    if (atMs - one.lastMs > goneForMs && !present.has(person)) continue;
    mine.set(person, { ...one, as: present.has(person) ? 'assumed' : 'gone' });
  }
  for (const { person, confidence, agoMs } of sightings) {
    const old = before.own.get(person);
    const same = old !== undefined && isLive(old.as);
    mine.set(person, {
      as: agoMs <= freshMs ? 'seen' : 'fading',
      asserted: old?.asserted === true,
      confidence: same && old.confidence === 'high' ? 'high' : confidence,
      clock: same || old?.as === 'assumed' ? old.clock : nextClock(before, person),
      lastMs: atMs - agoMs,
      outrankedMs: old?.outrankedMs ?? null,
      requeue: old?.requeue === true,
    });
  }
  const household = changed(before, mine);
  const elsewhere = new Map<PersonId, RoomId>();
  const after = new Map<PersonId, OwnLease>();
  for (const [person, one] of mine) {
    const place = one.as === 'gone' ? null : roomOf(household, person, one);
    const outrankedMs = place === null ? null : (one.outrankedMs ?? atMs);
    after.set(person, { ...one, outrankedMs });
    if (place === null) continue;
    const winner = household.others.get(place)!.people.get(person)!;
    const acknowledged = household.others.get(place)!.heard.get(household.room) === household.epoch;
    // Whom we do not say, or nobody sees, can be given up by both; else the winner must know what it takes.
    const free = !one.asserted || !isLive(winner.as);
    if (!free && !acknowledged && atMs - outrankedMs! < patienceMs) continue;
    elsewhere.set(person, place);
    // Behind the winner, or the next missed look of either would bring the person back and forth.
    const turn = isLive(one.as) ? Math.max(one.clock, winner.clock + 1) : one.clock;
    after.set(person, { ...one, clock: turn, outrankedMs: null });
  }
  return { household: changed(household, after), elsewhere };
}

/** What this room says after all: `present` now. Whoever is not in `names` was forgotten, here too. */
export function assertPresent(
  before: HouseholdLeases,
  present: ReadonlySet<PersonId>,
  names: ReadonlyMap<PersonId, string>,
  elsewhere: ReadonlyMap<PersonId, RoomId>,
): HouseholdLeases {
  const mine = new Map<PersonId, OwnLease>();
  for (const [person, one] of before.own) {
    const yielded = elsewhere.has(person) && !isLive(one.as);
    if (!names.has(person) || yielded) continue;
    const says = present.has(person);
    mine.set(person, { ...one, asserted: says, as: one.as === 'assumed' && !says ? 'gone' : one.as });
  }
  return changed(before, mine);
}

/** The camera is blind: we see nobody, and say nothing. */
export function withoutAsserted(before: HouseholdLeases): HouseholdLeases {
  const mine = new Map<PersonId, OwnLease>();
  for (const [person, one] of before.own) {
    if (one.asserted || one.as === 'gone') mine.set(person, { ...one, as: 'gone', asserted: false });
  }
  return changed(before, mine);
}

/** Another room's claims, heard at `nowMs`. `answer`: it does not know ours well enough, tell it now. */
export function receiveLeases(
  before: HouseholdLeases,
  room: RoomId,
  claims: RoomLeases,
  nowMs: number,
): { household: HouseholdLeases; answer: boolean } {
  const known = before.others.get(room);
  if (room === before.room || (known === undefined && before.others.size >= mostRooms)) {
    return { household: before, answer: false };
  }
  const people = new Map<PersonId, OtherLease>();
  for (const [person, { ageMs, ...claim }] of claims.people) people.set(person, { ...claim, lastMs: nowMs - ageMs });
  const others = new Map(before.others).set(room, {
    receivedMs: nowMs,
    version: claims.epoch,
    heard: claims.acknowledged,
    people,
  });
  const mine = new Map(before.own);
  for (const [person, one] of before.own) {
    const claim = people.get(person);
    if (one.requeue && claim !== undefined && isLive(claim.as)) {
      mine.set(person, { ...one, clock: Math.max(one.clock, claim.clock + 1), requeue: false });
    }
  }
  const shared = [...people.keys()].some((person) => (mine.get(person)?.as ?? 'gone') !== 'gone');
  const answer = known === undefined || (shared && known.version !== claims.epoch);
  return { household: changed({ ...before, others }, mine), answer };
}

/** Forgets the rooms that were not heard for `silentAfterMs`. */
export function withoutSilentRooms(before: HouseholdLeases, nowMs: number): HouseholdLeases {
  const others = new Map([...before.others].filter(([, one]) => nowMs - one.receivedMs <= silentAfterMs));
  return others.size === before.others.size ? before : { ...before, others };
}

/** The broker has us again: we may have been away for long, and must not push in before those who stayed. */
export function reconnected(before: HouseholdLeases): HouseholdLeases {
  return { ...before, own: new Map([...before.own].map(([person, one]) => [person, { ...one, requeue: true }])) };
}

/** What to tell the others at `nowMs`. */
export function leasesOf({ epoch: version, own: mine, others }: HouseholdLeases, nowMs: number): RoomLeases {
  return {
    epoch: version,
    acknowledged: new Map([...others].map(([room, one]) => [room, one.version])),
    people: new Map(
      [...mine].map(([person, { as, asserted: says, confidence, clock: turn, lastMs }]) => [
        person,
        { as, says, confidence, turn, ageMs: Math.max(0, nowMs - lastMs) },
      ]),
    ),
  };
}

/** The room to which `person` belongs rather than to us; null where they are ours. */
function roomOf(household: HouseholdLeases, person: PersonId, one: OwnLease): RoomId | null {
  let best: Rank = { ...one, room: household.room };
  let newest: { room: RoomId; lastMs: number } | null = null;
  for (const [room, other] of household.others) {
    const claim = other.people.get(person);
    if (claim === undefined) continue;
    if (claim.asserted && isLive(claim.as) && outranks({ ...claim, room }, best)) best = { ...claim, room };
    const later = claim.lastMs > Math.max(one.lastMs + ageDoubtMs, newest?.lastMs ?? Number.NEGATIVE_INFINITY);
    if (!isLive(claim.as) && later) newest = { room, lastMs: claim.lastMs };
  }
  if (best.room !== household.room) return best.room;
  return isLive(one.as) ? null : (newest?.room ?? null);
}

function nextClock(household: HouseholdLeases, person: PersonId): number {
  let turn = household.own.get(person)?.clock ?? 0;
  for (const other of household.others.values()) turn = Math.max(turn, other.people.get(person)?.clock ?? 0);
  return turn + 1;
}

/** `before` with these claims; a new version where they differ in what others decide by. */
function changed(before: HouseholdLeases, mine: ReadonlyMap<PersonId, OwnLease>): HouseholdLeases {
  const same =
    mine.size === before.own.size &&
    [...mine].every(([person, { as, asserted: says, confidence, clock: turn }]) => {
      const old = before.own.get(person);
      return old?.as === as && old.asserted === says && old.confidence === confidence && old.clock === turn;
    });
  return { ...before, own: mine, epoch: same ? before.epoch : before.epoch + 1 };
}

// What one room tells the others about a person, and whose word counts. Invariant: the order of two claims is computed from
// exact values that both rooms hold (grade, confidence, turn, id), never from times, so that both come to the same answer.

export type RoomId = string;

/**
 * `seen`: on a live track with a fresh look. `fading`: on a live track without one. `assumed`: present, not on a track.
 * `gone`: was present here, is no longer.
 */
export type Grade = 'seen' | 'fading' | 'assumed' | 'gone';

export const grades: readonly Grade[] = ['seen', 'fading', 'assumed', 'gone'];

/** A room's evidence for one person. */
export interface Lease {
  readonly as: Grade;
  /** Whether the room's own state says that the person is there; false with evidence means that it yields to another room. */
  readonly asserted: boolean;
  /** The best of this visit. */
  readonly confidence: PresenceEvent['confidence'];
  /** Logical time of the visit: each new one is above every turn heard of before. Of two equals the lower, older one stays. */
  readonly clock: number;
  /** Time since the last look at the moment of sending: rooms exchange ages, since their clocks differ. */
  readonly ageMs: number;
}

/** Everything one room tells the others. */
export interface RoomLeases {
  /** Grows whenever a claim changes in more than its age. */
  readonly epoch: number;
  /** The last version that this room has heard of each other one. */
  readonly acknowledged: ReadonlyMap<RoomId, number>;
  readonly people: ReadonlyMap<PersonId, Lease>;
}

/** What the order depends on. */
export type Rank = Pick<Lease, 'as' | 'confidence' | 'clock'> & { readonly room: RoomId };

/** Whether the claim needs a track. */
export function isLive(grade: Grade): boolean {
  return grade === 'seen' || grade === 'fading';
}

/** Whether claim `a` counts more than `b`: newer, then stronger, then longer there, then by the room's id. A total order. */
export function outranks(a: Rank, b: Rank): boolean {
  const [newerA, newerB] = [grades.indexOf(a.as), grades.indexOf(b.as)];
  if (newerA !== newerB) return newerA < newerB;
  if (a.confidence !== b.confidence) return a.confidence === 'high';
  return a.clock === b.clock ? a.room < b.room : a.clock < b.clock;
}
