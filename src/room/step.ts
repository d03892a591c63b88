// One analysed frame further: faces → tracks → names → presence. Pure: the same frames, gallery and options give the
// same events every time, so a recorded clip replays. Nothing here holds pixels.

import { identify } from '../gallery/identify.js';
import type { Gallery, PersonId } from '../gallery/person.js';
import type { RoomId } from '../presence/arbitration.js';
import { aloneIn, blinded, freshMs, type Household, settled, sight } from '../presence/arbitration.js';
import { type LastPlaces, lastPlaces, noPlaces, trust } from '../presence/motion-support.js';
import type { PresenceEvent, PresenceSnapshot } from '../presence/presence.js';
import { emptyRoom, type PresenceState, presence } from '../presence/presence.js';
import { assignNames, decide, noVerdict, type Verdict } from '../recognition/decide.js';
import type { LookExplained } from '../recognition/observation.js';
import type { Reason } from '../recognition/reason.js';
import {
  type FixedFaces,
  fixedReason,
  isFixed,
  mayBeFixed,
  noFixedFaces,
  watchFixed,
} from '../recognition/static-faces.js';
import { effectiveLooks, noEvidence } from '../recognition/track-embedding.js';
import { isAlive, noTracks, type Track, type Tracks, track } from '../recognition/tracker.js';
import { noStrangers, recogniseStranger, type Strangers } from '../recognition/unknown-people.js';
import type { Observation, ObservedFace } from '../vision/face.js';
import { refusal, weight } from '../vision/quality-gate.js';
import type { RoomOptions } from './options.js';

/** Immutable; starts as `startRecognition`. Bounded: at most `tracks.most` tracks and 32 strangers. */
export interface RecognitionState {
  readonly tracks: Tracks;
  /** What was decided, by track id. */
  readonly verdicts: ReadonlyMap<number, Verdict>;
  readonly strangers: Strangers;
  /** Faces that do not move, and count for nothing after a while. */
  readonly fixed: FixedFaces;
  readonly presence: PresenceState;
  /** Where whoever is present was last seen. */
  readonly places: LastPlaces;
  /** What this room and the others say about people. */
  readonly household: Household;
}

/** What the room knows from elsewhere than its camera. */
export interface Hints {
  /** An outside presence sensor is on: whoever is present stays. */
  readonly held?: boolean;
}

export interface RecognitionStep {
  readonly state: RecognitionState;
  readonly events: readonly PresenceEvent[];
  readonly snapshot: PresenceSnapshot;
  readonly looks: readonly LookExplained[];
}

/**
 * Nobody there, at `atMs` (monotonic milliseconds). `room` is how the other rooms of the household know this one, `fixed` what
 * was known of pictures on the walls.
 */
export function startRecognition(atMs: number, room: RoomId = '', fixed: FixedFaces = noFixedFaces): RecognitionState {
  const household = aloneIn(room);
  const [verdicts, presence] = [new Map(), emptyRoom(atMs)];
  return { tracks: noTracks, verdicts, strangers: noStrangers, fixed, presence, places: noPlaces, household };
}

/**
 * Takes in one analysis. Embeddings must be of the gallery's space. The gallery may change between calls: who was
 * forgotten leaves at once.
 */
