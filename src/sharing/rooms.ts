// The messages with which rooms agree on what is newest, sealed like the people themselves. A room that listens asks the others for
// their versions, with a random number that the answers repeat: a stored answer of an earlier time does not pass for one of now.
import { z } from 'zod';
import { parseJson } from '../base/json.js';
import { isId } from '../gallery/names.js';
import type { RoomId } from '../presence/arbitration.js';
import { opaqueSchema, stampSchema } from './document.js';
import type { HouseholdSeal } from './key.js';
import type { Version } from './version.js';

export type RoomMessage =
  /** `missing`: tags of people whose newest version the broker withholds from the sender. */
  | { readonly type: 'ask'; readonly room: RoomId; readonly nonce: string; readonly missing: readonly string[] }
  /** The versions of a room by tag, perhaps in several messages. */
  | {
      readonly type: 'versions';
      readonly room: RoomId;
      readonly nonce: string;
      readonly versions: ReadonlyMap<string, Version>;
    }
  /** The household has the key of a later epoch. Sealed with the key that it replaces. */
  | { readonly type: 'retired'; readonly epoch: number }
  /** The room has the key of this epoch. Retained, so that a room that is off is still known. */
  | { readonly type: 'member'; readonly room: RoomId };

/** Last level of the topic for messages between rooms. Every other topic there holds a person or a room. */
export const roomsName = 'rooms';

/** Versions in a message: about 12 kB, which every broker takes. */
export const mostVersions = 100;
/** Larger messages are about people. */
const mostBytes = 64 * 1024;

const nonce = opaqueSchema;
const room = z.string().refine(isId);
const versionSchema = z.tuple([opaqueSchema, stampSchema, z.union([opaqueSchema, z.literal('')])]);
const schema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ask'), room, nonce, missing: z.array(opaqueSchema).max(mostVersions) }),
  z.object({
    type: z.literal('versions'),
    room,
    nonce,
    versions: z
      .array(versionSchema)
      .max(mostVersions)
      .transform((list) => new Map(list.map(([tag, stamp, digest]) => [tag, { stamp, digest }] as const))),
  }),
  z.object({ type: z.literal('retired'), epoch: z.number().int().min(2).max(65_535) }),
  z.object({ type: z.literal('member'), room }),
]);

/** `name`: the last level of the topic to which the message goes. */
export function sealRoomMessage(seal: HouseholdSeal, message: RoomMessage, name: string = roomsName): Buffer {
  const body =
    message.type === 'versions'
      ? { ...message, versions: [...message.versions].map(([tag, { stamp, digest }]) => [tag, stamp, digest]) }
      : message;
  return seal.seal(name, Buffer.from(JSON.stringify(body), 'utf8'));
}

/** null for bytes that hold no message of another room in this epoch. */
export function openRoomMessage(seal: HouseholdSeal, sealed: Buffer, name: string = roomsName): RoomMessage | null {
  const plain = sealed.length > mostBytes ? null : seal.open(name, sealed);
  return plain && parseJson(plain.toString('utf8'), schema);
}

/** The room of which the message at `name` says that it shares people; null for any other message. */
export function memberOf(seal: HouseholdSeal, name: string, sealed: Buffer): RoomId | null {
  const message = openRoomMessage(seal, sealed, name);
  return message?.type === 'member' && seal.nameOfRoom(message.room) === name ? message.room : null;
}
