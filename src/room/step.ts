// The one decision step of a room: faces → tracks → names → presence. Pure: the same frames, gallery and options always give
// the same events, so a recorded clip can be replayed. Nothing here holds pixels.

import {
  afterFrame,
  afterPause,
  isLastLate,
  noPace,
  type Pace,
  usualInterval,
  usualIntervalMs,
  withInterval,
} from '../base/pace.js';
import { identify } from '../gallery/identify.js';
import type { Gallery, PersonId } from '../gallery/person.js';
import type { Reason } from '../gallery/reason.js';
import type { RoomId } from '../presence/arbitration.js';
import {
  arbitrate,
  assertPresent,
  freshMs,
  type HouseholdLeases,
  noLeases,
  withoutAsserted,
} from '../presence/arbitration.js';
import { type BodyRegions, bodyRegions, motionSupport, noBodyRegions } from '../presence/motion-support.js';
import type { PresenceEvent, PresenceSnapshot } from '../presence/presence.js';
import { emptyRoom, type PresenceState, presence, unconfirm } from '../presence/presence.js';
import { assignNames, decideTrack, type TrackDecision, undecided } from '../recognition/decide.js';
import {
  afterFrame as afterScheduledFrame,
  type EmbeddingSchedule,
  expectedWithoutEmbedding,
  noSchedule,
} from '../recognition/embedding-schedule.js';
import type { DecidedObservation } from '../recognition/observation.js';
import {
  isStatic,
  mayBeStatic,
  noStaticFaces,
  type StaticFaces,
  staticReason,
  watchStaticFaces,
} from '../recognition/static-faces.js';
import { effectiveObservations, noTrackEmbedding } from '../recognition/track-embedding.js';
import { isAlive, noTracks, type Track, type Tracks, track } from '../recognition/tracker.js';
import { noUnknownPeople, recogniseUnknown, type UnknownPeople } from '../recognition/unknown-people.js';
import { continued } from '../vision/continued-faces.js';
import type { Box, Observation, ObservedFace } from '../vision/face.js';
import { type QualityRefusal, refusal, weight } from '../vision/quality-gate.js';
import type { RoomOptions } from './options.js';
import { atPace } from './pace.js';

/** Immutable; starts as `startRoom`. Bounded: at most `tracks.maxTracks` tracks and 32 unknown people. */
export interface RoomState {
  readonly tracks: Tracks;
  /** By track id. */
  readonly decisions: ReadonlyMap<number, TrackDecision>;
  readonly unknownPeople: UnknownPeople;
  /** Faces that do not move and are ignored after a while. */
  readonly staticFaces: StaticFaces;
  /** When each track is embedded next. */
  readonly schedule: EmbeddingSchedule;
  readonly presence: PresenceState;
  /** Where each present person was last seen. */
  readonly bodyRegions: BodyRegions;
  /** The presence leases of this room and of the others. */
  readonly household: HouseholdLeases;
  /** How often frames are analysed. */
  readonly pace: Pace;
}

/** Information about the room from sources other than its camera. */
export interface Hints {
  /** An external presence sensor is on: everybody who is present stays. */
  readonly held?: boolean;
}

export interface RoomStep {
  readonly state: RoomState;
  readonly events: readonly PresenceEvent[];
  readonly snapshot: PresenceSnapshot;
  readonly observations: readonly DecidedObservation[];
}

/**
 * An empty room at `atMs` (monotonic milliseconds). `room` is its id in the household. `staticFaces` holds the static faces
 * known from before a restart.
 */
export function startRoom(atMs: number, room: RoomId = '', staticFaces: StaticFaces = noStaticFaces): RoomState {
  return {
    tracks: noTracks,
    decisions: new Map(),
    unknownPeople: noUnknownPeople,
    staticFaces,
    schedule: noSchedule,
    presence: emptyRoom(atMs),
    bodyRegions: noBodyRegions,
    household: noLeases(room),
    pace: noPace,
  };
}

/**
 * Advances by one analysis. Embeddings must be of the gallery's space. The gallery may change between calls: a forgotten
 * person leaves at once.
 */
