// Tells Home Assistant about the room in one retained message, and takes back what is no longer true. Leaving a component out
// does not remove it: it is sent once more with its platform alone, then left out. So what was announced is remembered outside
// this process, written before the broker hears of it, and nothing is orphaned by a crash, a rename of the room or an upgrade.
import { z } from 'zod';
import { parseJson } from '../base/json.js';
import { type Component, type DiscoveredRoom, roomComponents } from './components.js';
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
const announced = z.object({
  topic: z.string(),
  /** Platform by component key. */
  components: z.record(z.string(), z.string()),
  /** Topics with retained values of that room. */
  retained: z.array(z.string()),
  /** Keys that were taken back while Home Assistant was away: it never saw them go. */
  unheard: z.array(z.string()).optional(),
});
type Announced = z.output<typeof announced>;

type Deliver = (topic: string, payload: string) => Promise<boolean>;

export interface Discovery {
  /** Where the device is announced. */
  readonly topic: string;
  /**
   * Sends all that Home Assistant must know now, in order, on one connection; resolves when it was taken or cut off.
   * `listening` is false while Home Assistant is known to be away.
   */
  announce(room: DiscoveredRoom, retained: readonly string[], deliver: Deliver, listening?: boolean): Promise<void>;
}

/** Discovery that is remembered in `memory`. */
export function createDiscovery(options: DiscoveryOptions, roomId: string, memory: AnnouncedMemory): Discovery {
  const topic = discoveryTopic(options.prefix, roomId);
  let generation = 0;

  async function announce(
    room: DiscoveredRoom,
    retained: readonly string[],
    deliver: Deliver,
    listening = true,
  ): Promise<void> {
    generation += 1;
    const mine = generation;
    const remembered = parse(memory.get());
    const last = remembered.find((one) => one.topic === topic);
    const elsewhere = remembered.filter((one) => one.topic !== topic);
    const components = options.enabled ? roomComponents(room) : {};
    const platforms = platformsOf(components);
    const gone = Object.entries(last?.components ?? {}).filter(([key]) => components[key] === undefined);
    const known: Announced = {
      topic,
      components: { ...last?.components, ...platforms },
      retained: [...retained],
      unheard: last?.unheard,
    };
    memory.set(JSON.stringify([...elsewhere, known]));

    const messages: [topic: string, payload: string][] = elsewhere.flatMap((old) =>
      [old.topic, ...old.retained].map((stale): [string, string] => [stale, '']),
    );
    const say = (now: Readonly<Record<string, Component>>) => messages.push([topic, message(room, now)]);
    if (options.enabled) {
      if (listening && gone.length > 0) {
        // An entity of the time before Home Assistant's restart can only be removed once it is there again.
        const unheard = gone.filter(([key]) => last?.unheard?.includes(key)).map(([key]) => key);
        if (unheard.length > 0) say({ ...components, ...former(room, unheard) });
        say({ ...components, ...Object.fromEntries(gone.map(([key, p]) => [key, { p }])) });
      }
      say(components);
    } else if (last !== undefined && Object.keys(last.components).length > 0) messages.push([topic, '']);

    const taken = (await Promise.all(messages.map(([to, text]) => deliver(to, text)))).every(Boolean);
    // A newer announcement has written its own truth; a cut connection leaves the list of what may have to be removed.
    if (!taken || mine !== generation) return;
    const done: Announced =
      listening || gone.length === 0 || !options.enabled
        ? { topic, components: platforms, retained: [...retained] }
        : { ...known, unheard: gone.map(([key]) => key) };
    memory.set(JSON.stringify([done]));
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

function platformsOf(components: Readonly<Record<string, Component>>): Record<string, string> {
  return Object.fromEntries(Object.entries(components).map(([key, { p }]) => [key, p]));
}

/** The components `keys` of people (and options) that are no longer in `room`, under their ids alone. */
function former(room: DiscoveredRoom, keys: readonly string[]): Readonly<Record<string, Component>> {
  const people = keys.filter((key) => key.startsWith('person_')).map((key) => key.slice('person_'.length));
  const table = roomComponents({
    ...room,
    people: people.map((id) => ({ id, name: id })),
    snapshots: true,
    trackers: true,
  });
  return Object.fromEntries(Object.entries(table).filter(([key]) => keys.includes(key)));
}

/** What was remembered; an unreadable text or entry (an older version's, a damaged one) is nothing. */
function parse(text: string | null): readonly Announced[] {
  const entries = parseJson(text ?? '[]', z.array(z.unknown())) ?? [];
  return entries.flatMap((entry) => announced.safeParse(entry).data ?? []);
}
