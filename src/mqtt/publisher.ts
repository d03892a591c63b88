// The room at the broker: publishes everything that the daemon knows and receives every command.
// Invariant: each retained value at the broker is true or `null`. On each connection and each birth message of Home Assistant all
// values are published again in one order (discovery, status, values, state). While the room is blind or paused its state is
// null. A forgotten person leaves the state before the entities are removed.
import { randomUUID } from 'node:crypto';
import { uptime } from 'node:os';
import type { Clock } from '../base/clock.js';
import { createWallTime } from '../base/clock.js';
import { type Log, silentLog } from '../base/log.js';
import type { PersonId } from '../gallery/person.js';
import type { HouseholdView } from '../presence/household.js';
import type { PresenceEvent, PresenceSnapshot } from '../presence/presence.js';
import { createCommandGate, parseCommand, type RoomCommand } from './commands.js';
import type { DiscoveredPerson, Machine } from './components.js';
import { type ConnectionStatus, createMqttConnection } from './connection.js';
import { type Corrector, createCorrections, refused } from './corrections.js';
import { type AnnouncedMemory, type Board, createDiscovery } from './discovery.js';
import { type EarlierPresence, earlierPresence, farewellBody } from './earlier.js';
import { createHouseholdPresence } from './household-presence.js';
import { createHouseholdTransport, type HouseholdTransport } from './household-transport.js';
import type { BrokerOptions } from './options.js';
import { eventBody, type HealthReport, healthBody, stateBody } from './payloads.js';
import type { PicturedObservation } from './snapshot.js';
import { householdTopics, retainedTopics, roomTopics } from './topics.js';

/** The parts of the configuration that publishing needs. */
export interface PublisherOptions {
  readonly room: { readonly id: string; readonly name: string };
  readonly mqtt: BrokerOptions & { readonly base: string; readonly corrections: boolean };
  readonly homeAssistant: {
    readonly discovery: boolean;
    readonly prefix: string;
    readonly area: string;
    readonly trackers: boolean;
  };
  /** `shares`: this room has the household's key and receives the shared people. */
  readonly household: { readonly id: string; readonly shares: boolean };
  /** `looksKeptMs`: how long an observation stays in the journal, so how long it can be corrected. */
  readonly privacy: { readonly snapshots: boolean; readonly looksKeptMs: number };
  readonly service: { readonly healthMs: number };
  readonly version: string;
  readonly board: Board;
  readonly machine: Machine;
}

export interface Publisher
  extends AsyncDisposable,
    Pick<HouseholdTransport, 'sendLeases' | 'onHousehold' | 'share' | 'sendToRooms' | 'onShared'> {
  /** Starts to connect and returns at once. Throws CONFIG_INVALID or KEY_FILE for settings that can never work. */
  start(): void;
  /** Publishes that the room is offline and disconnects. Takes at most about 4 s. */
  stop(): Promise<void>;
  /** The current state; null while nothing is known (paused, blind, no frame analysed yet). Sent only when it changed. */
  state(snapshot: PresenceSnapshot | null): void;
  /**
   * A change. It is dropped while there is no connection, never sent late. Call `state` first. `jpeg` is the face of the event; it
   * is sent before the event, and only where snapshots are turned on. `pictured` is the observation that it shows; where corrections
   * are accepted, the event has an id for it.
   */
  event(event: PresenceEvent, jpeg?: Uint8Array | null, pictured?: PicturedObservation | null): void;
  /** Whether frames arrive. false makes the state null until the next `state`. */
  camera(online: boolean): void;
  /** The actual position of the privacy switch. false makes the state null until the next `state`. */
  recognition(on: boolean): void;
  /** Seconds after which somebody who is not seen has left. */
  leaveAfter(seconds: number): void;
  health(report: HealthReport): void;
  /** All enrolled people. Call it before the first `state` and after each change. */
  people(people: readonly DiscoveredPerson[]): void;
  /** Publishes where everybody is, if this room has to. Called several times a second. */
  updateHousehold(view: HouseholdView): void;
  /** Commands from other programs, validated and rate-limited. The listener applies them and publishes the new value. */
  onCommand(listener: (command: RoomCommand) => void): void;
  /** Corrections from other programs, where they are turned on: of observations whose picture was sent, each once. */
  onCorrection(corrector: Corrector): void;
  /**
   * `had`: the position of the privacy switch that the broker held for this room when this process first connected; null: none.
   * `acknowledged`: the broker holds this position now.
   */
  /** `listener` gets who was here when the run before ended, once, before the first position of the privacy switch. */
  onEarlier(listener: (earlier: EarlierPresence) => void): void;
  onRecognition(listener: {
    had(position: 'on' | 'off' | null): void;
    acknowledged(position: 'on' | 'off'): void;
  }): void;
  status(): ConnectionStatus;
}