export function step(
  state: RoomState,
  analysis: Observation,
  gallery: Gallery,
  shippedOptions: RoomOptions,
  hints: Hints = {},
): RoomStep {
  const atMs = analysis.capturedAt;
  const pace = paceAfter(state, analysis);
  const options = optionsAt(pace, shippedOptions);
  const observations = analysis.faces.map((face) => ({
    face,
    weight: face.recorded?.weight ?? weight(face, options.gate),
  }));
  const { tracks, trackOf } = track(state.tracks, observations, atMs, options.tracks);
  const observationOf = new Map(trackOf.map((id, index) => [id, observations[index]!]));
  const size = [analysis.width, analysis.height] as const;
  const staticFaces = watchStaticFaces(
    state.staticFaces,
    { atMs, size, observations },
    trackOf,
    tracks.tracks,
    options.staticFaces,
  );
  const embeddingOf = (id: number): Float32Array | null => {
    const observation = observationOf.get(id);
    return observation !== undefined && observation.weight > 0 ? observation.face.embedding : null;
  };
  const named = nameTracks(tracks.tracks, state.decisions, embeddingOf, staticFaces, gallery, options);
  const { decisions, unknownPeople, mistaken } = keyUnknownPeople(
    tracks.tracks,
    named,
    state.unknownPeople,
    atMs,
    options,
  );
  const schedule = afterScheduledFrame(
    state.schedule,
    {
      atMs,
      before: state.tracks.tracks,
      tracks: tracks.tracks,
      decisions,
      observationOf,
      isStatic: (id) => isStatic(staticFaces, id, options.staticFaces),
    },
    options.gate,
    options.tracks,
  );
  // There is no body below a portrait: motion there belongs to somebody else.
  const alive = tracks.tracks.filter((track) => !isStatic(staticFaces, track.id, options.staticFaces));
  const { elsewhere, ...result } = updatePresence(
    {
      ...state,
      pace,
      tracks: resetChangedTracks(tracks, decisions),
      decisions,
      unknownPeople,
      staticFaces,
      schedule,
      bodyRegions: updateBodyRegions(state, analysis, alive, decisions, options),
    },
    atMs,
    gallery,
    options,
    hints,
    mistaken,
  );
  return { ...result, observations: analysis.faces.map((face, index) => explain(face, index)) };

  function explain(face: ObservedFace, index: number): DecidedObservation {
    const id = trackOf[index]!;
    const still = isStatic(staticFaces, id, options.staticFaces);
    const refused = still ? null : refusedBecause(face, options.gate);
    const single = face.embedding === null ? null : identify(face.embedding, gallery, options.single);
    const decision = decisions.get(id) ?? undecided;
    const otherRoom = decision.person === null ? undefined : elsewhere.get(decision.person);
    const decided = decision.reason;
    const reason: Reason = otherRoom === undefined ? decided : { kind: 'in-other-room', room: otherRoom, decided };
    return {
      atMs,
      track: id,
      box: face.box,
      score: face.score,
      quality: face.quality,
      embedding: face.embedding,
      weight: still ? 0 : observations[index]!.weight,
      ...(face.isContinued ? { isContinued: true } : {}),
      best: single?.best ?? null,
      runnerUp: single?.runnerUp ?? null,
      similarity: single?.similarity ?? null,
      second: single?.second ?? null,
      margin: single?.margin ?? null,
      person: decision.person,
      state: refused !== null && decision.person === null ? 'unclear' : decision.state,
      reason: refused ?? reason,
    };
  }
}

/** A face whose embedding was not due lacks nothing. */
function refusedBecause(face: ObservedFace, gate: RoomOptions['gate']): QualityRefusal | null {
  const because = refusal(face, gate);
  return because?.kind === 'not-embedded' && face.isContinued ? null : because;
}

/** The boxes in which a frame at `atMs` is expected to show faces whose embedding is not due. */
export function expectedFaces(state: RoomState, atMs: number): readonly Box[] {
  return expectedWithoutEmbedding(state.schedule, state.tracks.tracks, atMs);
}

/** `observation` as the engine would have reported it for this state: without the embeddings that are not due. For simulations. */
export function asScheduled<T extends Observation>(state: RoomState, observation: T): T {
  const boxes = observation.faces.map(({ box }) => box);
  const isContinued = continued(boxes, expectedFaces(state, observation.capturedAt));
  const faces = observation.faces.map((face, index) =>
    isContinued[index] ? { ...face, embedding: null, isContinued: true } : face,
  );
  return { ...observation, faces };
}

/**
 * Advances the time without an analysis: the motion gate found the frame unchanged, so everybody on a live track in the last
 * frame is still there. Not to be called while the camera is blind or paused.
 */
export function stepUnchanged(
  state: RoomState,
  atMs: number,
  gallery: Gallery,
  shippedOptions: RoomOptions,
  hints: Hints = {},
): RoomStep {
  const pace = afterFrame(state.pace, atMs);
  const options = optionsAt(pace, shippedOptions);
  const lastFrameMs = state.presence.atMs ?? atMs;
  const tracks = state.tracks.tracks.map((track) =>
    // A face that was missing in the last analysed frame is missing in the unchanged frame too.
    track.lastMs >= lastFrameMs ? { ...track, lastMs: Math.max(track.lastMs, atMs) } : track,
  );
  const unchanged = { ...state, pace, tracks: { ...state.tracks, tracks } };
  const { elsewhere: _, ...result } = updatePresence(unchanged, atMs, gallery, options, hints, []);
  return { ...result, observations: [] };
}

