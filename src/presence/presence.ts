// Who is in the room, as a reducer over what the tracks say. Only observed time counts as absence: a blind or paused
// camera proves nothing. For each person (and each stranger) arrived and left strictly alternate.
import type { PersonId } from '../gallery/person.js';
import type { Confidence } from '../recognition/decide.js';
import {
  type AmbiguousTrack,
  type AmbiguousFace,
  ambiguousFaces,
  type AmbiguousPairs,
  stepAmbiguous,
  noAmbiguousPairs,
} from './ambiguous.js';

export interface PresenceOptions {
  /** Observed time without evidence after which somebody has left. */
  readonly leaveAfterMs: number;
  /** Seconds to hold, set over MQTT: nobody leaves sooner than this after the last evidence. The longer of both counts. */
  readonly holdMs: number;
  /** A pause between two inputs longer than this is a blind camera; only this much of it counts as observed. */
  readonly gapMs: number;
}

/** On a live track, whose last look was so long ago (0 in most frames). */
interface Shown {
  readonly agoMs: number;
}

/** What is evident at one moment. */
export interface PresenceInput {
  readonly atMs: number;
  /** Names on live tracks; at most one entry per person. */
  readonly people: readonly (Shown & { readonly person: PersonId; readonly confidence: Confidence })[];
  /** Faces on live tracks that are one of two people: whichever of the two is present stays, neither arrives. */
  readonly ambiguous?: readonly AmbiguousTrack[];
  /** Strangers on live tracks, by their key. */
  readonly strangers: readonly (Shown & { readonly key: string })[];
  /** Keys of strangers who turned out to be somebody else (a name, another stranger): they leave at once. */
  readonly mistaken?: readonly string[];
  /** Whether a face is there that is neither named nor called a stranger (yet). */
  readonly someone: boolean;
  /** Names of everybody enrolled; who is not in it was forgotten and leaves at once. */
  readonly names: ReadonlyMap<PersonId, string>;
  /** An outside sensor says that somebody is there: whoever is present stays. */
  readonly held?: boolean;
  /** Whose place something moves in, and how far that speaks for them, 0 to 1: absence passes by the rest of the time. */
  readonly motionSupport?: ReadonlyMap<PersonId, number>;
  /** People whose place is another room, and that room: they leave at once, and do not arrive. */
  readonly elsewhere?: ReadonlyMap<PersonId, string>;
}

interface Present {
  readonly sinceMs: number;
  /** Observed time since the last evidence, less what motion in their place spoke for. */
  readonly unseenMs: number;
}

export interface PresenceState {
  readonly atMs: number | null;
  readonly people: ReadonlyMap<PersonId, Present & { readonly name: string }>;
  readonly doubts: AmbiguousPairs;
  readonly strangers: ReadonlyMap<string, Present>;
  /** Somebody without a name or a verdict. */
  readonly someone: Present | null;
  readonly snapshot: PresenceSnapshot;
}

/** An empty room at `atMs`. */
export function emptyRoom(atMs: number): PresenceState {
  const snapshot: PresenceSnapshot = { occupied: false, people: [], ambiguous: [], strangers: 0, sinceMs: atMs };
  return { atMs: null, people: new Map(), doubts: noAmbiguousPairs, strangers: new Map(), someone: null, snapshot };
}

export interface PresenceStep {
  readonly state: PresenceState;
  readonly events: readonly PresenceEvent[];
  readonly snapshot: PresenceSnapshot;
}

