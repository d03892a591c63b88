// Shared by the steps: a kitchen with scripted people, its real publisher, and a Home Assistant.
import t from 'tap';
import type { Publisher } from '../../src/mqtt/publisher.js';
import type { PresenceEvent, PresenceSnapshot } from '../../src/presence/presence.js';
import { aloneInHousehold, memory, roomPublisher } from '../mqtt/room.js';
import { startHomeAssistant } from './harness.js';
import { skipWithoutHomeAssistant } from './steps.js';

skipWithoutHomeAssistant();

export const unavailable = { state: 'unavailable' };
export const unknown = { state: 'unknown' };
export const id = (name: string) => {
  const [platform, rest] = name.split('.');
  return rest?.startsWith('household_') ? name : `${platform}.kitchen_presence_${rest}`;
};
export const entities = (states: Readonly<Record<string, unknown>>) => ({
  entities: Object.fromEntries(Object.entries(states).map(([name, state]) => [id(name), state])),
});
export const ada = { id: 'ada', name: 'Ada' };
export const grace = { id: 'grace', name: 'Grace' };
export const empty = (): PresenceSnapshot => ({
  occupied: false,
  people: [],
  ambiguous: [],
  strangers: 0,
  sinceMs: performance.now(),
});
export const change = (
  type: PresenceEvent['type'],
  person: typeof ada | null,
  present: readonly string[],
): PresenceEvent => ({
  type,
  person: person?.id ?? null,
  name: person?.name ?? null,
  confidence: 'high',
  present,
  atMs: performance.now(),
  movedTo: null,
  track: null,
});

export const ha = await startHomeAssistant([]);
t.comment(`Home Assistant ${ha.version}, logs in ${ha.folder}`);
export const announcedMemory = memory();
export const login = ha.login('kitchen');
/** Refusals by the broker's access list. */
export const refusals: string[] = [];
/** The running room. A step may replace it. */
export const kitchen: { room: Publisher } = { room: newRoom() };

export function newRoom(): Publisher {
  const publisher = aloneInHousehold(
    roomPublisher(login.url, {
      mqtt: login.mqtt,
      memory: announcedMemory,
      privacy: { snapshots: true },
      service: { healthMs: 30_000 },
      homeAssistant: { trackers: true },
      log: (level, message) => {
        t.comment(`${level}: ${message}`);
        if (/refused a message|let this room subscribe/.test(message)) refusals.push(message);
      },
    }),
    'kitchen',
  );
  publisher.onCommand((command) => {
    if (command.type === 'recognition') publisher.recognition(command.on);
    if (command.type === 'leave-after') publisher.leaveAfter(command.seconds);
  });
  publisher.people([ada]);
  publisher.recognition(true);
  publisher.leaveAfter(30);
  return publisher;
}
