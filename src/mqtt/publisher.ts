// The room's voice: everything the daemon knows goes out here, and every command comes in here.
// Invariant: what is retained at the broker is true or `null`. On each connection and each birth of Home Assistant it is said
// again in one order (discovery, status, values, state); while the room is blind or paused its state is null, and a person who
// was forgotten leaves the state before the entities go.
import { randomUUID } from 'node:crypto';
import type { Clock } from '../base/clock.js';
import { createWallTime } from '../base/clock.js';
import { type Log, silentLog } from '../base/log.js';
import type { PersonId } from '../gallery/person.js';
import type { PresenceEvent, PresenceSnapshot } from '../presence/presence.js';
import { createCommandGate, parseCommand, type RoomCommand } from './commands.js';
import type { DiscoveredPerson } from './components.js';
import { type ConnectionStatus, createMqttConnection } from './connection.js';
import { type AnnouncedMemory, createDiscovery } from './discovery.js';
import { createHouseholdTransport, type HouseholdTransport } from './household-transport.js';
import type { BrokerOptions } from './options.js';
import { eventBody, type HealthReport, healthBody, stateBody } from './payloads.js';
import { roomTopics, distanceTopic } from './topics.js';

/** The parts of the configuration that publishing needs. */
export interface PublisherOptions {
  readonly room: { readonly id: string; readonly name: string };
  readonly mqtt: BrokerOptions & { readonly base: string };
  readonly homeAssistant: {
    readonly discovery: boolean;
    readonly prefix: string;
    readonly area: string;
    readonly trackers: boolean;
    readonly mqttRoom: boolean;
  };
  /** `shares`: this room has the household's key, and so hears of the people that rooms share. */
  readonly household: { readonly id: string; readonly shares: boolean };
  readonly privacy: { readonly snapshots: boolean };
  readonly version: string;
}

export interface Publisher
  extends AsyncDisposable,
    Pick<HouseholdTransport, 'sendLeases' | 'onHousehold' | 'share' | 'onShared'> {
  /** Begins to connect and returns at once. Throws CONFIG_INVALID or KEY_FILE for settings that can never work. */
  start(): void;
  /** Says offline and disconnects; at most some 4 s. */
  stop(): Promise<void>;
  /** What is true now; null while nobody looks (paused, blind, not looked yet). Sent only when it differs. */
  state(snapshot: PresenceSnapshot | null): void;
  /** What just changed; lost while there is no broker, never sent late. Call `state` first. */
  event(event: PresenceEvent): void;
  /** Whether frames come in. false makes the state null until the next `state`. */
  camera(online: boolean): void;
  /** The true position of the privacy switch. false makes the state null until the next `state`. */
  recognition(on: boolean): void;
  /** The true hold time. */
  hold(seconds: number): void;
  health(report: HealthReport): void;
  /** Everybody who is enrolled, whenever that changes; before the first `state`. */
  people(people: readonly DiscoveredPerson[]): void;
  /** A JPEG of the last face; only sent where snapshots are turned on. */
  snapshot(jpeg: Uint8Array): void;
  /** How far somebody who is seen is from the camera; only sent where `mqtt_room` is turned on. */
  whereabouts(seen: { readonly person: PersonId; readonly name: string; readonly distanceMetres: number }): void;
  /** Commands from outside, validated and spaced; the listener applies them and says the new truth back. */
  onCommand(listener: (command: RoomCommand) => void): void;
  status(): ConnectionStatus;
}

/** Long enough to connect again after a broken wire without a flicker, short enough to be true soon. */
const willDelaySeconds = 1;
const maxSnapshotBytes = 200 * 1024;
/** Home Assistant's birth: scattered, so that the rooms of a household do not all speak at once. */
const birthDelayMs = { least: 500, most: 5_000 };

