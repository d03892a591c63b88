// Simulates a house: rooms with cameras, people who walk between them, and a broker that delivers leases late and loses rooms for
// a while. Everything is simulated except for the rooms' decisions, which are the real reducers. Seeded, in simulated time.
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
  /** Longest delay of a message from one room to another. */
  readonly mostLatencyMs: number;
  /** Number of times that the broker loses a room. */
  readonly partitions: number;
  /** Number of times that a room restarts. */
  readonly restarts: number;
  /** Share of visits during which another room wrongly names somebody else as the person. */
  readonly wrongNames: number;
}

/** The state of all rooms at one moment. */
export interface Moment {
  readonly atMs: number;
  readonly rooms: readonly RoomNow[];
}

export interface RoomNow {
  readonly id: string;
  readonly running: boolean;
  /** Since when it is connected to the broker; null while it is not. */
  readonly connectedSinceMs: number | null;
  /** People on live tracks here, whatever is published. */
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
  /** This room's monotonic clock minus the house's. */
  readonly clockMs: number;
  readonly frameMs: number;
  nextFrameMs: number;
  nextBeatMs: number;
  household: HouseholdLeases;
  presence: PresenceState;
  /** Live tracks, with their first and last observation. */
  readonly tracks: Map<Visit, { firstMs: number; lastMs: number }>;
  downUntilMs: number;
  cutUntilMs: number;
  connectedSinceMs: number | null;
  sees: Set<string>;
}

const stepMs = 20;
const lostAfterMs = 2000;
const beatMs = 1000;
/** Time from the first observation to the name. */
const namingMs = 500;
const presenceOptions = { leaveAfterMs: 20_000, gapMs: 5000 };

