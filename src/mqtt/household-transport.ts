// What rooms say to each other: claims of who is where, of the moment and never retained; and the people they share, sealed and
// retained. Opening what is sealed is not done here: this room may not even have the key.
import type { Log } from '../base/log.js';
import { type Lease, grades, type RoomLeases, type RoomId } from '../presence/arbitration.js';
import type { MqttConnection } from './connection.js';
import { householdTopics, isId } from './topics.js';

/** News of the household. */
export interface HouseholdListener {
  /** What another room claims. */
  claims(room: RoomId, claims: RoomLeases): void;
  /** A new connection to the broker: what was heard before may be old. */
  connected(): void;
}

/** News of the people that rooms share. */
export interface SharedListener {
  /** What the broker holds of somebody, by their opaque name; `sealed` is empty where it was deleted. */
  message(name: string, sealed: Buffer): void;
  /** A new connection to the broker: what it holds comes next. */
  connected(): void;
}

export interface HouseholdTransport {
  /** Topic patterns to subscribe to. */
  readonly subscriptions: readonly string[];
  /** What this room tells the others; now or never. */
  claims(claims: RoomLeases): void;
  /** The other rooms' claims, checked. */
  onHousehold(listener: HouseholdListener): void;
  /** Leaves a sealed person with the broker; false where it was not taken. */
  share(name: string, sealed: Uint8Array): Promise<boolean>;
  /** Only heard where this room shares. */
  onShared(listener: SharedListener): void;
  connected(): void;
  /** Takes a message that is for rooms; any other is left alone. */
  hear(topic: string, payload: Buffer, retained: boolean): void;
}

const opaqueName = /^[0-9a-f]{32}$/;

/** `connection` is asked for at the first word. `shares`: this room has the household's key. */
export function createHouseholdTransport(
  household: { readonly id: string; readonly shares: boolean },
  roomId: RoomId,
  connection: () => Pick<MqttConnection, 'send' | 'deliver' | 'status'>,
  log: Log,
): HouseholdTransport {
  const topics = householdTopics(household.id, roomId);
  let neighbours: HouseholdListener = { claims() {}, connected() {} };
  let sharing: SharedListener = { message() {}, connected() {} };

  function hearClaims(from: string, payload: Buffer, retained: boolean): void {
    // A retained age is older than it says. Ours comes back to us in 3.1.1.
    if (retained || from === roomId) return;
    const claims = isId(from) ? parseLeases(payload) : null;
    if (claims !== null) neighbours.claims(from, claims);
    else log('debug', 'claims of a room that are none were ignored', { from, bytes: payload.length });
  }

  return {
    subscriptions: household.shares ? [topics.rooms, `${topics.gallery}/+`] : [topics.rooms],
    claims(claims) {
      if (connection().status().connected) connection().send(topics.own, JSON.stringify(encodeLeases(claims)), 0);
    },
    onHousehold(listener) {
      neighbours = listener;
    },
    share: (name, sealed) => connection().deliver(`${topics.gallery}/${name}`, sealed),
    onShared(listener) {
      sharing = listener;
    },
    connected() {
      neighbours.connected();
      sharing.connected();
    },
    hear(topic, payload, retained) {
      const [place, name = ''] = [topic.slice(0, topic.lastIndexOf('/')), topic.slice(topic.lastIndexOf('/') + 1)];
      if (`${place}/+` === topics.rooms) hearClaims(name, payload, retained);
      else if (place === topics.gallery && opaqueName.test(name)) sharing.message(name, payload);
    },
  };
}

// `household/<id>/people/<room>`: a room's claims as text and back. What comes in was written by whoever may write there, so it is
// taken whole or not at all, and only within bounds.

const maxBytes = 16 * 1024;
const mostPeople = 64;
const mostRooms = 32;
const mostAgeMs = 7 * 86_400_000;

/** The payload; docs/mqtt.md describes its keys. */
export function encodeLeases({ epoch: version, acknowledged: heard, people }: RoomLeases): Readonly<Record<string, unknown>> {
  return {
    version,
    heard: Object.fromEntries(heard),
    people: [...people].slice(0, mostPeople).map(([person, { as, asserted: says, confidence, clock: turn, ageMs }]) => ({
      person,
      as,
      says,
      confidence,
      turn,
      age_ms: Math.round(Math.min(ageMs, mostAgeMs)),
    })),
  };
}

/** The claims in a payload; null where it holds none. */
export function parseLeases(payload: Buffer): RoomLeases | null {
  if (payload.length > maxBytes) return null;
  let body: unknown;
  try {
    body = JSON.parse(payload.toString('utf8'));
  } catch {
    return null;
  }
  if (!isRecord(body) || !isCount(body['version']) || !isRecord(body['heard']) || !Array.isArray(body['people'])) {
    return null;
  }
  const heard = new Map<string, number>();
  for (const [room, version] of Object.entries(body['heard'])) {
    if (!isId(room) || !isCount(version)) return null;
    heard.set(room, version);
  }
  const people = new Map<string, Lease>();
  for (const entry of body['people'] as unknown[]) {
    const claim = isRecord(entry) ? parseClaim(entry) : null;
    if (claim === null) return null;
    people.set(...claim);
  }
  if (heard.size > mostRooms || people.size > mostPeople) return null;
  return { epoch: body['version'], acknowledged: heard, people };
}

function parseClaim(entry: Readonly<Record<string, unknown>>): [person: string, claim: Lease] | null {
  const { person, says, confidence, turn, age_ms: ageMs } = entry;
  const as = grades.find((grade) => grade === entry['as']);
  if (typeof person !== 'string' || !isId(person) || as === undefined || typeof says !== 'boolean') return null;
  if (confidence !== 'high' && confidence !== 'medium') return null;
  if (!isCount(turn) || typeof ageMs !== 'number' || !(ageMs >= 0 && ageMs <= mostAgeMs)) return null;
  return [person, { as, asserted: says, confidence, clock: turn, ageMs }];
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A whole number that can be counted on for ever. */
function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 48;
}