/** A publisher that is not started yet. `memory` keeps what was announced to Home Assistant over restarts. */
export function createPublisher(
  options: PublisherOptions,
  clock: Clock,
  memory: AnnouncedMemory,
  log: Log = silentLog,
): Publisher {
  const { room, mqtt, homeAssistant, privacy } = options;
  const topics = roomTopics(mqtt.base, room.id);
  const retained = [topics.status, topics.camera, topics.recognition, topics.hold, topics.state];
  const household = createHouseholdTransport(options.household, room.id, () => connection, log);
  const wallTime = createWallTime(clock);
  const discovery = createDiscovery(
    {
      enabled: homeAssistant.discovery,
      prefix: homeAssistant.prefix,
      roomName: room.name,
      area: homeAssistant.area,
      version: options.version,
    },
    room.id,
    memory,
  );
  const birthTopic = `${homeAssistant.prefix}/status`;
  const commands = [topics.recognitionSet, topics.holdSet, topics.motionSet];
  const connection = createMqttConnection(
    {
      broker: mqtt,
      clientId: mqtt.clientId ?? `roomkin-${room.id}`,
      will: { topic: topics.status, payload: 'offline' },
      willDelaySeconds,
      subscriptions: [
        ...commands,
        ...household.subscriptions,
        ...(homeAssistant.discovery ? [birthTopic, discovery.topic] : []),
      ],
      onConnect() {
        sayEverything();
        household.connected();
      },
      onMessage: hear,
    },
    log,
  );
  const gate = createCommandGate((command) => listener(command));
  let listener: (command: RoomCommand) => void = () => {};
  let people: readonly DiscoveredPerson[] = [];
  const forgotten = new Set<PersonId>();
  let snapshot: PresenceSnapshot | null = null;
  let cameraOnline = false;
  let recognitionOn = true;
  let said = '';
  let sequence = 0;
  let birth: NodeJS.Timeout | undefined;
  let homeAssistantAway = false;

  function sayEverything(): void {
    announce();
    connection.resend();
  }

  function announce(): void {
    if (!connection.status().connected) return;
    const { snapshots } = privacy;
    const described = { id: room.id, topics, people, snapshots, trackers: homeAssistant.trackers };
    void discovery.announce(described, retained, connection.deliver, !homeAssistantAway);
  }

  function hear(topic: string, payload: Buffer, isRetained: boolean): void {
    const born = topic === birthTopic && payload.toString('utf8') === 'online';
    if (topic === birthTopic) homeAssistantAway = !born;
    const deleted = topic === discovery.topic && payload.length === 0;
    // What the broker replays at our own connect was answered by that connect.
    if ((born || deleted) && !isRetained && birth === undefined) {
      const { least, most } = birthDelayMs;
      birth = setTimeout(
        () => {
          birth = undefined;
          sayEverything();
        },
        least + Math.random() * (most - least),
      );
    }
    household.hear(topic, payload, isRetained);
    if (!commands.includes(topic)) return;
    const command = parseCommand(topics, topic, payload, isRetained);
    if (command !== null) gate.put(command);
    else log('debug', `a command that is none was ignored`, { topic, bytes: payload.length, retained: isRetained });
  }

  function sayState(): void {
    const body = stateBody(cameraOnline && recognitionOn ? known(snapshot) : null, wallTime);
    const text = JSON.stringify(body);
    if (text === said) return;
    said = text;
    sequence += 1;
    connection.keep(topics.state, JSON.stringify({ ...body, seq: sequence }));
  }

  /** Without the people who were forgotten a moment ago: their entities are gone. */
  function known(now: PresenceSnapshot | null): PresenceSnapshot | null {
    if (now === null || forgotten.size === 0) return now;
    return { ...now, people: now.people.filter((one) => !forgotten.has(one.person)) };
  }

  function setPeople(list: readonly DiscoveredPerson[]): void {
    if (JSON.stringify(list) === JSON.stringify(people)) return;
    const ids = new Set(list.map((one) => one.id));
    for (const { id } of people) if (!ids.has(id)) forgotten.add(id);
    for (const id of ids) forgotten.delete(id);
    people = list;
    sayState(); // first: an entity that goes while it is the state is an error to Home Assistant
    announce();
  }

  // In the order in which they are said after discovery.
  connection.keep(topics.status, 'online');
  connection.keep(topics.camera, 'offline');

  const publisher: Publisher = {
    start() {
      sayState();
      connection.start();
    },
    async stop() {
      clearTimeout(birth);
      gate.close();
      snapshot = null;
      sayState();
      await connection.stop([
        [topics.camera, 'offline'],
        [topics.status, 'offline'],
      ]);
    },
    state(now) {
      snapshot = now;
      const named = new Set([...people.map((one) => one.id), ...forgotten]);
      const added = (now?.people ?? []).filter((one) => !named.has(one.person));
      if (added.length > 0) setPeople([...people, ...added.map(({ person, name }) => ({ id: person, name }))]);
      else sayState();
    },
    event(event) {
      connection.send(topics.person, JSON.stringify(eventBody(event, wallTime, randomUUID())), 1);
    },
    camera(online) {
      if (!online) snapshot = null;
      cameraOnline = online;
      if (!online) sayState();
      connection.keep(topics.camera, online ? 'online' : 'offline');
      if (online) sayState();
    },
    recognition(on) {
      if (!on) snapshot = null;
      recognitionOn = on;
      connection.keep(topics.recognition, on ? 'ON' : 'OFF');
      sayState();
    },
    hold(seconds) {
      connection.keep(topics.hold, String(seconds));
    },
    health(report) {
      connection.send(topics.health, JSON.stringify(healthBody(report)), 0);
    },
    people(list) {
      setPeople(list.map(({ id, name }) => ({ id, name })));
    },
    snapshot(jpeg) {
      if (privacy.snapshots && jpeg.length <= maxSnapshotBytes) connection.send(topics.snapshot, jpeg, 0);
    },
    claims: household.claims,
    onHousehold: household.onHousehold,
    share: household.share,
    onShared: household.onShared,
    whereabouts({ person, name, distanceMetres }) {
      if (!homeAssistant.mqttRoom) return;
      const distance = Math.round(distanceMetres * 10) / 10;
      connection.send(distanceTopic(room.id), JSON.stringify({ id: person, name, distance }), 0);
    },
    onCommand(next) {
      listener = next;
    },
    status: connection.status,
    [Symbol.asyncDispose]: () => publisher.stop(),
  };
  return publisher;
}
