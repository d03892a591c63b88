// One analysed frame further: faces → tracks → names → presence. Pure: the same frames, gallery and options give the
// same events every time, so a recorded clip replays. Nothing here holds pixels.

import { identify } from '../gallery/identify.js';
import type { Gallery, PersonId } from '../gallery/person.js';
import type { RoomId } from '../presence/arbitration.js';
import { noLeases, withoutAsserted, freshMs, type HouseholdLeases, assertPresent, arbitrate } from '../presence/arbitration.js';
import { type BodyRegions, bodyRegions, noBodyRegions, motionSupport } from '../presence/motion-support.js';
import type { PresenceEvent, PresenceSnapshot } from '../presence/presence.js';
import { emptyRoom, type PresenceState, presence } from '../presence/presence.js';
import { assignNames, decideTrack, undecided, type TrackDecision } from '../recognition/decide.js';
import type { DecidedObservation } from '../recognition/observation.js';
import type { Reason } from '../recognition/reason.js';
import {
  type StaticFaces,
  staticReason,
  isStatic,
  mayBeStatic,
  noStaticFaces,
  watchStaticFaces,
} from '../recognition/static-faces.js';
import { effectiveObservations, noTrackEmbedding } from '../recognition/track-embedding.js';
import { isAlive, noTracks, type Track, type Tracks, track } from '../recognition/tracker.js';
import { noUnknownPeople, recogniseUnknown, type UnknownPeople } from '../recognition/unknown-people.js';
import type { Observation, ObservedFace } from '../vision/face.js';
import { refusal, weight } from '../vision/quality-gate.js';
import type { RoomOptions } from './options.js';

/** Immutable; starts as `startRecognition`. Bounded: at most `tracks.most` tracks and 32 strangers. */
export interface RoomState {
  readonly tracks: Tracks;
  /** What was decided, by track id. */
  readonly decisions: ReadonlyMap<number, TrackDecision>;
  readonly unknownPeople: UnknownPeople;
  /** Faces that do not move, and count for nothing after a while. */
  readonly staticFaces: StaticFaces;
  readonly presence: PresenceState;
  /** Where whoever is present was last seen. */
  readonly bodyRegions: BodyRegions;
  /** What this room and the others say about people. */
  readonly household: HouseholdLeases;
}

/** What the room knows from elsewhere than its camera. */
export interface Hints {
  /** An outside presence sensor is on: whoever is present stays. */
  readonly held?: boolean;
}

export interface RoomStep {
  readonly state: RoomState;
  readonly events: readonly PresenceEvent[];
  readonly snapshot: PresenceSnapshot;
  readonly observations: readonly DecidedObservation[];
}

/**
 * Nobody there, at `atMs` (monotonic milliseconds). `room` is how the other rooms of the household know this one, `fixed` what
 * was known of pictures on the walls.
 */
export function startRoom(atMs: number, room: RoomId = '', fixed: StaticFaces = noStaticFaces): RoomState {
  const household = noLeases(room);
  const [verdicts, presence] = [new Map(), emptyRoom(atMs)];
  return { tracks: noTracks, decisions: verdicts, unknownPeople: noUnknownPeople, staticFaces: fixed, presence, bodyRegions: noBodyRegions, household };
}

/**
 * Takes in one analysis. Embeddings must be of the gallery's space. The gallery may change between calls: who was
 * forgotten leaves at once.
 */
