// Decides which version of a person wins when several rooms change it and messages are late, duplicated or lost. Invariant: any two
// versions have one order, which depends on their content and never on clocks, so all rooms converge to the same version.

import { foldName } from '../gallery/names.js';
import type { RoomId } from '../presence/arbitration.js';

/** Largest number of people that rooms share. */
export const mostSharedPeople = 64;

/** A version of a person. */
export interface Stamp {
  /** Grows when a forgotten person is enrolled again. */
  readonly life: number;
  /** The person is forgotten. Within a life this outranks every change, including a simultaneous one, so forgetting always wins. */
  readonly forgotten: boolean;
  /** Grows with every change within a life. */
  readonly counter: number;
  /** The room that made the change. It decides between two simultaneous changes. */
  readonly room: RoomId;
}

/** A stamp and the digest of the content. */
export interface Version {
  readonly stamp: Stamp;
  /** Keyed hash of the content, hexadecimal; '' if forgotten. A restored card may use a stamp a second time. */
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
 * The present version of a person in `room`. `known` is the last known version and `digest` that of the present content ('' for none).
 * Returns `known` if the content is unchanged, else the next version. null if the person never existed.
 */
export function currentVersion(known: Version | null, digest: string, room: RoomId): Version | null {
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
 * Compares two people with the same id. `same`: the incoming version replaces the stored one. `merge`: both rooms enrolled the person
 * independently, so all photos are kept. `separate`: two people whose names give the same id, so the one here gets another id.
 */
export function identityOf(here: Birth, incoming: Birth): 'same' | 'merge' | 'separate' {
  if (Buffer.from(here.key).equals(incoming.key)) return 'same';
  return foldName(here.name) === foldName(incoming.name) ? 'merge' : 'separate';
}

/** The first of `name`, `name 2`, `name 3` ... whose folded form is not in `used`. At most 64 characters. */
export function freeName(name: string, used: ReadonlySet<string>): string {
  if (!used.has(foldName(name))) return name;
  for (let count = 2; ; count += 1) {
    const numbered = `${[...name].slice(0, 58).join('').trimEnd()} ${count}`;
    if (!used.has(foldName(numbered))) return numbered;
  }
}
