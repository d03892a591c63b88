// A house that never was: rooms with cameras, people who walk between them, a broker that carries claims late, loses rooms and
// gets them back. Everything but the rooms' decisions is simulated; those are the real reducers. Seeded, in simulated time.
import { type Random, seededRandom } from '../../src/commands/evaluate/random.js';
import type { RoomLeases } from '../../src/presence/arbitration.js';
import {
  arbitrate,
  assertPresent,
  freshMs,
  type HouseholdLeases,
  leasesOf,
  noLeases,
  receiveLeases,
  reconnected,
  type Sighting,
  withoutSilentRooms,
} from '../../src/presence/arbitration.js';
import type { PresenceEvent, PresenceSnapshot } from '../../src/presence/presence.js';
import { emptyRoom, type PresenceState, presence } from '../../src/presence/presence.js';

export interface HouseOptions {
  readonly seed: number;
  readonly rooms: number;
  readonly people: number;
  readonly durationMs: number;
  /** Longest way of a message from one room to another. */
  readonly mostLatencyMs: number;
  /** Times that the broker loses a room, and that a room starts again. */
  readonly partitions: number;
  readonly restarts: number;
  /** Share of visits in which the camera of another room takes somebody else for the person, all the while. */
  readonly wrongNames: number;
}

/** What an onlooker sees at one moment. */
export interface Moment {
  readonly atMs: number;
  readonly rooms: readonly RoomNow[];
}

export interface RoomNow {
  readonly id: string;
  readonly running: boolean;
  /** Since when the broker carries its messages; null while it does not. */
  readonly connectedSinceMs: number | null;
  /** People on live tracks here, whatever is said. */
  readonly sees: ReadonlySet<string>;
  readonly snapshot: PresenceSnapshot | null;
}

export interface HouseEvent extends PresenceEvent {
  readonly room: string;
}

interface Visit {
  readonly person: string;
  readonly room: number;
  readonly fromMs: number;
  readonly toMs: number;
  readonly confidence: PresenceEvent['confidence'];
}

interface SimulatedRoom {
  readonly id: string;
  /** This room's monotonic clock less the house's. */
  readonly clockMs: number;
  readonly frameMs: number;
  nextFrameMs: number;
  nextBeatMs: number;
  household: HouseholdLeases;
  presence: PresenceState;
  /** Tracks: when the looks began and when the last one was. */
  readonly tracks: Map<Visit, { firstMs: number; lastMs: number }>;
  downUntilMs: number;
  cutUntilMs: number;
  connectedSinceMs: number | null;
  sees: Set<string>;
}

const stepMs = 20;
const lostAfterMs = 2000;
const beatMs = 1000;
/** First look to name. */
const namingMs = 500;
const presenceOptions = { leaveAfterMs: 20_000, holdMs: 0, gapMs: 5000 };

