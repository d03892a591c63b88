// Who is in the room, as a reducer over the decisions on the tracks. Only observed time counts as absence: a blind or paused
// camera proves nothing. For each person (and each unknown person) arrived and left strictly alternate.
import type { Pair } from '../gallery/identify.js';
import type { PersonId } from '../gallery/person.js';
import type { Confidence } from '../recognition/decide.js';

export interface PresenceOptions {
  /** Observed time without an observation after which somebody has left. */
  readonly leaveAfterMs: number;
  /** A longer pause between two inputs is a blind camera; only this much of it counts as observed. */
  readonly gapMs: number;
}

/** On a live track; `agoMs` is the time since its last observation (0 in most frames). */
interface OnTrack {
  readonly agoMs: number;
  /** The id of the track, for the event; not needed to decide. */
  readonly track?: number;
}

/** The input of one step. */
export interface PresenceInput {
  readonly atMs: number;
  /** Named people on live tracks; at most one entry per person. */
  readonly people: readonly (OnTrack & { readonly person: PersonId; readonly confidence: Confidence })[];
  /** Live tracks that are ambiguous between two people: a present one of the two stays, neither arrives. */
  readonly ambiguous?: readonly AmbiguousTrack[];
  /** Unknown people on live tracks, by their key. */
  readonly unknownPeople: readonly (OnTrack & { readonly key: string })[];
  /** Keys of unknown people who were identified since (by name, or as another unknown person): they leave at once. */
  readonly mistaken?: readonly string[];
  /** Whether there is a face that is neither named nor decided to be a stranger (yet). */
  readonly someone: boolean;
  /** There may be somebody whom the frames so far do not decide: while nobody is present, the room is undecided. */
  readonly perhaps?: boolean;
  /** Names of everybody enrolled. A person missing here was forgotten and leaves at once. */
  readonly names: ReadonlyMap<PersonId, string>;
  /** An external presence sensor is on: everybody who is present stays. */
  readonly held?: boolean;
  /** Motion support of each person, above 0 to 1: their absence grows only by `1 - support` of the elapsed time. */
  readonly motionSupport?: ReadonlyMap<PersonId, number>;
  /** People who belong to another room, with that room: they leave at once, and do not arrive. */
  readonly elsewhere?: ReadonlyMap<PersonId, string>;
}

interface Present {
  readonly sinceMs: number;
  /** Observed time since the last observation, reduced by motion support. */
  readonly unseenMs: number;
}

interface PresentByName extends Present {
  readonly name: string;
}

export interface PresenceState {
  /** The last input; null while the camera is blind or paused, and before the first input. */
  readonly atMs: number | null;
  /** The last input, also while the camera is blind or paused; null before the first. */
  readonly lastMs: number | null;
  readonly people: ReadonlyMap<PersonId, PresentByName>;
  readonly ambiguousPairs: AmbiguousPairs;
  readonly unknownPeople: ReadonlyMap<string, Present>;
  /** A face without a name or a decision. */
  readonly someone: Present | null;
  /**
   * Who was present before a pause or a long blindness and was not seen since. They are not in the snapshot. They come back without
   * an event when they are seen, and leave after the leaving time of observed absence.
   */
  readonly unconfirmed: Unconfirmed;
  /** Nobody is confirmed to be present, and somebody may be: neither "occupied" nor "nobody" is known. */
  readonly isUndecided: boolean;
  readonly snapshot: PresenceSnapshot;
}

interface Unconfirmed {
  readonly people: ReadonlyMap<PersonId, PresentByName>;
  readonly unknownPeople: ReadonlyMap<string, Present>;
}

const nobodyUnconfirmed: Unconfirmed = { people: new Map(), unknownPeople: new Map() };

/** An empty room at `atMs`. */
export function emptyRoom(atMs: number): PresenceState {
  return {
    atMs: null,
    lastMs: null,
    people: new Map(),
    ambiguousPairs: noAmbiguousPairs,
    unknownPeople: new Map(),
    someone: null,
    unconfirmed: nobodyUnconfirmed,
    isUndecided: false,
    snapshot: { occupied: false, people: [], ambiguous: [], strangers: 0, sinceMs: atMs },
  };
}

export interface PresenceStep {
  readonly state: PresenceState;
  readonly events: readonly PresenceEvent[];
  readonly snapshot: PresenceSnapshot;
}

