// Decides which version of a person wins when several rooms change it and messages are late, duplicated or lost. Invariant: any two
// versions have one order, which depends on their content and never on clocks, so all rooms converge to the same version.

import { foldName } from '../gallery/names.js';
import type { RoomId } from '../presence/arbitration.js';

/** Largest number of people that rooms share. */
export const mostSharedPeople = 64;

/** A version of a person. */
export interface Stamp {
  /** Grows when somebody who was forgotten is enrolled again. */
  readonly life: number;
  /** Nothing is kept of this person. Of one life it outranks every change, also one made at the same time: who asks to be forgotten is. */
  readonly forgotten: boolean;
  /** Grows with every change of one life. */
  readonly counter: number;
  /** The room that made the change: of two at the same time one counts. */
  readonly room: RoomId;
}

/** A stamp and the digest of the content. */
export interface Version {
  readonly stamp: Stamp;
  /** Keyed hash of the content, hexadecimal; '' where it is forgotten. A card that was set back may use a stamp twice. */
  readonly digest: string;
}

/** Whether `version` is newer than `other`; null is older than everything. */
export function isNewer(version: Version, other: Version | null): boolean {
  if (other === null) return true;
  const [a, b] = [version.stamp, other.stamp];
  if (a.life !== b.life) return a.life > b.life;
  if (a.forgotten !== b.forgotten) return a.forgotten;
  if (a.counter !== b.counter) return a.counter > b.counter;
  if (a.room !== b.room) return a.room > b.room;
  return version.digest > other.digest;
}

/** The stamp of a change made by `room`; `before` is the last stamp that the room knows. */
export function nextStamp(before: Stamp | null, forgotten: boolean, room: RoomId): Stamp {
  if (before === null) return { life: 1, forgotten, counter: 1, room };
  if (before.forgotten && !forgotten) return { life: before.life + 1, forgotten, counter: 1, room };
  return { life: before.life, forgotten, counter: before.counter + 1, room };
}

/**
 * The version a person has in `room`, where the last known one is `known` and what is kept now has `digest` ('' for nothing):
 * the known one, or the next where something was changed here. null for nobody, ever.
 */
export function standing(known: Version | null, digest: string, room: RoomId): Version | null {
  if (known === null && digest === '') return null;
  if (known?.digest === digest) return known;
  return { stamp: nextStamp(known?.stamp ?? null, digest === '', room), digest };
}

/** Identifies whether people with one id in two rooms are the same person. */
export interface Birth {
  readonly name: string;
  /** The key that a person gets when they are enrolled. */
  readonly key: Uint8Array;
}

/**
 * Two rooms have one id. `same` person: the incoming version replaces the stored one. `unite`: each room enrolled them before it heard
 * of the other, so both keep all photos. `part`: two people whose names make one id, so the one here gets another.
 */
export function meeting(here: Birth, incoming: Birth): 'same' | 'unite' | 'part' {
  if (Buffer.from(here.key).equals(incoming.key)) return 'same';
  return foldName(here.name) === foldName(incoming.name) ? 'unite' : 'part';
}

/** `name`, or `name 2`, `name 3` ... : the first whose folded form is not in `taken`. 64 characters at most. */
export function freeName(name: string, taken: ReadonlySet<string>): string {
  if (!taken.has(foldName(name))) return name;
  for (let count = 2; ; count += 1) {
    const numbered = `${[...name].slice(0, 58).join('').trimEnd()} ${count}`;
    if (!taken.has(foldName(numbered))) return numbered;
  }
}