/** Plays a house and shows every moment to `look`; gives the events. */
export function simulateHouse(options: HouseOptions, look: (moment: Moment) => void): HouseEvent[] {
  const random = seededRandom(options.seed);
  const people = Array.from({ length: options.people }, (_, n) => `person${n}`);
  const names = new Map(people.map((id) => [id, id]));
  const visits = people.flatMap((person) => walk(person, options, random));
  const faults = plan(options, random);
  const rooms = Array.from({ length: options.rooms }, (_, n): SimulatedRoom => begin(`room${n}`, random));
  const events: HouseEvent[] = [];
  const wire: {
    readonly dueMs: number;
    readonly from: SimulatedRoom;
    readonly to: SimulatedRoom;
    readonly claims: RoomLeases;
  }[] = [];
  let now = 0;

  const running = (room: SimulatedRoom) => now >= room.downUntilMs;
  const connected = (room: SimulatedRoom) => room.connectedSinceMs !== null;

  function publish(room: SimulatedRoom): void {
    room.nextBeatMs = now + beatMs;
    if (!connected(room)) return;
    const claims = leasesOf(room.household, now + room.clockMs);
    for (const to of rooms) {
      if (to === room || !connected(to)) continue;
      const last = wire
        .filter((one) => one.from === room && one.to === to)
        .reduce((m, one) => Math.max(m, one.dueMs), 0);
      wire.push({ dueMs: Math.max(last, now + random() * options.mostLatencyMs), from: room, to, claims });
    }
  }

  /** What recognition does with the tracks of a frame. */
  function settle(room: SimulatedRoom, atMs: number, household: HouseholdLeases): void {
    const { epoch: version } = room.household;
    const own = atMs - room.clockMs;
    const sightings = new Map<string, Sighting>();
    for (const [visit, { firstMs, lastMs }] of room.tracks) {
      if (lastMs - firstMs < namingMs || own - lastMs > lostAfterMs) continue;
      const agoMs = Math.max(0, own - lastMs);
      const rival = sightings.get(visit.person);
      if (rival === undefined || agoMs < rival.agoMs) {
        sightings.set(visit.person, { person: visit.person, confidence: visit.confidence, agoMs });
      }
    }
    const all = [...sightings.values()];
    const seen = arbitrate(household, all, new Set(room.presence.people.keys()), atMs);
    const step = presence(
      room.presence,
      { atMs, people: all, unknownPeople: [], someone: false, names, elsewhere: seen.elsewhere },
      presenceOptions,
    );
    room.presence = step.state;
    room.sees = new Set(all.filter((one) => one.agoMs <= freshMs).map((one) => one.person));
    events.push(...step.events.map((event) => ({ ...event, atMs: own, room: room.id })));
    room.household = assertPresent(seen.household, new Set(step.state.people.keys()), names, seen.elsewhere);
    if (room.household.epoch !== version) publish(room);
  }

  function reconsider(room: SimulatedRoom, household: HouseholdLeases): void {
    if (room.presence.atMs === null) room.household = household;
    else settle(room, room.presence.atMs, household);
  }

  function frame(room: SimulatedRoom): void {
    room.nextFrameMs = now + room.frameMs * (0.8 + 0.4 * random());
    for (const visit of visits) {
      if (rooms[visit.room] !== room || now < visit.fromMs || now >= visit.toMs || random() < 0.15) continue;
      const track = room.tracks.get(visit);
      if (track === undefined || now - track.lastMs > lostAfterMs)
        room.tracks.set(visit, { firstMs: now, lastMs: now });
      else track.lastMs = now;
    }
    settle(room, now + room.clockMs, room.household);
  }

  function faultsOf(room: SimulatedRoom): void {
    for (const fault of faults) {
      if (fault.atMs > now || rooms[fault.room] !== room) continue;
      faults.splice(faults.indexOf(fault), 1);
      if (fault.restart) room.downUntilMs = now + fault.forMs;
      room.cutUntilMs = Math.max(room.cutUntilMs, now + fault.forMs);
      if (fault.restart) Object.assign(room, { ...begin(room.id, random), ...pick(room) });
      room.connectedSinceMs = null;
      // What is under way to or from a room that is cut off never comes.
      for (let n = wire.length - 1; n >= 0; n--) if (wire[n]!.from === room || wire[n]!.to === room) wire.splice(n, 1);
    }
    if (!connected(room) && running(room) && now >= room.cutUntilMs) {
      room.connectedSinceMs = now;
      room.household = reconnected(room.household);
      publish(room);
    }
  }

  for (; now < options.durationMs; now += stepMs) {
    for (const room of rooms) faultsOf(room);
    const due = wire.filter((one) => one.dueMs <= now).sort((a, b) => a.dueMs - b.dueMs);
    for (const one of due) {
      wire.splice(wire.indexOf(one), 1);
      const heard = receiveLeases(one.to.household, one.from.id, one.claims, now + one.to.clockMs);
      reconsider(one.to, heard.household);
      if (heard.answer) publish(one.to);
    }
    for (const room of rooms.filter(running)) {
      const rest = withoutSilentRooms(room.household, now + room.clockMs);
      if (rest !== room.household) reconsider(room, rest);
      if (now >= room.nextFrameMs) frame(room);
      if (now >= room.nextBeatMs) publish(room);
    }
    look({
      atMs: now,
      rooms: rooms.map((room) => ({
        id: room.id,
        running: running(room),
        connectedSinceMs: room.connectedSinceMs,
        sees: running(room) ? room.sees : new Set<string>(),
        snapshot: running(room) && room.presence.atMs !== null ? room.presence.snapshot : null,
      })),
    });
  }
  return events;
}

function begin(id: string, random: Random): SimulatedRoom {
  return {
    id,
    clockMs: Math.floor(random() * 10_000_000),
    frameMs: [100, 200, 500][Math.floor(random() * 3)]!,
    nextFrameMs: 0,
    nextBeatMs: 0,
    household: noLeases(id),
    presence: emptyRoom(0),
    tracks: new Map(),
    downUntilMs: 0,
    cutUntilMs: 0,
    connectedSinceMs: null,
    sees: new Set(),
  };
}

/** What outlives a restart: when it is over. */
function pick({
  downUntilMs,
  cutUntilMs,
}: SimulatedRoom): Pick<SimulatedRoom, 'downUntilMs' | 'cutUntilMs' | 'nextFrameMs' | 'nextBeatMs'> {
  return { downUntilMs, cutUntilMs, nextFrameMs: downUntilMs, nextBeatMs: downUntilMs };
}

/** Somebody's way through the house: rooms one after the other, sometimes turned away, sometimes out of the house. */
function walk(person: string, options: HouseOptions, random: Random): Visit[] {
  const visits: Visit[] = [];
  const sure = () => (random() < 0.6 ? 'high' : 'medium');
  for (let at = random() * 5000; at < options.durationMs; ) {
    const room = Math.floor(random() * options.rooms);
    const until = at + 1000 + random() ** 2 * 30_000;
    for (let from = at; from < until; ) {
      const to = Math.min(until, from + 1000 + random() * 15_000);
      visits.push({ person, room, fromMs: from, toMs: to, confidence: sure() });
      from = to + random() * 6000;
    }
    if (random() < options.wrongNames) {
      const other = Math.floor(random() * options.rooms);
      visits.push({ person, room: other, fromMs: at + random() * 2000, toMs: until, confidence: sure() });
    }
    // A door, where both cameras see them, or a corridor.
    at = until + (random() < 0.3 ? -1500 : random() * 5000) + (random() < 0.1 ? 40_000 : 0);
  }
  return visits;
}

function plan(
  options: HouseOptions,
  random: Random,
): { atMs: number; room: number; forMs: number; restart: boolean }[] {
  const fault = (restart: boolean) => ({
    atMs: random() * options.durationMs,
    room: Math.floor(random() * options.rooms),
    forMs: 500 + random() * (restart ? 4000 : 15_000),
    restart,
  });
  return [
    ...Array.from({ length: options.partitions }, () => fault(false)),
    ...Array.from({ length: options.restarts }, () => fault(true)),
  ];
}