export function observe(
  state: RecognitionState,
  analysis: Observation,
  gallery: Gallery,
  options: RoomOptions,
  hints: Hints = {},
): RecognitionStep {
  const atMs = analysis.capturedAt;
  const looks = analysis.faces.map((face) => ({ face, weight: face.recorded?.weight ?? weight(face, options.gate) }));
  const { tracks, trackOf } = track(state.tracks, looks, atMs, options.tracks);
  const counted = new Map(trackOf.map((id, index) => [id, looks[index]!]));
  const size = [analysis.width, analysis.height] as const;
  const fixed = watchFixed(state.fixed, { atMs, size, looks }, trackOf, tracks.tracks, options.fixed);
  const newLook = (id: number) => ((counted.get(id)?.weight ?? 0) > 0 ? counted.get(id)!.face.embedding : null);
  const found = nameTracks(tracks.tracks, state.verdicts, newLook, fixed, gallery, options);
  const { verdicts, strangers, mistaken } = nameStrangers(tracks.tracks, found, state.strangers, atMs, options);
  // Nobody's body is below a portrait: what moves there is somebody else.
  const alive = tracks.tracks.filter((one) => !isFixed(fixed, one.id, options.fixed));
  const places = placesAfter(state, analysis, alive, verdicts, options);
  const { elsewhere, ...step } = settle(
    { ...state, tracks: withoutOld(tracks, verdicts), verdicts, strangers, fixed, places },
    atMs,
    gallery,
    options,
    hints,
    mistaken,
  );
  return { ...step, looks: analysis.faces.map((face, index) => explain(face, trackOf[index]!)) };

  function explain(face: ObservedFace, id: number): LookExplained {
    const still = isFixed(fixed, id, options.fixed);
    const refused = still ? null : refusal(face, options.gate);
    const alone = face.embedding === null ? null : identify(face.embedding, gallery, options.look);
    const verdict = verdicts.get(id) ?? noVerdict;
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
export function observeStill(
  state: RecognitionState,
  atMs: number,
  gallery: Gallery,
  options: RoomOptions,
  hints: Hints = {},
): RecognitionStep {
  const before = state.presence.atMs ?? atMs;
  const tracks = state.tracks.tracks.map((one) =>
    // A face that the last analysed frame did not show is not shown by its repetition either.
    one.lastMs >= before ? { ...one, lastMs: Math.max(one.lastMs, atMs) } : one,
  );
  const kept = { ...state, tracks: { ...state.tracks, tracks } };
  const { elsewhere: _, ...step } = settle(kept, atMs, gallery, options, hints, []);
  return { ...step, looks: [] };
}

/**
 * News of the other rooms are taken in at once, as of the last frame: no time passes. null while the camera is blind: then
 * nobody is said to be here, and the news count from its next frame on.
 */
export function reconsider(
  state: RecognitionState,
  household: Household,
  gallery: Gallery,
  options: RoomOptions,
  hints: Hints = {},
): { readonly state: RecognitionState; readonly step: RecognitionStep | null } {
  const next = { ...state, household };
  const { atMs } = state.presence;
  if (atMs === null) return { state: next, step: null };
  const { elsewhere: _, ...step } = settle(next, atMs, gallery, options, hints, []);
  return { state: step.state, step: { ...step, looks: [] } };
}

/**
 * The camera is paused or blind from now on: the time until the next analysis proves nothing about anybody, however short
 * it was, and neither tracks nor places reach over it.
 */
export function suspend(state: RecognitionState): RecognitionState {
  return {
    ...state,
    tracks: { ...state.tracks, tracks: [] },
    verdicts: new Map(),
    places: noPlaces,
    presence: { ...state.presence, atMs: null },
    household: blinded(state.household),
  };
}

/** Each track's verdict after this frame; no two tracks share a name. */
function nameTracks(
  tracks: readonly Track[],
  before: ReadonlyMap<number, Verdict>,
  newLook: (track: number) => Float32Array | null,
  fixed: FixedFaces,
  gallery: Gallery,
  options: RoomOptions,
): Map<number, Verdict> {
  const decided = tracks.map((one) =>
    isFixed(fixed, one.id, options.fixed)
      ? { ...noVerdict, reason: fixedReason(fixed, one.id) }
      : decide(one, newLook(one.id), before.get(one.id) ?? noVerdict, gallery, options),
  );
  // Between two claims the pooled similarity decides, and the number of looks behind it; but a portrait yields to the living.
  const claim = (_: unknown, index: number) =>
    mayBeFixed(fixed, tracks[index]!.id)
      ? -1
      : (decided[index]!.similarity ?? 0) * Math.sqrt(effectiveLooks(tracks[index]!.evidence, options.tracks));
  const assigned = assignNames(decided, claim);
  return new Map(assigned.map((verdict, index) => [tracks[index]!.id, verdict]));
}

/** A track on which somebody else is seen now keeps its place and forgets what it saw. */
function withoutOld(tracks: Tracks, verdicts: ReadonlyMap<number, Verdict>): Tracks {
  const kept = tracks.tracks.map((one) => (verdicts.get(one.id)?.swapped ? { ...one, evidence: noEvidence } : one));
  return { ...tracks, tracks: kept };
}

function placesAfter(
  { places, presence }: RecognitionState,
  seen: Observation,
  tracks: readonly Track[],
  verdicts: ReadonlyMap<number, Verdict>,
  options: RoomOptions,
): LastPlaces {
  const elapsedMs = presence.atMs === null ? null : seen.capturedAt - presence.atMs;
  const occupants = tracks.map((one) => ({ ...(verdicts.get(one.id) ?? noVerdict), ...one }));
  const unbroken = elapsedMs !== null && elapsedMs <= options.presence.gapMs ? elapsedMs : null;
  return lastPlaces(places, seen, unbroken, occupants, new Set(presence.people.keys()));
}

function nameStrangers(
  tracks: readonly Track[],
  verdicts: Map<number, Verdict>,
  before: Strangers,
  atMs: number,
  options: RoomOptions,
): { verdicts: Map<number, Verdict>; strangers: Strangers; mistaken: string[] } {
  let strangers = before;
  const mistaken: string[] = [];
  const result = new Map<number, Verdict>();
  const taken = new Set<string>();
  for (const one of tracks) {
    let verdict = verdicts.get(one.id)!;
    if (verdict.state === 'known' && verdict.stranger !== null) {
      mistaken.push(verdict.stranger);
      verdict = { ...verdict, stranger: null };
    } else if (verdict.state === 'stranger' && verdict.stranger === null && one.evidence.direction !== null) {
      const met = recogniseStranger(strangers, one.evidence.direction, atMs, taken, options);
      strangers = met.strangers;
      verdict = { ...verdict, stranger: met.key };
    }
    if (verdict.stranger !== null) taken.add(verdict.stranger);
    result.set(one.id, verdict);
  }
  return { verdicts: result, strangers, mistaken: mistaken.filter((key) => !taken.has(key)) };
}

function settle(
  state: RecognitionState,
  atMs: number,
  gallery: Gallery,
  options: RoomOptions,
  hints: Hints,
  mistaken: readonly string[],
): Omit<RecognitionStep, 'looks'> & { readonly elsewhere: ReadonlyMap<PersonId, RoomId> } {
  const names = new Map(gallery.people.map((person) => [person.id, person.name]));
  const live = state.tracks.tracks.filter(
    (one) => isAlive(one, atMs, options.tracks) && !isFixed(state.fixed, one.id, options.fixed),
  );
  const of = (one: Track) => state.verdicts.get(one.id) ?? noVerdict;
  const ago = (one: Track) => Math.max(0, atMs - one.lastMs);
  const people = live.flatMap((one) => {
    const { person, confidence } = of(one);
    return person === null ? [] : [{ person, confidence, agoMs: ago(one) }];
  });
  const { household, elsewhere } = sight(state.household, people, new Set(state.presence.people.keys()), atMs);
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
        const { between, person } = of(one);
        return between === null || person !== null ? [] : [{ between, agoMs: ago(one) }];
      }),
      strangers: live.flatMap((one) => {
        const key = of(one).stranger;
        return key === null ? [] : [{ key, agoMs: ago(one) }];
      }),
      mistaken,
      someone: live.some(nameless),
      names,
      trust: trust(state.places, atMs, options.places, options.presence.leaveAfterMs),
      ...hints,
    },
    options.presence,
  );
  const said = settled(household, new Set(step.state.people.keys()), names, elsewhere);
  const after = { ...state, presence: step.state, household: said };
  return { state: after, events: step.events, snapshot: step.snapshot, elsewhere };
}