export function step(
  state: RoomState,
  analysis: Observation,
  gallery: Gallery,
  options: RoomOptions,
  hints: Hints = {},
): RoomStep {
  const atMs = analysis.capturedAt;
  const looks = analysis.faces.map((face) => ({ face, weight: face.recorded?.weight ?? weight(face, options.gate) }));
  const { tracks, trackOf } = track(state.tracks, looks, atMs, options.tracks);
  const counted = new Map(trackOf.map((id, index) => [id, looks[index]!]));
  const size = [analysis.width, analysis.height] as const;
  const fixed = watchStaticFaces(state.staticFaces, { atMs, size, looks }, trackOf, tracks.tracks, options.staticFaces);
  const newLook = (id: number) => ((counted.get(id)?.weight ?? 0) > 0 ? counted.get(id)!.face.embedding : null);
  const found = nameTracks(tracks.tracks, state.decisions, newLook, fixed, gallery, options);
  const { verdicts, strangers, mistaken } = nameStrangers(tracks.tracks, found, state.unknownPeople, atMs, options);
  // Nobody's body is below a portrait: what moves there is somebody else.
  const alive = tracks.tracks.filter((one) => !isStatic(fixed, one.id, options.staticFaces));
  const places = placesAfter(state, analysis, alive, verdicts, options);
  const { elsewhere, ...step } = settle(
    { ...state, tracks: withoutOld(tracks, verdicts), decisions: verdicts, unknownPeople: strangers, staticFaces: fixed, bodyRegions: places },
    atMs,
    gallery,
    options,
    hints,
    mistaken,
  );
  return { ...step, observations: analysis.faces.map((face, index) => explain(face, trackOf[index]!)) };

  function explain(face: ObservedFace, id: number): DecidedObservation {
    const still = isStatic(fixed, id, options.staticFaces);
    const refused = still ? null : refusal(face, options.gate);
    const alone = face.embedding === null ? null : identify(face.embedding, gallery, options.single);
    const verdict = verdicts.get(id) ?? undecided;
    const place = verdict.person === null ? undefined : elsewhere.get(verdict.person);
    const decided = verdict.reason;
    const reason: Reason = place === undefined ? decided : { kind: 'in-other-room', room: place, decided };
    return {
      atMs,
      track: id,
      box: face.box,
      score: face.score,
      quality: face.quality,
      embedding: face.embedding,
      weight: still ? 0 : looks[analysis.faces.indexOf(face)]!.weight,
      best: alone?.best ?? null,
      runnerUp: alone?.runnerUp ?? null,
      similarity: alone?.similarity ?? null,
      second: alone?.second ?? null,
      margin: alone?.margin ?? null,
      person: verdict.person,
      state: refused !== null && verdict.person === null ? 'unclear' : verdict.state,
      reason: refused ?? reason,
    };
  }
}

/**
 * Time passes without an analysis: the motion gate found the picture unchanged, so whoever was on a live track in the
 * last frame still is. For a blind or paused camera call nothing at all.
 */
export function stepUnchanged(
  state: RoomState,
  atMs: number,
  gallery: Gallery,
  options: RoomOptions,
  hints: Hints = {},
): RoomStep {
  const before = state.presence.atMs ?? atMs;
  const tracks = state.tracks.tracks.map((one) =>
    // A face that the last analysed frame did not show is not shown by its repetition either.
    one.lastMs >= before ? { ...one, lastMs: Math.max(one.lastMs, atMs) } : one,
  );
  const kept = { ...state, tracks: { ...state.tracks, tracks } };
  const { elsewhere: _, ...step } = settle(kept, atMs, gallery, options, hints, []);
  return { ...step, observations: [] };
}

/**
 * News of the other rooms are taken in at once, as of the last frame: no time passes. null while the camera is blind: then
 * nobody is said to be here, and the news count from its next frame on.
 */
export function stepLeases(
  state: RoomState,
  household: HouseholdLeases,
  gallery: Gallery,
  options: RoomOptions,
  hints: Hints = {},
): { readonly state: RoomState; readonly step: RoomStep | null } {
  const next = { ...state, household };
  const { atMs } = state.presence;
  if (atMs === null) return { state: next, step: null };
  const { elsewhere: _, ...step } = settle(next, atMs, gallery, options, hints, []);
  return { state: step.state, step: { ...step, observations: [] } };
}

/**
 * The camera is paused or blind from now on: the time until the next analysis proves nothing about anybody, however short
 * it was, and neither tracks nor places reach over it.
 */
export function suspend(state: RoomState): RoomState {
  return {
    ...state,
    tracks: { ...state.tracks, tracks: [] },
    decisions: new Map(),
    bodyRegions: noBodyRegions,
    presence: { ...state.presence, atMs: null },
    household: withoutAsserted(state.household),
  };
}

/** Each track's verdict after this frame; no two tracks share a name. */
function nameTracks(
  tracks: readonly Track[],
  before: ReadonlyMap<number, TrackDecision>,
  newLook: (track: number) => Float32Array | null,
  fixed: StaticFaces,
  gallery: Gallery,
  options: RoomOptions,
): Map<number, TrackDecision> {
  const decided = tracks.map((one) =>
    isStatic(fixed, one.id, options.staticFaces)
      ? { ...undecided, reason: staticReason(fixed, one.id) }
      : decideTrack(one, newLook(one.id), before.get(one.id) ?? undecided, gallery, options),
  );
  // Between two claims the pooled similarity decides, and the number of looks behind it; but a portrait yields to the living.
  const claim = (_: unknown, index: number) =>
    mayBeStatic(fixed, tracks[index]!.id)
      ? -1
      : (decided[index]!.similarity ?? 0) * Math.sqrt(effectiveObservations(tracks[index]!.pooled, options.tracks));
  const assigned = assignNames(decided, claim);
  return new Map(assigned.map((verdict, index) => [tracks[index]!.id, verdict]));
}