/** Long enough to reconnect after a short interruption without going offline, short enough to report a dead room soon. */
const willDelaySeconds = 1;
/** The camera stops before the last messages are sent, within this time, milliseconds. */
const stoppingMs = 10_000;
const maxSnapshotBytes = 200 * 1024;
/**
 * Home Assistant stores each change of the temperature. So a new value is published after this time, milliseconds, or when it
 * differs by this much, °C.
 */
const temperaturePace = { intervalMs: 300_000, degrees: 5 };
/** Names that a present person had before. Home Assistant logs an error if the present state is no longer an option. */
const formerNamesOfPerson = 3;
/** Delay of the answer to Home Assistant's birth message: random, so that the rooms of a household do not all publish at once. */
const birthDelayMs = { least: 500, most: 5_000 };

/** A publisher that is not started yet. `memory` stores what was announced to Home Assistant across restarts. */
export function createPublisher(
  options: PublisherOptions,
  clock: Clock,
  memory: AnnouncedMemory,
  log: Log = silentLog,
): Publisher {
  const { room, mqtt, homeAssistant, privacy } = options;
  const topics = roomTopics(mqtt.base, room.id);
  const retained = [...retainedTopics(topics), householdTopics(options.household.id, room.id).description];
  const household = createHouseholdTransport(options.household, room.id, () => connection, log);
  const householdPresence = createHouseholdPresence(
    {
      household: options.household.id,
      room,
      base: mqtt.base,
      discovery: homeAssistant.discovery,
      prefix: homeAssistant.prefix,
      trackers: homeAssistant.trackers,
      version: options.version,
    },
    () => connection,
    clock,
  );
  const wallTime = createWallTime(clock, (byMs) => {
    const seconds = Math.round(Math.abs(byMs) / 1000);
    log(
      'notice',
      `the clock of this machine was set ${byMs > 0 ? 'forward' : 'back'} by ${seconds} s; published times follow it`,
    );
  });
  const discovery = createDiscovery(
    {
      enabled: homeAssistant.discovery,
      prefix: homeAssistant.prefix,
      roomName: room.name,
      area: homeAssistant.area,
      version: options.version,
      board: options.board,
    },
    room.id,
    memory,
  );
  const birthTopic = `${homeAssistant.prefix}/status`;
  const commands = [topics.recognitionSet, topics.leaveAfterSet, topics.motionSet, topics.restartSet];
  const corrections = !mqtt.corrections
    ? null
    : createCorrections({
        clock,
        wallTime,
        lifetimeMs: privacy.looksKeptMs,
        correct: (request) => corrector(request),
        answer: (body) => void connection.send(topics.correction, body, 1),
        log,
      });
  const connection = createMqttConnection(
    {
      broker: mqtt,
      clientId: mqtt.clientId ?? `roomkin-${room.id}`,
      will: { topic: topics.status, payload: 'offline' },
      willDelaySeconds,
      subscriptions: [
        ...commands,
        ...(corrections === null ? [] : [topics.correctionSet]),
        ...household.subscriptions,
        ...householdPresence.subscriptions,
        ...(homeAssistant.discovery ? [birthTopic, discovery.topic] : []),
      ],
      readFirst: [topics.recognition, topics.state, topics.status],
      onRetained(values) {
        const earlier = earlierPresence(values, topics, clock.wallMs(), 1000 * uptime());
        if (earlier !== null) earlierListener(earlier);
        const text = values.get(topics.recognition)?.payload.toString('utf8');
        recognitionListener.had(text === 'ON' ? 'on' : text === 'OFF' ? 'off' : null);
      },
      onKept(topic, payload) {
        if (topic === topics.recognition) recognitionListener.acknowledged(payload === 'ON' ? 'on' : 'off');
      },
      onConnect() {
        publishEverything();
        household.connected();
        householdPresence.connected();
      },
      onMessage: receive,
    },
    log,
  );
  const gate = createCommandGate((command) => listener(command));
  let listener: (command: RoomCommand) => void = () => {};
  let corrector: Corrector = async () => refused('the room is starting: try again');
  let recognitionListener: Parameters<Publisher['onRecognition']>[0] = { had() {}, acknowledged() {} };
  let earlierListener: (earlier: EarlierPresence) => void = () => {};
  let people: readonly DiscoveredPerson[] = [];
  const forgotten = new Set<PersonId>();
  const formerNames = new Map<PersonId, readonly string[]>();
  let snapshot: PresenceSnapshot | null = null;
  let lastShown: PresenceSnapshot | null = null;
  /** The last state that was known, since the room is unknown; null after a pause, which ends presence. */
  let ended: { readonly snapshot: PresenceSnapshot; readonly atMs: number } | null = null;
  let cameraOnline = false;
  let recognitionOn = true;
  let publishedState = '';
  let sequence = 0;
  let temperature: { readonly celsius: number; readonly atMs: number } | null = null;
  let birth: NodeJS.Timeout | undefined;
  let homeAssistantAway = false;

  function publishEverything(): void {
    announce();
    connection.resend();
  }

  function announce(): void {
    if (!connection.isOpen) return;
    const { snapshots } = privacy;
    const described = {
      id: room.id,
      topics,
      people,
      formerNames: [...formerNames.values()].flat(),
      snapshots,
      corrections: mqtt.corrections,
      healthMs: options.service.healthMs,
      machine: options.machine,
    };
    void discovery.announce(described, retained, connection.deliver, !homeAssistantAway);
  }

  function receive(topic: string, payload: Buffer, isRetained: boolean): void {
    const born = topic === birthTopic && payload.toString('utf8') === 'online';
    if (topic === birthTopic) {
      homeAssistantAway = !born;
      if (homeAssistantAway) householdPresence.homeAssistantAway();
    }
    const deleted = topic === discovery.topic && payload.length === 0;
    // A retained birth message arrives after a connect, which has published everything already.
    if ((born || deleted) && !isRetained && birth === undefined) {
      const { least, most } = birthDelayMs;
      birth = setTimeout(
        () => {
          birth = undefined;
          publishEverything();
          // It may have gone away again in the meantime.
          if (!homeAssistantAway) householdPresence.announce();
        },
        least + Math.random() * (most - least),
      );
    }
    household.receive(topic, payload, isRetained);
    householdPresence.receive(topic, payload);
    if (topic === topics.correctionSet) corrections?.receive(payload, isRetained);
    if (!commands.includes(topic)) return;
    const command = parseCommand(topics, topic, payload, isRetained);
    if (command !== null) gate.put(command);
    else log('debug', 'an invalid command was ignored', { topic, bytes: payload.length, retained: isRetained });
  }

  const shownState = (): PresenceSnapshot | null => (cameraOnline && recognitionOn ? withoutForgotten(snapshot) : null);

  function publishState(): void {
    const shown = shownState();
    if (shown !== null) ended = null;
    else if (lastShown !== null) ended = { snapshot: lastShown, atMs: clock.monotonicMs() };
    lastShown = shown;
    const body = stateBody(shown, wallTime);
    const text = JSON.stringify(body);
    if (text === publishedState) return;
    publishedState = text;
    sequence += 1;
    connection.keep(topics.state, JSON.stringify({ ...body, seq: sequence }));
  }

  function pacedTemperature(celsius: number | null): number | null {
    const nowMs = clock.monotonicMs();
    const isPaced =
      temperature !== null &&
      celsius !== null &&
      nowMs - temperature.atMs < temperaturePace.intervalMs &&
      Math.abs(celsius - temperature.celsius) < temperaturePace.degrees;
    if (!isPaced) temperature = celsius === null ? null : { celsius, atMs: nowMs };
    return temperature?.celsius ?? null;
  }

  /** The state without people who were forgotten just now: their entities are removed. */
  function withoutForgotten(state: PresenceSnapshot | null): PresenceSnapshot | null {
    if (state === null || forgotten.size === 0) return state;
    return { ...state, people: state.people.filter(({ person }) => !forgotten.has(person)) };
  }

  function setPeople(list: readonly DiscoveredPerson[]): void {
    if (JSON.stringify(list) === JSON.stringify(people)) return;
    const ids = new Set(list.map(({ id }) => id));
    for (const { id } of people) if (!ids.has(id)) forgotten.add(id);
    for (const id of ids) forgotten.delete(id);
    for (const { id, name } of people) {
      const isRenamed = list.some((person) => person.id === id && person.name !== name);
      if (isRenamed) formerNames.set(id, [...(formerNames.get(id) ?? []), name].slice(-formerNamesOfPerson));
      if (!ids.has(id)) formerNames.delete(id);
    }
    people = list;
    publishState(); // first: Home Assistant reports an error if an entity is removed while it is the state
    announce();
  }

  // In the order in which they are published after discovery.
  connection.keep(topics.status, 'online');
  connection.keep(topics.camera, 'offline');

  const publisher: Publisher = {
    start() {
      publishState();
      connection.start();
    },
    async stop() {
      clearTimeout(birth);
      gate.close();
      snapshot = null;
      publishState();
      if (ended !== null && clock.monotonicMs() - ended.atMs < stoppingMs && ended.snapshot.people.length > 0) {
        const before = farewellBody(ended.snapshot, ended.atMs, wallTime);
        connection.keep(topics.state, JSON.stringify({ ...stateBody(null, wallTime), seq: sequence + 1, before }));
      }
      await connection.stop([
        [topics.camera, 'offline'],
        [topics.status, 'offline'],
      ]);
    },
    state(state) {
      snapshot = state;
      // Home Assistant takes a name only after it was announced.
      const announced = new Map(people.map((person) => [person.id, person]));
      for (const { person, name } of state?.people ?? [])
        if (!forgotten.has(person)) announced.set(person, { id: person, name });
      setPeople([...announced.values()]);
      publishState();
    },
    event(event, jpeg = null, pictured = null) {
      const hasPicture = privacy.snapshots && jpeg !== null && jpeg.length <= maxSnapshotBytes;
      const pictureTopic = event.person === null ? topics.strangerSnapshot : topics.arrivalSnapshot;
      if (hasPicture) for (const topic of [topics.snapshot, pictureTopic]) connection.send(topic, jpeg, 0);
      const body = eventBody(event, wallTime, randomUUID());
      const picture = hasPicture ? { snapshot: pictureTopic } : {};
      const correction =
        hasPicture && corrections !== null && pictured !== null ? { correction: corrections.offer(pictured) } : {};
      connection.send(topics.person, JSON.stringify({ ...body, ...picture, ...correction }), 1);
    },
    camera(online) {
      if (!online) snapshot = null;
      cameraOnline = online;
      if (!online) publishState();
      connection.keep(topics.camera, online ? 'online' : 'offline');
      if (online) publishState();
    },
    recognition(on) {
      if (!on) snapshot = null;
      recognitionOn = on;
      connection.keep(topics.recognition, on ? 'ON' : 'OFF');
      publishState();
      if (!on) ended = null;
    },
    leaveAfter(seconds) {
      connection.keep(topics.leaveAfter, String(seconds));
    },
    health(report) {
      publishState(); // its times differ if the clock was set
      const paced = { ...report, temperatureCelsius: pacedTemperature(report.temperatureCelsius) };
      connection.send(topics.health, JSON.stringify(healthBody(paced)), 0);
    },
    people(list) {
      const described = list.map(({ id, name }) => ({ id, name }));
      setPeople(described);
      householdPresence.people(described);
    },
    updateHousehold: householdPresence.update,
    sendLeases: household.sendLeases,
    onHousehold: household.onHousehold,
    share: household.share,
    sendToRooms: household.sendToRooms,
    onShared: household.onShared,
    onCommand(next) {
      listener = next;
    },
    onCorrection(next) {
      corrector = next;
    },
    onEarlier(next) {
      earlierListener = next;
    },
    onRecognition(next) {
      recognitionListener = next;
    },
    status: connection.status,
    [Symbol.asyncDispose]: () => publisher.stop(),
  };
  return publisher;
}
