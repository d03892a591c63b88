// One room's state, advanced by each analysed frame. It holds the state; src/room/step.ts makes the decisions.

import { usualInterval } from '../base/pace.js';
import type { Gallery, PersonId } from '../gallery/person.js';
import { type HouseholdLeases, takeOverLeases } from '../presence/arbitration.js';
import { type PresenceEvent, type PresenceSnapshot, takeOver } from '../presence/presence.js';
import { noSchedule } from '../recognition/embedding-schedule.js';
import type { DecidedObservation } from '../recognition/observation.js';
import {
  isStatic,
  noStaticFaces,
  type StaticFace,
  staticFaces,
  withoutEmbeddings,
} from '../recognition/static-faces.js';
import type { Analysis, Box } from '../vision/face.js';
import type { RoomOptions } from './options.js';
import {
  expectedFaces,
  type Hints,
  optionsAt,
  type RoomState,
  type RoomStep,
  startRoom,
  step,
  stepLeases,
  stepUnchanged,
  suspend,
} from './step.js';

/** Receives a room's changes: MQTT, `watch`, the log. */
export interface RoomListener {
  /** null: unknown, because the camera is paused or blind, or was so and nobody was seen since. Called only on a change. */
  state(snapshot: PresenceSnapshot | null): void;
  event(event: PresenceEvent): void;
  /** Called when this room's leases change in more than their age. */
  leases?(household: HouseholdLeases): void;
  /**
   * The observations of the frame analysed at `atMs`; empty where no face was detected. `trackLastsMs`: how long a track lives without
   * an observation at present.
   */
  observations?(observations: readonly DecidedObservation[], atMs: number, trackLastsMs?: number): void;
}

export interface Room {
  /** Takes in an analysis. `moved`: the regions that differ from the previously analysed frame by more than noise, pixels. */
  see(analysis: Analysis, moved?: readonly Box[]): void;
  /** The frame at `atMs` is the same as the previously analysed one. */
  still(atMs: number): void;
  /** The camera delivers nothing from now on; the state is unknown until the next `see`. `isPaused`: the user switched it off. */
  blind(isPaused?: boolean): void;
  /** The analysis of a frame takes so long that the last one says nothing any more: the state is unknown until the next `see`. */
  overdue(): void;
  /** Usual time between two analysed frames, milliseconds; null before it is known. */
  readonly intervalMs: number | null;
  /** Boxes in which the frame at `atMs` is expected to show faces whose embedding is not due; none during an enrolment. */
  expected(atMs: number): readonly Box[];
  /** There is a track without a decision, or an enrolment is in progress: every frame must be analysed. */
  readonly undecided: boolean;
  /** Nobody is here, no face is followed, not even one that is ignored, and no enrolment is in progress. */
  readonly isEmpty: boolean;
  /** A guided enrolment is in progress in front of the camera. */
  enrolling: boolean;
  readonly snapshot: PresenceSnapshot | null;
  /** Faces that never move and are ignored. */
  readonly staticFaces: readonly StaticFace[];
  /** The observations of the last analysed frame. */
  readonly observations: readonly DecidedObservation[];
  /** Sets hints from outside the camera, such as an external presence sensor. */
  hint(hints: Hints): void;
  /** The presence leases of this room and of the others. */
  readonly leases: HouseholdLeases;
  /** Who was here before a pause or a long blindness, and was neither seen nor has left since. */
  readonly unconfirmed: ReadonlySet<PersonId>;
  /**
   * Takes over the people whom another run of this room saw until `lastMs`, by id; `sinceMs` is when the room became occupied. Whoever is
   * not enrolled is left out. Does nothing after the first frame. All times are monotonic milliseconds.
   */
  takeOver(people: ReadonlyMap<PersonId, number>, sinceMs: number, lastMs: number): void;
  /** Applies leases received from other rooms at once. */
  takeLeases(household: HouseholdLeases): void;
  /** Time without an observation after which somebody has left, milliseconds. */
  leaveAfterMs: number;
}

/** States that another observation of an unchanged frame would not change. */
const decidedStates: ReadonlySet<string> = new Set(['known', 'stranger']);

/**
 * `gallery` is called for each frame and must be cheap when nothing changed. `startStaticFaces` holds the static faces known
 * from before a restart.
 */