/** The camera was paused, or blind for longer than anybody may be missing: nobody is claimed to be present before a new observation. */
export function unconfirm(state: PresenceState): PresenceState {
  const { people, unknownPeople, unconfirmed, ambiguousPairs, someone } = state;
  if (people.size === 0 && unknownPeople.size === 0 && ambiguousPairs.size === 0 && someone === null) return state;
  const anew = <Key, Value extends Present>(map: ReadonlyMap<Key, Value>): [Key, Value][] =>
    [...map].map(([key, present]) => [key, { ...present, unseenMs: 0 }]);
  return {
    ...state,
    people: new Map(),
    unknownPeople: new Map(),
    ambiguousPairs: noAmbiguousPairs,
    someone: null,
    unconfirmed: {
      people: new Map([...unconfirmed.people, ...anew(people)]),
      unknownPeople: new Map([...unconfirmed.unknownPeople, ...anew(unknownPeople)]),
    },
  };
}

/**
 * A room that starts with the people whom another run saw until `lastMs`. They are assumed until they are seen or have left; a first
 * input later than the leaving time unconfirms them.
 */
export function takeOver(
  people: ReadonlyMap<PersonId, { readonly name: string; readonly sinceMs: number }>,
  sinceMs: number,
  lastMs: number,
): PresenceState {
  const empty = emptyRoom(lastMs);
  return {
    ...empty,
    lastMs,
    people: new Map([...people].map(([person, present]) => [person, { ...present, unseenMs: 0 }])),
    snapshot: { ...empty.snapshot, occupied: true, sinceMs },
  };
}

