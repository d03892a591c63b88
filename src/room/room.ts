// One room's knowledge, moved on by each analysed frame. It owns the recognition state; what is decided happens in domain.

import type { Gallery } from '../gallery/person.js';
import type { HouseholdLeases } from '../presence/arbitration.js';
import type { PresenceEvent, PresenceSnapshot } from '../presence/presence.js';
import type { DecidedObservation } from '../recognition/observation.js';
import { type StaticFace, staticFaces, isStatic, noStaticFaces, withoutEmbeddings } from '../recognition/static-faces.js';
import type { Analysis, Box } from '../vision/face.js';
import type { RoomOptions } from './options.js';
import {
  type Hints,
  step,
  stepUnchanged,
  type RoomState,
  type RoomStep,
  stepLeases,
  startRoom,
  suspend,
} from './step.js';

/** Where a room's news goes: MQTT, `watch`, the log. */
export interface RoomListener {
  /** null: not known, because the camera is paused or blind. Called only when it changed. */
  state(snapshot: PresenceSnapshot | null): void;
  event(event: PresenceEvent): void;
  /** Called when what this room tells the other rooms changed in more than its age. */
  leases?(household: HouseholdLeases): void;
  /** The looks of a frame that was analysed at `atMs`, none included. */
  observations?(looks: readonly DecidedObservation[], atMs: number): void;
}

export interface Room {
  /** `moved`: where the picture differs from the one analysed before, noise apart, pixels. */
  see(analysis: Analysis, moved?: readonly Box[]): void;
  /** The picture at `atMs` was the one analysed before. */
  still(atMs: number): void;
  /** Nothing can be seen from now on; what is known is withdrawn until the next `see`. */
  blind(): void;
  /** Where faces are expected next, pixels. */
  expected(): readonly Box[];
  /** Somebody is there whose name is not decided yet, or is being enrolled: every frame counts. */
  readonly undecided: boolean;
  /** Somebody is being enrolled before the camera. */
  enrolling: boolean;
  readonly snapshot: PresenceSnapshot | null;
  /** Faces that never move, and count for nothing. */
  readonly staticFaces: readonly StaticFace[];
  /** The looks of the last analysed frame. */
  readonly observations: readonly DecidedObservation[];
  /** The outside presence sensor; the hold time of Home Assistant's number. */
  hint(hints: Hints): void;
  /** What this room and the others say about people. */
  readonly leases: HouseholdLeases;
  /** Takes in news of the other rooms at once. */
  takeLeases(household: HouseholdLeases): void;
  holdMs: number;
}

/** Verdicts that another look at an unchanged picture would not move. */
const decided: ReadonlySet<string> = new Set(['known', 'stranger']);

/** `gallery` is asked for each frame and must be cheap when nothing changed. `fixed` is what was known of pictures on the walls. */
export function createRoom(
  gallery: () => Gallery,
  options: RoomOptions,
  listener: RoomListener,
  startMs: number,
  id = '',
  fixed = noStaticFaces,
): Room {
  let state = startRoom(startMs, id, fixed);
  let version: number | null = null;
  let snapshot: PresenceSnapshot | null = null;
  let hints: Hints = {};
  let holdMs = options.presence.holdMs;
  let attended = false;
  let looks: readonly DecidedObservation[] = [];

  const current = (): RoomOptions => ({ ...options, presence: { ...options.presence, holdMs } });
  const people = (): Gallery => {
    const now = gallery();
    // Somebody may have been forgotten: nobody's look is kept.
    if (version !== null && now.version !== version) state = { ...state, staticFaces: withoutEmbeddings(state.staticFaces) };
    version = now.version;
    return now;
  };
  const publish = (next: PresenceSnapshot | null): void => {
    const same = JSON.stringify(next) === JSON.stringify(snapshot);
    snapshot = next;
    if (!same) listener.state(next);
  };
  const advance = (next: RoomState): void => {
    const { epoch: version } = state.household;
    state = next;
    if (next.household.epoch !== version) listener.leases?.(next.household);
  };
  const take = (step: RoomStep): void => {
    // The state first: who hears "Ada arrived" and looks at the state finds her there.
    publish(step.snapshot);
    for (const event of step.events) listener.event(event);
    // The other rooms last: what they hear is what was said.
    advance(step.state);
  };

  return {
    see(analysis, moved = []) {
      const now = people();
      const step = step(state, { ...analysis, moved }, now, current(), hints);
      looks = step.observations;
      take(step);
      listener.observations?.(looks, analysis.capturedAt);
    },
    still(atMs) {
      take(stepUnchanged(state, atMs, gallery(), current(), hints));
    },
    blind() {
      publish(null);
      advance(suspend(state));
    },
    expected() {
      return state.tracks.tracks.map((track) => track.box);
    },
    get undecided() {
      if (attended) return true;
      return state.tracks.tracks.some(({ id }) => {
        const verdict = state.decisions.get(id);
        const settled = verdict !== undefined && (decided.has(verdict.state) || verdict.ambiguousBetween !== null);
        return !settled && !isStatic(state.staticFaces, id, options.staticFaces);
      });
    },
    get enrolling() {
      return attended;
    },
    set enrolling(next) {
      attended = next;
    },
    get snapshot() {
      return snapshot;
    },
    get staticFaces() {
      return staticFaces(state.staticFaces, options.staticFaces);
    },
    get observations() {
      return looks;
    },
    get leases() {
      return state.household;
    },
    takeLeases(household) {
      const next = stepLeases(state, household, gallery(), current(), hints);
      if (next.step === null) advance(next.state);
      else take(next.step);
    },
    hint(next) {
      hints = { ...hints, ...next };
    },
    get holdMs() {
      return holdMs;
    },
    set holdMs(next) {
      holdMs = next;
    },
  };
}
