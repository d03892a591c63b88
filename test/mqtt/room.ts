// A publisher for tests: defaults of the configuration, and a memory that tests can read.
import { type Clock, systemClock } from '../../src/base/clock.js';
import type { Log } from '../../src/base/log.js';
import type { AnnouncedMemory } from '../../src/mqtt/discovery.js';
import type { BrokerOptions } from '../../src/mqtt/options.js';
import { createPublisher, type Publisher, type PublisherOptions } from '../../src/mqtt/publisher.js';
import type { HouseholdView } from '../../src/presence/household.js';
import type { PresenceSnapshot } from '../../src/presence/presence.js';

export interface Memory extends AnnouncedMemory {
  text: string | null;
}

export function memory(): Memory {
  const stored: Memory = {
    text: null,
    get: () => stored.text,
    set: (text) => {
      stored.text = text;
    },
  };
  return stored;
}

export function broker(url: string, changes: Partial<BrokerOptions> = {}): BrokerOptions {
  return {
    url,
    protocol: 5,
    clientId: null,
    username: null,
    password: null,
    passwordFile: null,
    caFile: null,
    certFile: null,
    keyFile: null,
    servername: null,
    verify: true,
    keepaliveMs: 3_000,
    ...changes,
  };
}

export interface RoomChanges extends Partial<Omit<PublisherOptions, 'mqtt' | 'homeAssistant' | 'privacy'>> {
  readonly privacy?: Partial<PublisherOptions['privacy']>;
  readonly mqtt?: Partial<PublisherOptions['mqtt']>;
  readonly homeAssistant?: Partial<PublisherOptions['homeAssistant']>;
  readonly memory?: AnnouncedMemory;
  readonly log?: Log;
  readonly clock?: Clock;
}

/** A publisher for `kitchen` at `url`, not started. */
export function roomPublisher(url: string, changes: RoomChanges = {}): Publisher {
  const { mqtt, homeAssistant, privacy, memory: stored = memory(), log, clock = systemClock, ...rest } = changes;
  const options: PublisherOptions = {
    room: { id: 'kitchen', name: 'Kitchen' },
    household: { id: 'home', shares: false },
    service: { healthMs: 30_000 },
    version: '0.0.1',
    board: { model: null, serial: null },
    machine: { temperature: true, throttling: true },
    ...rest,
    privacy: { snapshots: false, looksKeptMs: 86_400_000, ...privacy },
    mqtt: { ...broker(url), base: 'room', corrections: false, ...mqtt },
    homeAssistant: {
      discovery: true,
      prefix: 'homeassistant',
      area: 'Kitchen',
      trackers: false,
      ...homeAssistant,
    },
  };
  return createPublisher(options, clock, stored, log);
}

/** The household as a room alone sees it that publishes `snapshot`. */
export function aloneView(room: string, snapshot: PresenceSnapshot | null): HouseholdView {
  const lease = { as: 'seen', asserted: true, confidence: 'high', clock: 1 } as const;
  const people = new Map((snapshot?.people ?? []).map(({ person }) => [person, lease]));
  return new Map([[room, { watching: snapshot !== null, strangers: snapshot?.strangers ?? 0, people }]]);
}

/** A publisher that also publishes where everybody is, as a room alone in its household. */
export function aloneInHousehold(publisher: Publisher, room: string): Publisher {
  let last: PresenceSnapshot | null = null;
  const timer = setInterval(() => publisher.updateHousehold(aloneView(room, last)), 250);
  async function stop(): Promise<void> {
    clearInterval(timer);
    await publisher.stop();
  }
  return {
    ...publisher,
    status: publisher.status,
    state(snapshot) {
      last = snapshot;
      publisher.state(snapshot);
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** A log that stores its lines. */
export function lines(): { readonly log: Log; readonly all: string[] } {
  const all: string[] = [];
  return {
    all,
    log: (level, message, fields) => {
      all.push(`${level}: ${message} ${JSON.stringify(fields ?? {})}`);
    },
  };
}

const capital = (id: string): string => `${id[0]!.toUpperCase()}${id.slice(1)}`;

/** A snapshot in which `ids` are present since one second ago. */
export function here(...ids: readonly string[]): PresenceSnapshot {
  const sinceMs = performance.now() - 1000;
  return {
    occupied: ids.length > 0,
    people: ids.map((person, index) => ({ person, name: capital(person), sinceMs: sinceMs + index, as: 'seen' })),
    ambiguous: [],
    strangers: 0,
    sinceMs,
  };
}
