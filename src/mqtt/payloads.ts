// What is said on each topic, as text; docs/mqtt.md shows the same by example. Invariant: no similarity, no embedding and no
// score ever enters a payload (some hundred similarities rebuild a template), and what is not known is null, never "nobody".
import type { WallTime } from '../base/clock.js';
import type { PersonId } from '../gallery/person.js';
import type { PresenceEvent, PresenceSnapshot } from '../presence/presence.js';

/** Health of the daemon, every half minute or so. null is "not known here". */
export interface HealthReport {
  /** Frames through the whole pipeline, a second. */
  readonly fps: number | null;
  /** Frames that a newer one replaced before they were looked at, since the start. */
  readonly drops: number;
  /** Median time from frame to faces, of the last minute. */
  readonly inferenceMs: number | null;
  readonly inferenceP95Ms: number | null;
  readonly temperatureCelsius: number | null;
  /** The board runs slower because of heat or voltage. */
  readonly throttled: boolean | null;
  /** Faces that never move and are taken for pictures. */
  readonly fixedFaces: number;
  readonly model: string;
  readonly version: string;
  readonly uptimeSeconds: number;
}

/** `room/<id>/state` without its `seq`; null (paused, blind, not looked yet) makes every value null. */
export function stateBody(snapshot: PresenceSnapshot | null, wallTime: WallTime): Readonly<Record<string, unknown>> {
  if (snapshot === null) {
    return { occupied: null, person: null, people: null, ambiguous: null, strangers: null, count: null, since: null };
  }
  const { occupied, people, ambiguous, strangers } = snapshot;
  const here = new Set(people.map(({ person }) => person));
  // A face that is one of two of whom one is here already may well be theirs.
  const more = ambiguous.filter((face) => !face.people.some((person) => here.has(person))).length;
  return {
    occupied,
    person: foremost(snapshot),
    people: people.map((one) => ({ person: one.person, name: one.name, since: wallTime(one.sinceMs), as: one.as })),
    ambiguous: ambiguous.map((one) => ({ people: one.people, names: one.names, since: wallTime(one.sinceMs) })),
    strangers,
    // Somebody is there even where no face could be told apart yet.
    count: Math.max(people.length + more + strangers, occupied ? 1 : 0),
    since: wallTime(snapshot.sinceMs),
  };
}

/** Who came last of those who are here; null where somebody is here whom nobody can name, not even as a stranger. */
function foremost({ occupied, people, strangers }: PresenceSnapshot): PersonId | 'stranger' | 'nobody' | null {
  const newest = people.reduce<(typeof people)[number] | null>(
    (best, one) => (best === null || one.sinceMs >= best.sinceMs ? one : best),
    null,
  );
  if (newest !== null) return newest.person;
  if (strangers > 0) return 'stranger';
  return occupied ? null : 'nobody';
}

/** `room/<id>/person`. `id` tells a message that QoS 1 repeated from a new one. */
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

/** `room/<id>/health`: every key is always there. */
export function healthBody(report: HealthReport): Readonly<Record<string, unknown>> {
  return {
    fps: rounded(report.fps),
    drops: report.drops,
    inference_ms: rounded(report.inferenceMs),
    inference_p95_ms: rounded(report.inferenceP95Ms),
    temperature: rounded(report.temperatureCelsius),
    throttled: report.throttled,
    fixed_faces: report.fixedFaces,
    model: report.model,
    version: report.version,
    uptime_seconds: Math.round(report.uptimeSeconds),
  };
}

function rounded(value: number | null): number | null {
  return value === null || !Number.isFinite(value) ? null : Math.round(value * 10) / 10;
}
