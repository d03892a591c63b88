// What rooms say to each other: claims of who is where, of the moment and never retained; and the people they share, sealed and
// retained. Opening what is sealed is not done here: this room may not even have the key.
import { z } from 'zod';
import { parseJson } from '../base/json.js';
import type { Log } from '../base/log.js';
import { isId } from '../gallery/names.js';
import { grades, type RoomId, type RoomLeases } from '../presence/arbitration.js';
import type { MqttConnection } from './connection.js';
import { householdTopics } from './topics.js';

/** News of the household. */
export interface HouseholdListener {
  /** The presence leases of another room. */
  leases(room: RoomId, leases: RoomLeases): void;
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
  sendLeases(leases: RoomLeases): void;
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
  let neighbours: HouseholdListener = { leases() {}, connected() {} };
  let sharing: SharedListener = { message() {}, connected() {} };

  function hearClaims(from: string, payload: Buffer, retained: boolean): void {
    // A retained age is older than it says. Ours comes back to us in 3.1.1.
    if (retained || from === roomId) return;
    const leases = isId(from) ? parseLeases(payload) : null;
    if (leases !== null) neighbours.leases(from, leases);
    else log('debug', 'a message that holds no leases was ignored', { from, bytes: payload.length });
  }

  return {
    subscriptions: household.shares ? [topics.rooms, `${topics.gallery}/+`] : [topics.rooms],
    sendLeases(leases) {
      if (connection().status().connected) connection().send(topics.own, JSON.stringify(encodeLeases(leases)), 0);
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
export function encodeLeases({
  epoch: version,
  acknowledged: heard,
  people,
}: RoomLeases): Readonly<Record<string, unknown>> {
  return {
    version,
    heard: Object.fromEntries(heard),
    people: [...people]
      .slice(0, mostPeople)
      .map(([person, { as, asserted: says, confidence, clock: turn, ageMs }]) => ({
        person,
        as,
        says,
        confidence,
        turn,
        age_ms: Math.round(Math.min(ageMs, mostAgeMs)),
      })),
  };
}

/** A whole number that can be counted on for ever. */
const count = z
  .number()
  .int()
  .nonnegative()
  .lt(2 ** 48);
const id = z.string().refine(isId);
const leasesSchema = z
  .object({
    version: count,
    heard: z.record(id, count).transform((versions) => new Map(Object.entries(versions))),
    people: z
      .array(
        z.object({
          person: id,
          as: z.enum(grades),
          says: z.boolean(),
          confidence: z.enum(['high', 'medium']),
          turn: count,
          age_ms: z.number().nonnegative().max(mostAgeMs),
        }),
      )
      .transform(
        (people) =>
          new Map(
            people.map(({ person, as, says, confidence, turn, age_ms }) => [
              person,
              { as, asserted: says, confidence, clock: turn, ageMs: age_ms },
            ]),
          ),
      ),
  })
  .refine(({ heard, people }) => heard.size <= mostRooms && people.size <= mostPeople)
  .transform(({ version, heard, people }): RoomLeases => ({ epoch: version, acknowledged: heard, people }));

/** The leases in a payload; null where it holds none. */
export function parseLeases(payload: Buffer): RoomLeases | null {
  return payload.length > maxBytes ? null : parseJson(payload.toString('utf8'), leasesSchema);
}
