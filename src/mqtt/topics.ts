// Every topic of this program is built here, from validated parts. So no room id, person id or base can bring a wildcard, a
// slash, a control character or another room's topic into a publish, a subscription or a template.
import { fail } from '../base/errors.js';
import { prefixFault } from '../config/mqtt-rules.js';
import { idFault } from '../gallery/names.js';

/** Where the documentation and the issues are. */
export const homepage = 'https://github.com/roomkin/roomkin';

/** The topics of one room; docs/mqtt.md describes each. */
export interface RoomTopics {
  readonly person: string;
  readonly state: string;
  readonly status: string;
  readonly camera: string;
  readonly recognition: string;
  readonly recognitionSet: string;
  readonly leaveAfter: string;
  readonly leaveAfterSet: string;
  readonly motionSet: string;
  readonly restartSet: string;
  /** The answer to each correction. */
  readonly correction: string;
  readonly correctionSet: string;
  readonly health: string;
  /** For `roomkin check`: it reads what it publishes there. */
  readonly check: string;
  /** The face of whoever arrived last, known or not. */
  readonly snapshot: string;
  /** The face of the last known person who arrived. */
  readonly arrivalSnapshot: string;
  /** The face of the last unknown person who arrived. */
  readonly strangerSnapshot: string;
}

/** `value` again, or CONFIG_INVALID that names `what` ("room.id") and says what `fault` is. */
function checked(value: string, fault: string | null, what: string): string {
  if (fault === null) return value;
  throw fail('CONFIG_INVALID', `${what}: ${quote(value)}: ${fault}`);
}

const checkId = (id: string, what: string): string => checked(id, idFault(id), what);

/** `prefix` again (the base of the topics or of the discovery), or CONFIG_INVALID that names `what`. */
export const checkPrefix = (prefix: string, what: string): string => checked(prefix, prefixFault(prefix), what);

/** The topics of room `id` under `base` (MQTT 5.0 section 4.7). Throws CONFIG_INVALID for a base or an id that is refused. */
export function roomTopics(base: string, id: string): RoomTopics {
  const root = `${checkPrefix(base, 'mqtt.base')}/${checkId(id, 'room.id')}`;
  return {
    person: `${root}/person`,
    state: `${root}/state`,
    status: `${root}/status`,
    camera: `${root}/camera`,
    recognition: `${root}/recognition`,
    recognitionSet: `${root}/recognition/set`,
    leaveAfter: `${root}/leave_after`,
    leaveAfterSet: `${root}/leave_after/set`,
    motionSet: `${root}/motion/set`,
    restartSet: `${root}/restart/set`,
    correction: `${root}/correction`,
    correctionSet: `${root}/correction/set`,
    health: `${root}/health`,
    check: `${root}/check`,
    snapshot: `${root}/snapshot`,
    arrivalSnapshot: `${root}/snapshot/arrival`,
    strangerSnapshot: `${root}/snapshot/stranger`,
  };
}

/** The topics of a room whose messages the broker retains, in the order in which they are sent. */
export function retainedTopics({ status, camera, recognition, leaveAfter, state }: RoomTopics): readonly string[] {
  return [status, camera, recognition, leaveAfter, state];
}

/** The topics between the rooms of a household. */
export interface HouseholdTopics {
  /** This room's presence leases. Each room has its own topic, so that an access list can restrict who writes it. */
  readonly own: string;
  /** The pattern of all rooms' presence leases. */
  readonly rooms: string;
  /** The parent topic of the shared people, one topic per person. */
  readonly gallery: string;
  /** Messages between the rooms that share people. */
  readonly galleryRooms: string;
  /** What this room tells the others about itself: its name and its people. Retained. */
  readonly description: string;
  /** The pattern of all rooms' descriptions. */
  readonly descriptions: string;
  /** The parent topic of the places, one topic per person. Retained. */
  readonly places: string;
  /** Counts of the whole household. Retained. */
  readonly summary: string;
  /** Events: somebody moved to another room, came home or left. */
  readonly moves: string;
}

export function householdTopics(id: string, roomId: string): HouseholdTopics {
  const root = `household/${checkId(id, 'household.id')}`;
  return {
    own: `${root}/people/${checkId(roomId, 'room.id')}`,
    rooms: `${root}/people/+`,
    gallery: `${root}/gallery`,
    galleryRooms: `${root}/gallery/rooms`,
    description: `${root}/room/${checkId(roomId, 'room.id')}`,
    descriptions: `${root}/room/+`,
    places: `${root}/person`,
    summary: `${root}/state`,
    moves: `${root}/moves`,
  };
}

/** The discovery topic of the household's device. Every room may write it, so it has no room in its name. */
export function householdDiscoveryTopic(prefix: string, householdId: string): string {
  return `${checkPrefix(prefix, 'home_assistant.prefix')}/device/roomkin-household/${checkId(householdId, 'household.id')}/config`;
}

/**
 * The discovery topic of a room's device. The id has a level of its own, so that one pattern of an access list
 * (`homeassistant/device/roomkin/%u/config`) lets each room write only its own device.
 */
export function discoveryTopic(prefix: string, roomId: string): string {
  return `${checkPrefix(prefix, 'home_assistant.prefix')}/device/roomkin/${checkId(roomId, 'room.id')}/config`;
}

/** Identifier of a room's device in Home Assistant, and the prefix of its unique ids. */
export function deviceId(roomId: string): string {
  return `roomkin_${roomId}`;
}

function quote(text: string): string {
  return `'${text.length > 40 ? `${text.slice(0, 40)}…` : text}'`;
}