/**
 * Applies leases received from other rooms, as of the last frame: no time passes. `step` is null while the camera is blind: then
 * nobody is asserted here, and the leases take effect with the next frame.
 */
export function stepLeases(
  state: RoomState,
  household: HouseholdLeases,
  gallery: Gallery,
  shippedOptions: RoomOptions,
  hints: Hints = {},
): { readonly state: RoomState; readonly step: RoomStep | null } {
  const options = optionsAt(state.pace, shippedOptions);
  const next = { ...state, household };
  const { atMs } = state.presence;
  if (atMs === null) return { state: next, step: null };
  const { elsewhere: _, ...result } = updatePresence(next, atMs, gallery, options, hints, []);
  return { state: result.state, step: { ...result, observations: [] } };
}

/**
 * The camera is paused or blind from now on. The time until the next analysis counts neither as presence nor as absence, however
 * short it is. Tracks and body regions do not continue over it. A pause ends presence: nobody is claimed after it before a face was
 * seen. So does a blindness that is longer than the leaving time.
 */
export function suspend(state: RoomState, isPaused = false): RoomState {
  const presenceState = isPaused ? unconfirm(state.presence) : state.presence;
  return {
    ...state,
    tracks: { ...state.tracks, tracks: [] },
    schedule: noSchedule,
    decisions: new Map(),
    bodyRegions: noBodyRegions,
    presence: { ...presenceState, atMs: null },
    household: withoutAsserted(state.household),
    pace: afterPause(state.pace),
  };
}

/** The pace after `analysis`. A recording omits frames, so that only the observations of one track tell how often it was seen. */
function paceAfter({ pace, tracks: { tracks } }: RoomState, { capturedAt, faces }: Observation): Pace {
  if (!faces.some(({ recorded }) => recorded !== undefined)) return afterFrame(pace, capturedAt);
  const intervals = faces.flatMap(({ recorded }) => {
    const before = tracks.find(({ id }) => id === recorded?.track);
    if (recorded === undefined || before === undefined || recorded.frames <= before.frames) return [];
    return [(capturedAt - before.lastMs) / (recorded.frames - before.frames)];
  });
  return intervals.length === 0 ? pace : withInterval(pace, Math.max(0, Math.min(...intervals)));
}

/** `options` with the windows of this pace. */
export function optionsAt(pace: Pace, options: RoomOptions): RoomOptions {
  return atPace(options, usualInterval(pace) ?? options.frameIntervalMs);
}

/** Whether a face that was seen once or twice may be all that this room gets to see of somebody. */
function isSlow(pace: Pace): boolean {
  const intervalMs = usualInterval(pace);
  return intervalMs === null || intervalMs > usualIntervalMs || isLastLate(pace);
}

/** Each track's decision after this frame; no two tracks share a name. */
function nameTracks(
  tracks: readonly Track[],
  before: ReadonlyMap<number, TrackDecision>,
  embeddingOf: (track: number) => Float32Array | null,
  staticFaces: StaticFaces,
  gallery: Gallery,
  options: RoomOptions,
): Map<number, TrackDecision> {
  const decisions = tracks.map((track) =>
    isStatic(staticFaces, track.id, options.staticFaces)
      ? { ...undecided, reason: staticReason(staticFaces, track.id, options.staticFaces) }
      : decideTrack(track, embeddingOf(track.id), before.get(track.id) ?? undecided, gallery, options),
  );
  // Between two tracks with one name, the similarity and the number of observations behind it decide; a portrait always yields.
  const strength = (decision: TrackDecision, index: number) => {
    const { id, pooled } = tracks[index]!;
    if (mayBeStatic(staticFaces, id, options.staticFaces)) return -1;
    return (decision.similarity ?? 0) * Math.sqrt(effectiveObservations(pooled, options.tracks));
  };
  const assigned = assignNames(decisions, strength);
  return new Map(assigned.map((decision, index) => [tracks[index]!.id, decision]));
}

/** A track on which the person has changed keeps its position and starts a new track embedding. */
function resetChangedTracks(tracks: Tracks, decisions: ReadonlyMap<number, TrackDecision>): Tracks {
  const next = tracks.tracks.map((track) =>
    decisions.get(track.id)?.personChanged ? { ...track, pooled: noTrackEmbedding } : track,
  );
  return { ...tracks, tracks: next };
}