/** A track on which somebody else is seen now keeps its place and forgets what it saw. */
function withoutOld(tracks: Tracks, verdicts: ReadonlyMap<number, TrackDecision>): Tracks {
  const kept = tracks.tracks.map((one) => (verdicts.get(one.id)?.personChanged ? { ...one, pooled: noTrackEmbedding } : one));
  return { ...tracks, tracks: kept };
}

function placesAfter(
  { bodyRegions: places, presence }: RoomState,
  seen: Observation,
  tracks: readonly Track[],
  verdicts: ReadonlyMap<number, TrackDecision>,
  options: RoomOptions,
): BodyRegions {
  const elapsedMs = presence.atMs === null ? null : seen.capturedAt - presence.atMs;
  const occupants = tracks.map((one) => ({ ...(verdicts.get(one.id) ?? undecided), ...one }));
  const unbroken = elapsedMs !== null && elapsedMs <= options.presence.gapMs ? elapsedMs : null;
  return bodyRegions(places, seen, unbroken, occupants, new Set(presence.people.keys()));
}

function nameStrangers(
  tracks: readonly Track[],
  verdicts: Map<number, TrackDecision>,
  before: UnknownPeople,
  atMs: number,
  options: RoomOptions,
): { verdicts: Map<number, TrackDecision>; strangers: UnknownPeople; mistaken: string[] } {
  let strangers = before;
  const mistaken: string[] = [];
  const result = new Map<number, TrackDecision>();
  const taken = new Set<string>();
  for (const one of tracks) {
    let verdict = verdicts.get(one.id)!;
    if (verdict.state === 'known' && verdict.unknownPerson !== null) {
      mistaken.push(verdict.unknownPerson);
      verdict = { ...verdict, unknownPerson: null };
    } else if (verdict.state === 'stranger' && verdict.unknownPerson === null && one.pooled.direction !== null) {
      const met = recogniseUnknown(strangers, one.pooled.direction, atMs, taken, options);
      strangers = met.strangers;
      verdict = { ...verdict, unknownPerson: met.key };
    }
    if (verdict.unknownPerson !== null) taken.add(verdict.unknownPerson);
    result.set(one.id, verdict);
  }
  return { verdicts: result, strangers, mistaken: mistaken.filter((key) => !taken.has(key)) };
}

function settle(
  state: RoomState,
  atMs: number,
  gallery: Gallery,
  options: RoomOptions,
  hints: Hints,
  mistaken: readonly string[],
): Omit<RoomStep, 'observations'> & { readonly elsewhere: ReadonlyMap<PersonId, RoomId> } {
  const names = new Map(gallery.people.map((person) => [person.id, person.name]));
  const live = state.tracks.tracks.filter(
    (one) => isAlive(one, atMs, options.tracks) && !isStatic(state.staticFaces, one.id, options.staticFaces),
  );
  const of = (one: Track) => state.decisions.get(one.id) ?? undecided;
  const ago = (one: Track) => Math.max(0, atMs - one.lastMs);
  const people = live.flatMap((one) => {
    const { person, confidence } = of(one);
    return person === null ? [] : [{ person, confidence, agoMs: ago(one) }];
  });
  const { household, elsewhere } = arbitrate(state.household, people, new Set(state.presence.people.keys()), atMs);
  // A face that is another room's Ada is somebody all the same; a face that is not there any more went there.
  const nameless = (one: Track) => {
    const { person } = of(one);
    return person === null ? one.frames >= options.naming.someoneFrames : elsewhere.has(person) && ago(one) <= freshMs;
  };
  const step = presence(
    state.presence,
    {
      atMs,
      people,
      elsewhere,
      ambiguous: live.flatMap((one) => {
        const { ambiguousBetween: between, person } = of(one);
        return between === null || person !== null ? [] : [{ between, agoMs: ago(one) }];
      }),
      strangers: live.flatMap((one) => {
        const key = of(one).unknownPerson;
        return key === null ? [] : [{ key, agoMs: ago(one) }];
      }),
      mistaken,
      someone: live.some(nameless),
      names,
      motionSupport: motionSupport(state.bodyRegions, atMs, options.motionSupport, options.presence.leaveAfterMs),
      ...hints,
    },
    options.presence,
  );
  const said = assertPresent(household, new Set(step.state.people.keys()), names, elsewhere);
  const after = { ...state, presence: step.state, household: said };
  return { state: after, events: step.events, snapshot: step.snapshot, elsewhere };
}