/** Simulates a house and calls `watch` for every moment. Gives the events. */
export function simulateHouse(options: HouseOptions, watch: (moment: Moment) => void): HouseEvent[] {
  const random = seededRandom(options.seed);
  const people = Array.from({ length: options.people }, (_, n) => `person${n}`);
  const names = new Map(people.map((id) => [id, id]));
  const visits = people.flatMap((person) => walk(person, options, random));
  const faults = planFaults(options, random);
  const rooms = Array.from({ length: options.rooms }, (_, n): SimulatedRoom => begin(`room${n}`, random));
  const events: HouseEvent[] = [];
  let messages: {
    readonly dueMs: number;
    readonly from: SimulatedRoom;
    readonly to: SimulatedRoom;
    readonly leases: RoomLeases;
  }[] = [];
  let nowMs = 0;

  const running = (room: SimulatedRoom) => nowMs >= room.downUntilMs;
  const connected = (room: SimulatedRoom) => room.connectedSinceMs !== null;

  function publish(room: SimulatedRoom): void {
    room.nextBeatMs = nowMs + beatMs;
    if (!connected(room)) return;
    const leases = leasesOf(room.household, nowMs + room.clockMs);
    for (const to of rooms) {
      if (to === room || !connected(to)) continue;
      // Messages from one room to another stay in order.
      const lastDueMs = Math.max(0, ...messages.filter((m) => m.from === room && m.to === to).map((m) => m.dueMs));
      messages.push({ dueMs: Math.max(lastDueMs, nowMs + random() * options.mostLatencyMs), from: room, to, leases });
    }
  }

  /** Arbitration and presence for the tracks of a frame, as in src/room/step.ts. */
  function updatePresence(room: SimulatedRoom, atMs: number, household: HouseholdLeases): void {
    const { epoch } = room.household;
    const houseMs = atMs - room.clockMs;
    const sightings = new Map<string, Sighting>();
    for (const [visit, { firstMs, lastMs }] of room.tracks) {
      if (lastMs - firstMs < namingMs || houseMs - lastMs > lostAfterMs) continue;
      const agoMs = Math.max(0, houseMs - lastMs);
      const other = sightings.get(visit.person);
      if (other === undefined || agoMs < other.agoMs) {
        sightings.set(visit.person, { person: visit.person, confidence: visit.confidence, agoMs });
      }
    }
    const people = [...sightings.values()];
    const arbitrated = arbitrate(household, people, new Set(room.presence.people.keys()), atMs);
    const step = presence(
      room.presence,
      { atMs, people, unknownPeople: [], someone: false, names, elsewhere: arbitrated.elsewhere },
      presenceOptions,
    );
    room.presence = step.state;
    room.sees = new Set(people.filter(({ agoMs }) => agoMs <= freshMs).map(({ person }) => person));
    events.push(...step.events.map((event) => ({ ...event, atMs: houseMs, room: room.id })));
    room.household = assertPresent(
      arbitrated.household,
      new Set(step.state.people.keys()),
      names,
      arbitrated.elsewhere,
    );
    if (room.household.epoch !== epoch) publish(room);
  }

  function takeLeases(room: SimulatedRoom, household: HouseholdLeases): void {
    if (room.presence.atMs === null) room.household = household;
    else updatePresence(room, room.presence.atMs, household);
  }

  function frame(room: SimulatedRoom): void {
    room.nextFrameMs = nowMs + room.frameMs * (0.8 + 0.4 * random());
    for (const visit of visits) {
      if (rooms[visit.room] !== room || nowMs < visit.fromMs || nowMs >= visit.toMs || random() < 0.15) continue;
      const track = room.tracks.get(visit);
      if (track === undefined || nowMs - track.lastMs > lostAfterMs)
        room.tracks.set(visit, { firstMs: nowMs, lastMs: nowMs });
      else track.lastMs = nowMs;
    }
    updatePresence(room, nowMs + room.clockMs, room.household);
  }

  function faultsOf(room: SimulatedRoom): void {
    for (const fault of faults) {
      if (fault.atMs > nowMs || rooms[fault.room] !== room) continue;
      faults.splice(faults.indexOf(fault), 1);
      if (fault.restart) room.downUntilMs = nowMs + fault.forMs;
      room.cutUntilMs = Math.max(room.cutUntilMs, nowMs + fault.forMs);
      if (fault.restart) Object.assign(room, { ...begin(room.id, random), ...keptOverRestart(room) });
      room.connectedSinceMs = null;
      // Messages under way to or from a disconnected room are lost.
      messages = messages.filter((message) => message.from !== room && message.to !== room);
    }
    if (!connected(room) && running(room) && nowMs >= room.cutUntilMs) {
      room.connectedSinceMs = nowMs;
      room.household = reconnected(room.household);
      publish(room);
    }
  }

  for (; nowMs < options.durationMs; nowMs += stepMs) {
    for (const room of rooms) faultsOf(room);
    const due = messages.filter((message) => message.dueMs <= nowMs).sort((a, b) => a.dueMs - b.dueMs);
    for (const message of due) {
      const { from, to, leases } = message;
      messages.splice(messages.indexOf(message), 1);
      const received = receiveLeases(to.household, from.id, leases, nowMs + to.clockMs);
      takeLeases(to, received.household);
      if (received.answer) publish(to);
    }
    for (const room of rooms.filter(running)) {
      const remaining = withoutSilentRooms(room.household, nowMs + room.clockMs);
      if (remaining !== room.household) takeLeases(room, remaining);
      if (nowMs >= room.nextFrameMs) frame(room);
      if (nowMs >= room.nextBeatMs) publish(room);
    }
    watch({
      atMs: nowMs,
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

/** The fields that a restart keeps. */
function keptOverRestart({
  downUntilMs,
  cutUntilMs,
}: SimulatedRoom): Pick<SimulatedRoom, 'downUntilMs' | 'cutUntilMs' | 'nextFrameMs' | 'nextBeatMs'> {
  return { downUntilMs, cutUntilMs, nextFrameMs: downUntilMs, nextBeatMs: downUntilMs };
}

/** A person's path through the house: rooms one after the other, sometimes turned away, sometimes out of the house. */
function walk(person: string, options: HouseOptions, random: Random): Visit[] {
  const visits: Visit[] = [];
  const confidence = () => (random() < 0.6 ? 'high' : 'medium');
  for (let at = random() * 5000; at < options.durationMs; ) {
    const room = Math.floor(random() * options.rooms);
    const until = at + 1000 + random() ** 2 * 30_000;
    for (let from = at; from < until; ) {
      const to = Math.min(until, from + 1000 + random() * 15_000);
      visits.push({ person, room, fromMs: from, toMs: to, confidence: confidence() });
      from = to + random() * 6000;
    }
    if (random() < options.wrongNames) {
      const other = Math.floor(random() * options.rooms);
      visits.push({ person, room: other, fromMs: at + random() * 2000, toMs: until, confidence: confidence() });
    }
    // Next comes a door, where both cameras see them, or a corridor.
    at = until + (random() < 0.3 ? -1500 : random() * 5000) + (random() < 0.1 ? 40_000 : 0);
  }
  return visits;
}

function planFaults(
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
