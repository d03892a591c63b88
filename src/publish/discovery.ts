// Tells Home Assistant about the room in one retained message, and takes back what is no longer true. Leaving a component out
// does not remove it: it is sent once more with its platform alone, then left out. So what was announced is remembered outside
// this process, written before the broker hears of it, and nothing is orphaned by a crash, a rename of the room or an upgrade.
import { type Component, type DiscoveredRoom, roomComponents } from './discovery-components.js';
import { deviceId, discoveryTopic } from './topics.js';

/** A small text kept over restarts, for instance in the store's settings. */
export interface AnnouncedMemory {
  get(): string | null;
  set(text: string): void;
}

export interface DiscoveryOptions {
  readonly enabled: boolean;
  /** `homeassistant`, unless Home Assistant was told otherwise. */
  readonly prefix: string;
  /** The room as people write it: "Kitchen". */
  readonly roomName: string;
  /** Area that Home Assistant suggests for the device when it first sees it. */
  readonly area: string;
  readonly version: string;
}

/** One device that some broker's retained messages may speak of. */
interface Announced {
  readonly topic: string;
  /** Platform by component key. */
  readonly components: Readonly<Record<string, string>>;
  /** Topics with retained values of that room. */
  readonly retained: readonly string[];
}

type Deliver = (topic: string, payload: string) => Promise<boolean>;

export interface Discovery {
  /** Where the device is announced. */
  readonly topic: string;
  /** Sends all that Home Assistant must know now, in order, on one connection; resolves when it was taken or cut off. */
  announce(room: DiscoveredRoom, retained: readonly string[], deliver: Deliver): Promise<void>;
}

/** Discovery that is remembered in `memory`. */
export function createDiscovery(options: DiscoveryOptions, roomId: string, memory: AnnouncedMemory): Discovery {
  const topic = discoveryTopic(options.prefix, roomId);
  let generation = 0;

  async function announce(room: DiscoveredRoom, retained: readonly string[], deliver: Deliver): Promise<void> {
    generation += 1;
    const mine = generation;
    const remembered = parse(memory.get());
    const before = remembered.find((one) => one.topic === topic)?.components ?? {};
    const elsewhere = remembered.filter((one) => one.topic !== topic);
    const components = options.enabled ? roomComponents(room) : {};
    const platforms = Object.fromEntries(Object.entries(components).map(([key, { p }]) => [key, p]));
    const gone = Object.entries(before).filter(([key]) => components[key] === undefined);
    const now: Announced = { topic, components: platforms, retained };
    memory.set(JSON.stringify([...elsewhere, { ...now, components: { ...before, ...platforms } }]));

    const sent: Promise<boolean>[] = [];
    for (const old of elsewhere) {
      for (const stale of [old.topic, ...old.retained]) sent.push(deliver(stale, ''));
    }
    if (!options.enabled) {
      if (Object.keys(before).length > 0) sent.push(deliver(topic, ''));
    } else {
      const removals = Object.fromEntries(gone.map(([key, p]) => [key, { p }]));
      if (gone.length > 0) sent.push(deliver(topic, message(room, { ...components, ...removals })));
      sent.push(deliver(topic, message(room, components)));
    }
    const taken = (await Promise.all(sent)).every(Boolean);
    // A newer announcement has written its own truth; a cut connection leaves the list of what may have to be removed.
    if (taken && mine === generation) memory.set(JSON.stringify([now]));
  }

  function message(room: DiscoveredRoom, components: Readonly<Record<string, Component>>): string {
    const { roomName, area, version } = options;
    return JSON.stringify({
      dev: {
        ids: [deviceId(room.id)],
        name: `${roomName} presence`,
        mf: 'roomkin',
        mdl: 'Room presence',
        sw: version,
        sa: area,
      },
      o: { name: 'roomkin', sw: version },
      avty: [{ t: room.topics.status }, { t: room.topics.camera }],
      avty_mode: 'all', // the default, `latest`, would take whichever of the two spoke last
      qos: 1,
      cmps: components,
    });
  }

  return { topic, announce };
}

/** What was remembered; an unreadable text (an older version's, a damaged one) is nothing. */
function parse(text: string | null): readonly Announced[] {
  try {
    const value: unknown = JSON.parse(text ?? '[]');
    return Array.isArray(value) ? value.filter(isAnnounced) : [];
  } catch {
    return [];
  }
}

function isAnnounced(value: unknown): value is Announced {
  const { topic, components, retained } = (value ?? {}) as Partial<Record<keyof Announced, unknown>>;
  return typeof topic === 'string' && typeof components === 'object' && components !== null && Array.isArray(retained);
}
