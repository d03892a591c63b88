// The id of a new person, made from the name. It becomes a part of topics, entity ids and automations, and never changes.
import anyAscii from 'any-ascii';
import { isId } from './names.js';
import type { PersonId } from './person.js';

/**
 * The keys of the components that each room announces to Home Assistant (mqtt/components.ts). A person with such an id would have
 * the entity id of the component: `binary_sensor.kitchen_presence_occupancy`.
 */
const entityNames: ReadonlySet<string> = new Set([
  'occupancy',
  'person',
  'people',
  'presence',
  'recognition',
  'hold',
  'leave_after',
  'camera',
  'inference_time',
  'frame_rate',
  'temperature',
  'problem',
  'static_faces',
  'needs_photos',
  'under_voltage',
  'throttled',
  'restart',
  'correction',
  'stranger_arrived',
  'stranger_left',
  'last_arrival',
  'last_stranger',
]);

/** Whether a component of the room has the entity id that a person with `id` would get. */
export function isEntityName(id: string): boolean {
  return entityNames.has(entityPart(id));
}

/** Home Assistant writes `-` as `_`. */
function entityPart(id: string): string {
  return id.replaceAll('-', '_');
}

const longestId = 32;

/**
 * An id for `name` that differs from the ids in `used` and from the keys of components, also as part of an entity id. It is the name
 * in Latin letters without accents, or `person` if nothing can be written in them; with `-2`, `-3` ... if that is taken.
 * The result always satisfies `isId`.
 */
export function freeId(name: string, used: ReadonlySet<string>): PersonId {
  const taken = new Set([...used].map(entityPart));
  const isFree = (id: string): boolean => isId(id) && !taken.has(entityPart(id)) && !isEntityName(id);
  const stem = latin(name).slice(0, longestId).replace(/-+$/, '') || 'person';
  if (isFree(stem)) return stem;
  for (let count = 2; ; count += 1) {
    const suffix = `-${count}`;
    const id = `${stem.slice(0, longestId - suffix.length)}${suffix}`;
    if (isFree(id)) return id;
  }
}

/** The name in a-z and 0-9, with single dashes between its words. */
function latin(name: string): string {
  const letters = Array.from(name.normalize('NFKC'), (character) => {
    if (/[\p{L}\p{M}\p{N}]/u.test(character)) return anyAscii(character).replace(/[^A-Za-z0-9]/g, '');
    return /\p{Cf}/u.test(character) ? '' : '-';
  });
  return letters.join('').toLowerCase().replace(/-+/g, '-').replace(/^-|-$/g, '');
}
