// The payload of each topic; docs/mqtt.md shows examples. Invariant: no similarity, embedding or score enters a payload (a few
// hundred similarities are enough to rebuild a template), and an unknown value is null, never "nobody".
import type { WallTime } from '../base/clock.js';
import type { PersonId } from '../gallery/person.js';
import type { PresenceEvent, PresenceSnapshot } from '../presence/presence.js';

/** Health of the daemon, published about every 30 s. null: not known on this machine. */
export interface HealthReport {
  /** Frames per second that passed through the whole pipeline. */
  readonly fps: number | null;
  /** Those of them that were analysed: the others had not changed. */
  readonly analysedFps: number | null;
  /** `reduced`: the board cannot keep up, so tiles and close-ups are left out. Far faces are found later. */
  readonly search: 'full' | 'reduced';
  /** Frames that a newer one replaced before they were processed, since the start. */
  readonly drops: number;
  /** Median time from a frame's capture to its decision, milliseconds, over the last 512 analysed frames. */
  readonly inferenceMs: number | null;
  readonly inferenceP95Ms: number | null;
  readonly temperatureCelsius: number | null;
  /** The firmware lowers the clock because of heat or low voltage. */
  readonly throttled: boolean | null;
  /** The supply voltage is too low at present. */
  readonly underVoltage: boolean | null;
  /** Static faces: faces that never move and count as pictures. */
  readonly fixedFaces: number;
  /** Names of the people with too few photos to be recognised well. */
  readonly needsPhotos: readonly string[];
  /** What is out of order, a sentence each, with its part: `gallery: ...`. */
  readonly problems: readonly string[];
  readonly model: string;
  readonly version: string;
  readonly uptimeSeconds: number;
}

/** `room/<id>/state` without its `seq`; null (paused, blind, no frame analysed yet) makes every value null. */
export function stateBody(snapshot: PresenceSnapshot | null, wallTime: WallTime): Readonly<Record<string, unknown>> {
  if (snapshot === null) {
    return { occupied: null, person: null, people: null, ambiguous: null, strangers: null, count: null, since: null };
  }
  const { occupied, people, ambiguous, strangers } = snapshot;
  const present = new Set(people.map(({ person }) => person));
  // An ambiguous face may belong to a person who is counted already.
  const more = ambiguous.filter((face) => !face.people.some((person) => present.has(person))).length;
  return {
    occupied,
    person: foremost(snapshot),
    people: people.map(({ person, name, sinceMs, as }) => ({ person, name, since: wallTime(sinceMs), as })),
    ambiguous: ambiguous.map((face) => ({ people: face.people, names: face.names, since: wallTime(face.sinceMs) })),
    strangers,
    // Somebody is present even if no face could be identified yet.
    count: Math.max(people.length + more + strangers, occupied ? 1 : 0),
    since: wallTime(snapshot.sinceMs),
  };
}

/** The person present who arrived last; null if somebody is present who is neither identified nor decided to be unknown. */
function foremost({ occupied, people, strangers }: PresenceSnapshot): PersonId | 'stranger' | 'nobody' | null {
  let newest = people[0];
  for (const person of people) if (newest === undefined || person.sinceMs >= newest.sinceMs) newest = person;
  if (newest !== undefined) return newest.person;
  if (strangers > 0) return 'stranger';
  return occupied ? null : 'nobody';
}

/** `room/<id>/person`. `id` distinguishes a message that QoS 1 repeated from a new one. */
export function eventBody(event: PresenceEvent, wallTime: WallTime, id: string): Readonly<Record<string, unknown>> {
  return {
    event_type: event.type,
    person: event.person,
    name: event.name,
    confidence: event.confidence,
    present: event.present,
    ...(event.movedTo === null ? {} : { moved_to: event.movedTo }),
    at: wallTime(event.atMs),
    id,
  };
}

/** `room/<id>/health`: every key is always present. */
export function healthBody(report: HealthReport): Readonly<Record<string, unknown>> {
  return {
    fps: rounded(report.fps),
    analysed_fps: rounded(report.analysedFps, 100),
    search: report.search,
    drops: report.drops,
    inference_ms: rounded(report.inferenceMs),
    inference_p95_ms: rounded(report.inferenceP95Ms),
    temperature: rounded(report.temperatureCelsius),
    throttled: report.throttled,
    under_voltage: report.underVoltage,
    fixed_faces: report.fixedFaces,
    needs_photos: report.needsPhotos,
    problems: report.problems,
    model: report.model,
    version: report.version,
    uptime_seconds: Math.round(report.uptimeSeconds),
  };
}

/** `value` in steps of `1 / parts`. */
function rounded(value: number | null, parts = 10): number | null {
  return value === null || !Number.isFinite(value) ? null : Math.round(value * parts) / parts;
}