export function createRoom(
  gallery: () => Gallery,
  options: RoomOptions,
  listener: RoomListener,
  startMs: number,
  id = '',
  startStaticFaces = noStaticFaces,
): Room {
  let state = startRoom(startMs, id, startStaticFaces);
  let galleryVersion: number | null = null;
  let snapshot: PresenceSnapshot | null = null;
  let hints: Hints = {};
  let { leaveAfterMs } = options.presence;
  let enrolling = false;
  let observations: readonly DecidedObservation[] = [];

  const currentOptions = (): RoomOptions => ({ ...options, presence: { ...options.presence, leaveAfterMs } });
  const currentGallery = (): Gallery => {
    const current = gallery();
    // A changed gallery may mean that somebody was forgotten, so no embedding of a static face is kept. It may also mean a correction: every
    // face is compared again in the next frame.
    if (galleryVersion !== null && current.version !== galleryVersion)
      state = { ...state, staticFaces: withoutEmbeddings(state.staticFaces), schedule: noSchedule };
    galleryVersion = current.version;
    return current;
  };
  const publish = (next: PresenceSnapshot | null): void => {
    const isSame = JSON.stringify(next) === JSON.stringify(snapshot);
    snapshot = next;
    if (!isSame) listener.state(next);
  };
  const advance = (next: RoomState): void => {
    const { epoch } = state.household;
    state = next;
    if (next.household.epoch !== epoch) listener.leases?.(next.household);
  };
  const apply = (result: RoomStep): void => {
    // The state is published before the events, so that a listener of "Ada arrived" finds her in the state.
    publish(result.state.presence.isUndecided ? null : result.snapshot);
    for (const event of result.events) listener.event(event);
    // The leases are sent last, so that the other rooms receive what is already published here.
    advance(result.state);
  };

  return {
    see(analysis, moved = []) {
      const people = currentGallery();
      const result = step(state, { ...analysis, moved }, people, currentOptions(), hints);
      observations = result.observations;
      apply(result);
      const { lostAfterMs } = optionsAt(state.pace, options).tracks;
      listener.observations?.(observations, analysis.capturedAt, lostAfterMs);
    },
    still(atMs) {
      apply(stepUnchanged(state, atMs, gallery(), currentOptions(), hints));
    },
    blind(isPaused = false) {
      publish(null);
      advance(suspend(state, isPaused));
    },
    overdue() {
      publish(null);
    },
    get intervalMs() {
      return usualInterval(state.pace);
    },
    expected: (atMs) => (enrolling ? [] : expectedFaces(state, atMs)),
    get undecided() {
      if (enrolling) return true;
      return state.tracks.tracks.some(({ id }) => {
        const decision = state.decisions.get(id);
        const isSettled =
          decision !== undefined && (decidedStates.has(decision.state) || decision.ambiguousBetween !== null);
        return !isSettled && !isStatic(state.staticFaces, id, options.staticFaces);
      });
    },
    get isEmpty() {
      return snapshot?.occupied === false && state.tracks.tracks.length === 0 && !enrolling;
    },
    get enrolling() {
      return enrolling;
    },
    set enrolling(next) {
      enrolling = next;
    },
    get snapshot() {
      return snapshot;
    },
    get staticFaces() {
      return staticFaces(state.staticFaces, options.staticFaces);
    },
    get observations() {
      return observations;
    },
    get leases() {
      return state.household;
    },
    get unconfirmed() {
      return new Set(state.presence.unconfirmed.people.keys());
    },
    takeOver(earlier, sinceMs, lastMs) {
      if (state.presence.lastMs !== null) return;
      const enrolled = currentGallery().people.filter(({ id: person }) => earlier.has(person));
      const people = new Map(enrolled.map(({ id: person, name }) => [person, { name, sinceMs: earlier.get(person)! }]));
      if (people.size === 0) return;
      const household = takeOverLeases(state.household, people.keys(), lastMs);
      advance({ ...state, presence: takeOver(people, sinceMs, lastMs), household });
    },
    takeLeases(household) {
      const result = stepLeases(state, household, gallery(), currentOptions(), hints);
      if (result.step === null) advance(result.state);
      else apply(result.step);
    },
    hint(next) {
      hints = { ...hints, ...next };
    },
    get leaveAfterMs() {
      return leaveAfterMs;
    },
    set leaveAfterMs(next) {
      leaveAfterMs = next;
    },
  };
}
