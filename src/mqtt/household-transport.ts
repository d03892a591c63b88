// The messages between rooms: presence leases, never retained; and the shared people, sealed and retained. This file does not
// open sealed messages: this room may not have the key.
import { z } from 'zod';
import { parseJson } from '../base/json.js';
import type { Log } from '../base/log.js';
import { isId } from '../gallery/names.js';
import { grades, type RoomId, type RoomLeases } from '../presence/arbitration.js';
import { type ConnectionStatus, createMqttConnection, type MqttConnection } from './connection.js';
import type { BrokerOptions } from './options.js';
import { householdTopics } from './topics.js';

/** Receives messages about the presence of people in the household. */
export interface HouseholdListener {
  /** The presence leases of another room. */
  leases(room: RoomId, leases: RoomLeases): void;
  /** The broker is connected again: leases received before may be old. */
  connected(): void;
}

/** Receives messages about the shared people. */
export interface SharedListener {
  /** The broker's message of one person, by opaque name. `sealed` is empty if the message was deleted. */
  message(name: string, sealed: Buffer): void;
  /** A message between the rooms that share people. */
  fromRoom(sealed: Buffer): void;
  /** The broker is connected again: its retained messages follow. */
  connected(): void;
}

export interface HouseholdTransport {
  /** Topic patterns to subscribe to. */
  readonly subscriptions: readonly string[];
  /** Sends this room's leases to the other rooms, or drops them if there is no connection. */
  sendLeases(leases: RoomLeases): void;
  /** The other rooms' leases, validated. */
  onHousehold(listener: HouseholdListener): void;
  /** Stores a sealed person at the broker; false if the broker did not acknowledge it. */
  share(name: string, sealed: Uint8Array): Promise<boolean>;
  /** Sends a message to the other rooms that share people, or drops it if there is no connection. */
  sendToRooms(sealed: Uint8Array): void;
  /** Called only if this room shares people. */
  onShared(listener: SharedListener): void;
  connected(): void;
  /** Handles a message between rooms. Ignores any other message. */
  receive(topic: string, payload: Buffer, retained: boolean): void;
}

const opaqueName = /^[0-9a-f]{32}$/;

/** `connection` is called for each message, because it is created later. `shares`: this room has the household's key. */
export function createHouseholdTransport(
  household: { readonly id: string; readonly shares: boolean },
  roomId: RoomId,
  connection: () => Pick<MqttConnection, 'send' | 'deliver' | 'isOpen'>,
  log: Log,
): HouseholdTransport {
  const topics = householdTopics(household.id, roomId);
  let neighbours: HouseholdListener = { leases() {}, connected() {} };
  let sharing: SharedListener = { message() {}, fromRoom() {}, connected() {} };

  function receiveLeases(from: string, payload: Buffer, retained: boolean): void {
    // A retained age is too low. MQTT 3.1.1 delivers a room's own messages to it too.
    if (retained || from === roomId) return;
    const leases = isId(from) ? parseLeases(payload) : null;
    if (leases !== null) neighbours.leases(from, leases);
    else log('debug', 'a message that holds no leases was ignored', { from, bytes: payload.length });
  }

  return {
    subscriptions: household.shares ? [topics.rooms, `${topics.gallery}/+`] : [topics.rooms],
    sendLeases(leases) {
      if (connection().isOpen) connection().send(topics.own, JSON.stringify(encodeLeases(leases)), 0);
    },
    onHousehold(listener) {
      neighbours = listener;
    },
    sendToRooms(sealed) {
      if (connection().isOpen) connection().send(topics.galleryRooms, sealed, 0);
    },
    share: (name, sealed) => connection().deliver(`${topics.gallery}/${name}`, sealed),
    onShared(listener) {
      sharing = listener;
    },
    connected() {
      neighbours.connected();
      sharing.connected();
    },
    receive(topic, payload, retained) {
      const [parent, name = ''] = [topic.slice(0, topic.lastIndexOf('/')), topic.slice(topic.lastIndexOf('/') + 1)];
      if (`${parent}/+` === topics.rooms) receiveLeases(name, payload, retained);
      else if (topic === topics.galleryRooms && !retained) sharing.fromRoom(payload);
      else if (parent === topics.gallery && opaqueName.test(name)) sharing.message(name, payload);
    },
  };
}

/** A connection for a verb that works on the shared people while the daemon keeps its own. */
export interface HouseholdConnection extends Pick<HouseholdTransport, 'share' | 'sendToRooms' | 'onShared'> {
  /** Starts to connect and returns at once. Throws CONFIG_INVALID or KEY_FILE for settings that can never work. */
  start(): void;
  stop(): Promise<void>;
  status(): ConnectionStatus;
}

export function createHouseholdConnection(
  options: {
    readonly room: { readonly id: string };
    readonly household: { readonly id: string };
    readonly mqtt: BrokerOptions;
  },
  log: Log,
): HouseholdConnection {
  const { household, room, mqtt } = options;
  const { gallery, galleryRooms } = householdTopics(household.id, room.id);
  const transport = createHouseholdTransport({ ...household, shares: true }, room.id, () => connection, log);
  const connection = createMqttConnection(
    {
      broker: mqtt,
      clientId: `roomkin-household-${process.pid}`,
      // A will is required. An empty message to the rooms says nothing.
      will: { topic: galleryRooms, payload: '', qos: 0, retain: false },
      willDelaySeconds: 0,
      subscriptions: [`${gallery}/+`],
      onConnect: transport.connected,
      onMessage: transport.receive,
    },
    log,
  );
  const { share, sendToRooms, onShared } = transport;
  return {
    share,
    sendToRooms,
    onShared,
    start: connection.start,
    stop: () => connection.stop([]),
    status: connection.status,
  };
}

// `household/<id>/people/<room>`: a room's leases as text and back. Any client with write access can send there, so a payload is
// accepted as a whole or not at all, and only within bounds.

const maxBytes = 16 * 1024;
const mostPeople = 64;
const mostRooms = 32;
const mostStrangers = 64;
const mostAgeMs = 7 * 86_400_000;

/** The payload; docs/mqtt.md describes its keys. */
export function encodeLeases({
  epoch,
  acknowledged,
  watching,
  strangers,
  unconfirmed,
  people,
}: RoomLeases): Readonly<Record<string, unknown>> {
  return {
    version: epoch,
    heard: Object.fromEntries(acknowledged),
    watching,
    strangers: Math.min(strangers, mostStrangers),
    ...(unconfirmed === undefined ? {} : { unconfirmed: [...unconfirmed].slice(0, mostPeople) }),
    people: [...people].slice(0, mostPeople).map(([person, { as, asserted, confidence, clock, ageMs }]) => ({
      person,
      as,
      says: asserted,
      confidence,
      turn: clock,
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
    watching: z.boolean(),
    strangers: z.number().int().min(0).max(mostStrangers),
    unconfirmed: z.array(id).max(mostPeople).optional(),
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
  .transform(
    ({ version, heard, watching, strangers, unconfirmed, people }): RoomLeases => ({
      epoch: version,
      acknowledged: heard,
      watching,
      strangers,
      ...(unconfirmed === undefined ? {} : { unconfirmed: new Set(unconfirmed) }),
      people,
    }),
  );

/** The leases in a payload; null where it holds none. */
export function parseLeases(payload: Buffer): RoomLeases | null {
  return payload.length > maxBytes ? null : parseJson(payload.toString('utf8'), leasesSchema);
}
