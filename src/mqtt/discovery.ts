// Announces the room to Home Assistant in one retained message and removes components that no longer exist. Omitting a component
// does not remove it: it is sent once more with only its platform, then omitted. So the announced components are stored outside
// this process, before the broker gets them. A crash, a renamed room or an upgrade then leaves no orphaned entity.
import { z } from 'zod';
import { parseJson } from '../base/json.js';
import { type Component, type DiscoveredRoom, roomComponents } from './components.js';
import { deviceId, discoveryTopic, homepage } from './topics.js';

/** A small text that survives restarts, for instance in the store's settings. */
export interface AnnouncedMemory {
  get(): string | null;
  set(text: string): void;
}

export interface DiscoveryOptions {
  readonly enabled: boolean;
  /** Home Assistant's discovery prefix, `homeassistant` by default. */
  readonly prefix: string;
  /** The room's display name: "Kitchen". */
  readonly roomName: string;
  /** Area that Home Assistant suggests for a new device. */
  readonly area: string;
  readonly version: string;
  /** The board, as its firmware names it; null: not known. */
  readonly board: Board;
}

/** The board that a room runs on. */
export interface Board {
  /** "Raspberry Pi 4 Model B Rev 1.4"; null where the firmware does not tell. */
  readonly model: string | null;
  readonly serial: string | null;
}

/** A device that retained messages at a broker may describe. */
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
   * Sends everything that Home Assistant must know, in order, on one connection. Resolves when it was acknowledged or cut off.
   * `listening` is false while Home Assistant is known to be away.
   */
  announce(room: DiscoveredRoom, retained: readonly string[], deliver: Deliver, listening?: boolean): Promise<void>;
}

/** Discovery that stores the announced components in `memory`. */
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
    const ownGeneration = generation;
    const remembered = parse(memory.get());
    const last = remembered.find((device) => device.topic === topic);
    const otherDevices = remembered.filter((device) => device.topic !== topic);
    const components = options.enabled ? roomComponents(room) : {};
    const platforms = platformsOf(components);
    const removed = Object.entries(last?.components ?? {}).filter(([key]) => components[key] === undefined);
    const known: Announced = {
      topic,
      components: { ...last?.components, ...platforms },
      retained: [...new Set([...(last?.retained ?? []), ...retained])],
      unheard: last?.unheard,
    };
    memory.set(JSON.stringify([...otherDevices, known]));

    const messages: [topic: string, payload: string][] = otherDevices.flatMap((device) =>
      [device.topic, ...device.retained].map((stale): [string, string] => [stale, '']),
    );
    // What an older version kept under a topic that is no longer used.
    for (const stale of last?.retained ?? []) if (!retained.includes(stale)) messages.push([stale, '']);
    const add = (described: Readonly<Record<string, Component>>) => messages.push([topic, message(room, described)]);
    if (options.enabled) {
      if (listening && removed.length > 0) {
        // After its restart Home Assistant does not know these entities. They must be announced again before they can be removed.
        const unheard = removed.filter(([key]) => last?.unheard?.includes(key)).map(([key]) => key);
        if (unheard.length > 0) add({ ...components, ...former(room, unheard) });
        add({ ...components, ...Object.fromEntries(removed.map(([key, p]) => [key, { p }])) });
      }
      add(components);
    } else if (last !== undefined && Object.keys(last.components).length > 0) messages.push([topic, '']);

    const acknowledged = (await Promise.all(messages.map(([target, text]) => deliver(target, text)))).every(Boolean);
    // A newer announcement has written its own truth; a cut connection leaves the list of what may have to be removed.
    if (!acknowledged || ownGeneration !== generation) return;
    const stored: Announced =
      listening || removed.length === 0 || !options.enabled
        ? { topic, components: platforms, retained: [...retained] }
        : { ...known, unheard: removed.map(([key]) => key) };
    memory.set(JSON.stringify([stored]));
  }

  function message(room: DiscoveredRoom, components: Readonly<Record<string, Component>>): string {
    const { roomName, area, version, board } = options;
    const revision = /\bRev [\d.]+$/.exec(board.model ?? '')?.[0];
    return JSON.stringify({
      dev: {
        ids: [deviceId(room.id)],
        name: `${roomName} presence`,
        mf: 'roomkin',
        mdl: board.model ?? 'Room presence',
        ...(board.serial === null ? {} : { sn: board.serial }),
        ...(revision === undefined ? {} : { hw: revision }),
        sw: version,
        sa: area,
        cu: `${homepage}/blob/main/docs/home-assistant.md`,
      },
      o: { name: 'roomkin', sw: version, url: `${homepage}/issues` },
      avty: [{ t: room.topics.status }, { t: room.topics.camera }],
      avty_mode: 'all', // the default, `latest`, would use only the last message of the two topics
      qos: 1,
      cmps: components,
    });
  }

  return { topic, announce };
}

function platformsOf(components: Readonly<Record<string, Component>>): Record<string, string> {
  return Object.fromEntries(Object.entries(components).map(([key, { p }]) => [key, p]));
}

/** The components `keys` of people and options that are no longer in `room`, with ids in place of names. */
function former(room: DiscoveredRoom, keys: readonly string[]): Readonly<Record<string, Component>> {
  const people = keys.filter((key) => key.startsWith('person_')).map((key) => key.slice('person_'.length));
  const table = roomComponents({
    ...room,
    people: people.map((id) => ({ id, name: id })),
    snapshots: true,
    corrections: true,
    machine: { temperature: true, throttling: true },
  });
  return Object.fromEntries(Object.entries(table).filter(([key]) => keys.includes(key)));
}

/** The stored devices. A text that is damaged or from an older version gives none. */
/** All topics with retained messages of the devices in `text`, what an AnnouncedMemory holds. */
export function announcedTopics(text: string | null): readonly string[] {
  return parse(text).flatMap((device) => [device.topic, ...device.retained]);
}

function parse(text: string | null): readonly Announced[] {
  const entries = parseJson(text ?? '[]', z.array(z.unknown())) ?? [];
  return entries.flatMap((entry) => announced.safeParse(entry).data ?? []);
}