function updateBodyRegions(
  { bodyRegions: before, presence }: RoomState,
  analysis: Observation,
  tracks: readonly Track[],
  decisions: ReadonlyMap<number, TrackDecision>,
  options: RoomOptions,
): BodyRegions {
  const elapsedMs = presence.atMs === null ? null : analysis.capturedAt - presence.atMs;
  const continuousMs = elapsedMs !== null && elapsedMs <= options.presence.gapMs ? elapsedMs : null;
  const occupants = tracks.map((track) => ({ ...(decisions.get(track.id) ?? undecided), ...track }));
  return bodyRegions(
    before,
    analysis,
    continuousMs,
    occupants,
    new Set(presence.people.keys()),
    options.motionSupport.pathMs,
  );
}

/** Gives each track of a stranger the key of its unknown person. `mistaken`: keys whose tracks have a name now. */
function keyUnknownPeople(
  tracks: readonly Track[],
  decisions: ReadonlyMap<number, TrackDecision>,
  before: UnknownPeople,
  atMs: number,
  options: RoomOptions,
): { decisions: Map<number, TrackDecision>; unknownPeople: UnknownPeople; mistaken: string[] } {
  let unknownPeople = before;
  const mistaken: string[] = [];
  const next = new Map<number, TrackDecision>();
  const usedKeys = new Set<string>();
  for (const track of tracks) {
    let decision = decisions.get(track.id)!;
    if (decision.state === 'known' && decision.unknownPerson !== null) {
      mistaken.push(decision.unknownPerson);
      decision = { ...decision, unknownPerson: null };
    } else if (decision.state === 'stranger' && decision.unknownPerson === null && track.pooled.direction !== null) {
      const recognised = recogniseUnknown(unknownPeople, track.pooled.direction, atMs, usedKeys, options);
      unknownPeople = recognised.unknownPeople;
      decision = { ...decision, unknownPerson: recognised.key };
    }
    if (decision.unknownPerson !== null) usedKeys.add(decision.unknownPerson);
    next.set(track.id, decision);
  }
  return { decisions: next, unknownPeople, mistaken: mistaken.filter((key) => !usedKeys.has(key)) };
}

/** From the decisions on the live tracks to presence: arbitration with the other rooms, then the presence reducer. */
function updatePresence(
  state: RoomState,
  atMs: number,
  gallery: Gallery,
  options: RoomOptions,
  hints: Hints,
  mistaken: readonly string[],
): Omit<RoomStep, 'observations'> & { readonly elsewhere: ReadonlyMap<PersonId, RoomId> } {
  const names = new Map(gallery.people.map((person) => [person.id, person.name]));
  const live = state.tracks.tracks
    .filter(
      (track) => isAlive(track, atMs, options.tracks) && !isStatic(state.staticFaces, track.id, options.staticFaces),
    )
    .map((track) => ({
      id: track.id,
      frames: track.frames,
      agoMs: Math.max(0, atMs - track.lastMs),
      decision: state.decisions.get(track.id) ?? undecided,
    }));
  const people = live.flatMap(({ id, decision: { person, confidence }, agoMs }) =>
    person === null ? [] : [{ person, confidence, agoMs, track: id }],
  );
  const present = new Set(state.presence.people.keys());
  const { household, elsewhere } = arbitrate(state.household, people, present, atMs);
  // A visible face of a person whom another room has still occupies this room; a face not visible any more may have moved there.
  const isSomeone = ({ decision: { person }, frames, agoMs }: (typeof live)[number]) =>
    agoMs <= freshMs && (person === null ? frames >= options.naming.someoneFrames : elsewhere.has(person));
  const result = presence(
    state.presence,
    {
      atMs,
      people,
      elsewhere,
      ambiguous: live.flatMap(({ decision: { ambiguousBetween, person }, agoMs }) =>
        ambiguousBetween === null || person !== null ? [] : [{ between: ambiguousBetween, agoMs }],
      ),
      unknownPeople: live.flatMap(({ id, decision: { unknownPerson }, agoMs }) =>
        unknownPerson === null ? [] : [{ key: unknownPerson, agoMs, track: id }],
      ),
      mistaken,
      someone: live.some(isSomeone),
      // An undecided room does not become empty while the face is there.
      perhaps:
        (isSlow(state.pace) || state.presence.isUndecided) && live.some(({ decision: { person } }) => person === null),
      names,
      motionSupport: motionSupport(state.bodyRegions, atMs, options.motionSupport, options.presence.leaveAfterMs),
      ...hints,
    },
    options.presence,
  );
  const leases = assertPresent(household, new Set(result.state.people.keys()), names, elsewhere);
  const next = { ...state, presence: result.state, household: leases };
  return { state: next, events: result.events, snapshot: result.snapshot, elsewhere };
}
