// Who was in the room when the run before ended, as the broker has it: the retained state where the run was killed, and the farewell
// in it where it ended by itself. A restart then neither reports a second arrival of somebody who sits there nor misses that the
// last one left meanwhile.
import { z } from 'zod';
import type { WallTime } from '../base/clock.js';
import { parseJson } from '../base/json.js';
import type { PresenceSnapshot } from '../presence/presence.js';
import type { RetainedValue } from './connection.js';
import type { RoomTopics } from './topics.js';

export interface EarlierPerson {
  readonly person: string;
  /** When they arrived, milliseconds since the Unix epoch. */
  readonly sinceWallMs: number;
}

export interface EarlierPresence {
  /** At least one. */
  readonly people: readonly EarlierPerson[];
  /** When the room became occupied, milliseconds since the Unix epoch. */
  readonly sinceWallMs: number;
  /** How long ago the run ended, milliseconds; null where nobody knows. */
  readonly ageMs: number | null;
}

const time = z.string().transform((text, context) => {
  const ms = Date.parse(text);
  if (!Number.isNaN(ms)) return ms;
  context.addIssue('not a time');
  return z.NEVER;
});
const people = z.array(z.object({ person: z.string(), since: time }));
const farewell = z.object({ people, since: time, at: time });
const state = z.object({ people: people.nullable(), since: time.nullable(), before: farewell.optional() });

/** The part of the last state of a run that the next one takes over: `before` in a state whose other values are null. */
export function farewellBody(
  { people: present, sinceMs }: PresenceSnapshot,
  nowMs: number,
  wallTime: WallTime,
): Readonly<Record<string, unknown>> {
  return {
    people: present.map(({ person, sinceMs: arrivedMs }) => ({ person, since: wallTime(arrivedMs) })),
    since: wallTime(sinceMs),
    at: wallTime(nowMs),
  };
}

/**
 * What the retained values tell; null where nobody was there, the room was paused or blind, or the values are damaged. The broker
 * knows when the run ended (MQTT 5). Where it does not, the clocks tell, if this machine was not started since: `machineUpMs` is how
 * long it runs.
 */
export function earlierPresence(
  values: ReadonlyMap<string, RetainedValue>,
  topics: Pick<RoomTopics, 'state' | 'status'>,
  wallMs: number,
  machineUpMs: number,
): EarlierPresence | null {
  const last = parseJson(values.get(topics.state)?.payload.toString('utf8') ?? '', state);
  const status = values.get(topics.status);
  if (last === null || status === undefined) return null;
  const known = last.before ?? last;
  if (known.people === null || known.since === null || known.people.length === 0) return null;
  const hasEnded = status.payload.toString('utf8') === 'offline';
  let ageMs = hasEnded ? status.ageMs : null;
  // The broker has not noticed the end yet, so it was a moment ago, unless both were away since.
  if (!hasEnded) ageMs = last.before === undefined ? 0 : null;
  else if (ageMs === null && last.before !== undefined) ageMs = wallMs - last.before.at;
  if (ageMs !== null && ageMs < 0) ageMs = ageMs > -clockErrorMs ? 0 : null;
  const isFromBroker = hasEnded && status.ageMs !== null;
  if (ageMs !== null && !isFromBroker && machineUpMs < Math.max(ageMs, bootMs)) ageMs = null;
  return {
    people: known.people.map(({ person, since }) => ({ person, sinceWallMs: since })),
    sinceWallMs: known.since,
    ageMs,
  };
}

/** A farewell from further in the future than this was written by another clock, milliseconds. */
const clockErrorMs = 2_000;
/** A machine that runs for longer has not been started between two runs, milliseconds. */
const bootMs = 180_000;