/** Advances presence to `input.atMs`. Pure: the same state, input and options give the same step. */
export function presence(previous: PresenceState, input: PresenceInput, options: PresenceOptions): PresenceStep {
  const { atMs } = input;
  const blindMs = previous.atMs === null && previous.lastMs !== null ? atMs - previous.lastMs : 0;
  const limitMs = options.leaveAfterMs;
  const before = blindMs > limitMs ? unconfirm(previous) : previous;
  const passedMs = before.atMs === null ? 0 : Math.min(options.gapMs, Math.max(0, atMs - before.atMs));
  const absenceMs = input.held === true ? 0 : passedMs;
  /** A track may live longer than anybody may be missing. */
  const isRecent = ({ agoMs }: OnTrack): boolean => agoMs < limitMs;

  const elsewhere: ReadonlyMap<PersonId, string> = input.elsewhere ?? new Map();
  const seen = new Map(
    input.people
      .filter((sighting) => isRecent(sighting) && !elsewhere.has(sighting.person))
      .map((sighting) => [sighting.person, sighting]),
  );
  const ambiguous = (input.ambiguous ?? []).filter(isRecent);
  const inAmbiguousPair = new Set(ambiguous.flatMap(({ between }) => between));
  const people = new Map<PersonId, PresentByName>();
  const leaving: { person: PersonId; name: string }[] = [];
  for (const [person, present] of before.people) {
    const name = input.names.get(person);
    const support = inAmbiguousPair.has(person) ? 1 : (input.motionSupport?.get(person) ?? 0);
    const unseenMs = seen.get(person)?.agoMs ?? present.unseenMs + absenceMs * (1 - support);
    const isAbsent = unseenMs >= limitMs && !seen.has(person);
    if (name === undefined || elsewhere.has(person) || isAbsent) leaving.push({ person, name: name ?? present.name });
    else people.set(person, { ...present, name, unseenMs });
  }
  const unconfirmed = new Map<PersonId, PresentByName>();
  for (const [person, absent] of before.unconfirmed.people) {
    const name = input.names.get(person);
    const sighting = seen.get(person);
    const unseenMs = absent.unseenMs + absenceMs;
    if (name === undefined || elsewhere.has(person) || (sighting === undefined && unseenMs >= limitMs))
      leaving.push({ person, name: name ?? absent.name });
    else if (sighting !== undefined) people.set(person, { name, sinceMs: atMs, unseenMs: sighting.agoMs });
    else unconfirmed.set(person, { ...absent, name, unseenMs });
  }
  const arriving: { person: PersonId; name: string; confidence: Confidence; track: number | null }[] = [];
  for (const { person, confidence, agoMs, track = null } of seen.values()) {
    const name = input.names.get(person);
    if (name === undefined || people.has(person)) continue;
    people.set(person, { name, sinceMs: atMs, unseenMs: agoMs });
    arriving.push({ person, name, confidence, track });
  }

  const unknownPeople = new Map<string, Present>();
  const isMistaken = (key: string) => input.mistaken?.includes(key) === true;
  const unknownSeen = new Map(input.unknownPeople.filter(isRecent).map((unknown) => [unknown.key, unknown.agoMs]));
  const trackOfUnknown = new Map(input.unknownPeople.map((unknown) => [unknown.key, unknown.track ?? null]));
  let unknownLeaving = 0;
  for (const [key, present] of before.unknownPeople) {
    const unseenMs = unknownSeen.get(key) ?? present.unseenMs + absenceMs;
    if (isMistaken(key) || (unseenMs >= limitMs && !unknownSeen.has(key))) unknownLeaving++;
    else unknownPeople.set(key, { ...present, unseenMs });
  }
  const unconfirmedUnknown = new Map<string, Present>();
  for (const [key, absent] of before.unconfirmed.unknownPeople) {
    const unseenMs = absent.unseenMs + absenceMs;
    const agoMs = unknownSeen.get(key);
    if (isMistaken(key) || (agoMs === undefined && unseenMs >= limitMs)) unknownLeaving++;
    else if (agoMs !== undefined) unknownPeople.set(key, { sinceMs: atMs, unseenMs: agoMs });
    else unconfirmedUnknown.set(key, { ...absent, unseenMs });
  }
  const unknownArriving: (number | null)[] = [];
  for (const [key, agoMs] of unknownSeen) {
    if (unknownPeople.has(key) || isMistaken(key)) continue;
    unknownPeople.set(key, { sinceMs: atMs, unseenMs: agoMs });
    unknownArriving.push(trackOfUnknown.get(key) ?? null);
  }

  const time = { atMs, absenceMs, limitMs };
  const ambiguousPairs = stepAmbiguous(before.ambiguousPairs, ambiguous, seen, input.names, time);
  const someone = stepSomeone(before.someone, input.someone, time);

  const present = new Set([
    ...before.people.keys(),
    ...[...people.keys()].filter((person) => before.unconfirmed.people.has(person)),
  ]);
  const personEvent = (
    type: 'arrived' | 'left',
    { person, name, track = null }: { person: PersonId; name: string; track?: number | null },
    confidence: Confidence,
  ): PresenceEvent => {
    if (type === 'left') present.delete(person);
    else present.add(person);
    const movedTo = type === 'left' ? (elsewhere.get(person) ?? null) : null;
    return { type, person, name, confidence, present: [...present], atMs, movedTo, track };
  };
  const strangerEvent = (
    type: 'stranger_arrived' | 'stranger_left',
    confidence: Confidence,
    track: number | null,
  ): PresenceEvent => {
    return { type, person: null, name: null, confidence, present: [...present], atMs, movedTo: null, track };
  };
  const events: PresenceEvent[] = [
    ...leaving.map((person) => personEvent('left', person, 'high')),
    ...Array.from({ length: unknownLeaving }, () => strangerEvent('stranger_left', 'high', null)),
    ...arriving.map((person) => personEvent('arrived', person, person.confidence)),
    ...unknownArriving.map((track) => strangerEvent('stranger_arrived', 'medium', track)),
  ];

  const occupied = people.size > 0 || unknownPeople.size > 0 || ambiguousPairs.size > 0 || someone !== null;
  const snapshot: PresenceSnapshot = {
    occupied,
    people: [...people].map(
      ([person, { name, sinceMs }]): PresentPerson => ({
        person,
        name,
        sinceMs,
        as: seen.has(person) ? 'seen' : 'assumed',
      }),
    ),
    ambiguous: ambiguousFaces(ambiguousPairs, input.names),
    strangers: unknownPeople.size,
    sinceMs: occupied === before.snapshot.occupied ? before.snapshot.sinceMs : atMs,
  };
  const isUndecided = !occupied && (input.perhaps === true || unconfirmed.size + unconfirmedUnknown.size > 0);
  const state: PresenceState = {
    atMs,
    lastMs: atMs,
    people,
    ambiguousPairs,
    unknownPeople,
    someone,
    unconfirmed: { people: unconfirmed, unknownPeople: unconfirmedUnknown },
    isUndecided,
    snapshot,
  };
  return { state, events, snapshot };
}