/** One step in time. Pure: the same state, input and options give the same step. */
export function presence(before: PresenceState, input: PresenceInput, options: PresenceOptions): PresenceStep {
  const { atMs } = input;
  const passed = before.atMs === null ? 0 : Math.min(options.gapMs, Math.max(0, atMs - before.atMs));
  const absence = input.held === true ? 0 : passed;
  const limit = Math.max(options.leaveAfterMs, options.holdMs);

  const elsewhere: ReadonlyMap<PersonId, string> = input.elsewhere ?? new Map();
  const seen = new Map(input.people.filter((one) => !elsewhere.has(one.person)).map((one) => [one.person, one]));
  const ambiguous = input.ambiguous ?? [];
  const perhaps = new Set(ambiguous.flatMap(({ between }) => between));
  const people = new Map<PersonId, Present & { readonly name: string }>();
  const gone: { person: PersonId; name: string }[] = [];
  for (const [person, one] of before.people) {
    const name = input.names.get(person);
    const trust = perhaps.has(person) ? 1 : (input.motionSupport?.get(person) ?? 0);
    const unseenMs = seen.get(person)?.agoMs ?? one.unseenMs + absence * (1 - trust);
    if (name === undefined || elsewhere.has(person) || (unseenMs >= limit && !seen.has(person)))
      gone.push({ person, name: name ?? one.name });
    else people.set(person, { ...one, name, unseenMs });
  }
  const came: { person: PersonId; name: string; confidence: Confidence }[] = [];
  for (const { person, confidence, agoMs } of seen.values()) {
    const name = input.names.get(person);
    if (name === undefined || people.has(person)) continue;
    people.set(person, { name, sinceMs: atMs, unseenMs: agoMs });
    came.push({ person, name, confidence });
  }

  const strangers = new Map<string, Present>();
  const isMistaken = (key: string) => input.mistaken?.includes(key) === true;
  const strangersSeen = new Map(input.strangers.map((one) => [one.key, one.agoMs]));
  let strangersGone = 0;
  for (const [key, one] of before.strangers) {
    const unseenMs = strangersSeen.get(key) ?? one.unseenMs + absence;
    if (isMistaken(key) || (unseenMs >= limit && !strangersSeen.has(key))) strangersGone++;
    else strangers.set(key, { ...one, unseenMs });
  }
  let strangersCame = 0;
  for (const [key, agoMs] of strangersSeen) {
    if (strangers.has(key) || isMistaken(key)) continue;
    strangers.set(key, { sinceMs: atMs, unseenMs: agoMs });
    strangersCame++;
  }

  const time = { atMs, absenceMs: absence, limitMs: limit };
  const doubted = stepAmbiguous(before.doubts, ambiguous, seen, input.names, time);
  const someone = stay(before.someone, input.someone, atMs, absence, limit);
  const present = new Set(before.people.keys());
  const change = (type: PresenceEvent['type'], confidence: Confidence, one?: { person: PersonId; name: string }) => {
    if (one !== undefined && type === 'left') present.delete(one.person);
    if (one !== undefined && type === 'arrived') present.add(one.person);
    const { person, name } = one ?? { person: null, name: null };
    const movedTo = type === 'left' && person !== null ? (elsewhere.get(person) ?? null) : null;
    return { type, person, name, confidence, present: [...present], atMs, movedTo };
  };
  const events: PresenceEvent[] = [
    ...gone.map((one) => change('left', 'high', one)),
    ...Array.from({ length: strangersGone }, () => change('stranger_left', 'high')),
    ...came.map(({ confidence, ...one }) => change('arrived', confidence, one)),
    ...Array.from({ length: strangersCame }, () => change('stranger_arrived', 'medium')),
  ];

  const occupied = people.size > 0 || strangers.size > 0 || doubted.size > 0 || someone !== null;
  const snapshot: PresenceSnapshot = {
    occupied,
    people: [...people].map(
      ([person, one]): PresentPerson => ({
        person,
        name: one.name,
        sinceMs: one.sinceMs,
        as: seen.has(person) ? 'seen' : 'assumed',
      }),
    ),
    ambiguous: ambiguousFaces(doubted, input.names),
    strangers: strangers.size,
    sinceMs: occupied === before.snapshot.occupied ? before.snapshot.sinceMs : atMs,
  };
  return { state: { atMs, people, doubts: doubted, strangers, someone, snapshot }, events, snapshot };
}

function stay(one: Present | null, evident: boolean, atMs: number, absence: number, limit: number): Present | null {
  if (one === null) return evident ? { sinceMs: atMs, unseenMs: 0 } : null;
  const unseenMs = evident ? 0 : one.unseenMs + absence;
  return unseenMs >= limit ? null : { ...one, unseenMs };
}

// What a room says about its people. Times are monotonic milliseconds; publishing turns them into wall time.

/** `seen`: a face or its live track shows them. `assumed`: they were seen, the face turned away, and nothing says they left. */
export type PresentAs = 'seen' | 'assumed';

export interface PresentPerson {
  readonly person: PersonId;
  readonly name: string;
  /** When they arrived, monotonic milliseconds. */
  readonly sinceMs: number;
  readonly as: PresentAs;
}

/** What is true now. */
export interface PresenceSnapshot {
  /** Anyone, known or not. */
  readonly occupied: boolean;
  readonly people: readonly PresentPerson[];
  readonly ambiguous: readonly AmbiguousFace[];
  readonly strangers: number;
  /** When `occupied` last changed, monotonic milliseconds. */
  readonly sinceMs: number;
}

/** What changed, once per change. */
export interface PresenceEvent {
  readonly type: 'arrived' | 'left' | 'stranger_arrived' | 'stranger_left';
  /** null for strangers. */
  readonly person: PersonId | null;
  readonly name: string | null;
  readonly confidence: Confidence;
  /** Who is present after the change. */
  readonly present: readonly PersonId[];
  readonly atMs: number;
  /** Only with `left`: the room in which they were just seen; null where they merely left. */
  readonly movedTo: string | null;
}