function stepSomeone(
  before: Present | null,
  isThere: boolean,
  { atMs, absenceMs, limitMs }: { readonly atMs: number; readonly absenceMs: number; readonly limitMs: number },
): Present | null {
  if (before === null) return isThere ? { sinceMs: atMs, unseenMs: 0 } : null;
  const unseenMs = isThere ? 0 : before.unseenMs + absenceMs;
  return unseenMs >= limitMs ? null : { ...before, unseenMs };
}

// The published state of a room. Times are monotonic milliseconds; publishing turns them into wall time.

/** `seen`: on a live track. `assumed`: seen before, the face turned away since, and the person has not left. */
export type PresentAs = 'seen' | 'assumed';

export interface PresentPerson {
  readonly person: PersonId;
  readonly name: string;
  /** When they arrived, monotonic milliseconds. */
  readonly sinceMs: number;
  readonly as: PresentAs;
}

/** The state at one moment. */
export interface PresenceSnapshot {
  /** Anybody is there, known or not. */
  readonly occupied: boolean;
  readonly people: readonly PresentPerson[];
  readonly ambiguous: readonly AmbiguousFace[];
  /** Number of unknown people. */
  readonly strangers: number;
  /** When `occupied` last changed, monotonic milliseconds. */
  readonly sinceMs: number;
}

/** One change of the state. */
export interface PresenceEvent {
  readonly type: 'arrived' | 'left' | 'stranger_arrived' | 'stranger_left';
  /** null for unknown people. */
  readonly person: PersonId | null;
  readonly name: string | null;
  readonly confidence: Confidence;
  /** The people present after the change. */
  readonly present: readonly PersonId[];
  readonly atMs: number;
  /** Only with `left`: the room in which they were just seen; null where they merely left. */
  readonly movedTo: string | null;
  /** Only with `arrived` and `stranger_arrived`: the track of the face that decided it, for its picture. Not published. */
  readonly track: number | null;
}

// Faces that are ambiguous between two people who are too similar: both names are published, neither is guessed. Pure.

/** A face that is one of two people, without a decision which one. */
export interface AmbiguousFace {
  readonly people: readonly PersonId[];
  /** Their names, in the same order. */
  readonly names: readonly string[];
  readonly sinceMs: number;
}

/** A live track that is one of two people; `agoMs` is the time since its last observation. */
export interface AmbiguousTrack {
  readonly between: Pair;
  readonly agoMs: number;
}

interface AmbiguousPair {
  readonly between: Pair;
  readonly sinceMs: number;
  /** Observed time since a track last showed the pair. */
  readonly unseenMs: number;
}

/** By pair: two faces that are ambiguous between the same two people are published once. */
export type AmbiguousPairs = ReadonlyMap<string, AmbiguousPair>;

export const noAmbiguousPairs: AmbiguousPairs = new Map();

/**
 * Advances the pairs to `time.atMs`. A pair ends when no track showed it for `limitMs` of observed time, when one of the two
 * was named since (the face was theirs), or when one of the two was forgotten. `seen` has the people named in this frame.
 */
export function stepAmbiguous(
  before: AmbiguousPairs,
  tracks: readonly AmbiguousTrack[],
  seen: { has(person: PersonId): boolean },
  names: ReadonlyMap<PersonId, string>,
  time: { readonly atMs: number; readonly absenceMs: number; readonly limitMs: number },
): AmbiguousPairs {
  const after = new Map<string, AmbiguousPair>();
  const shown = new Set(tracks.map(({ between }) => between.join()));
  for (const [key, pair] of before) {
    const unseenMs = pair.unseenMs + time.absenceMs;
    const isOver = unseenMs >= time.limitMs || pair.between.some((person) => seen.has(person));
    if (!shown.has(key) && !isOver) after.set(key, { ...pair, unseenMs });
  }
  for (const { between, agoMs } of tracks) {
    const key = between.join();
    after.set(key, { between, sinceMs: before.get(key)?.sinceMs ?? time.atMs, unseenMs: agoMs });
  }
  for (const [key, { between }] of after) if (!between.every((person) => names.has(person))) after.delete(key);
  return after;
}

/** The pairs as a room publishes them, the oldest first. */
export function ambiguousFaces(pairs: AmbiguousPairs, names: ReadonlyMap<PersonId, string>): AmbiguousFace[] {
  return [...pairs.values()]
    .sort((a, b) => a.sinceMs - b.sinceMs)
    .map(({ between, sinceMs }) => ({
      people: between,
      names: between.map((person) => names.get(person) ?? person),
      sinceMs,
    }));
}
