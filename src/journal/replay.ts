// The recorded observations of a day under the present gallery and thresholds. They go through `step`, the function that decides
// live, with the tracks that they were recorded on. Pure.
import { isDeepStrictEqual } from 'node:util';
import type { IdentificationState } from '../gallery/identify.js';
import type { Gallery, PersonId } from '../gallery/person.js';
import type { Reason } from '../recognition/reason.js';
import type { RoomOptions } from '../room/options.js';
import { step, type RoomState, startRoom } from '../room/step.js';
import type { ObservedFace } from '../vision/face.js';
import { refusal, weight } from '../vision/quality-gate.js';
import type { SampledObservation } from './sampling.js';

/** A recorded observation: `run` names the run of the daemon whose clock `atMs` is of, and whose numbers the tracks have. */
export interface RecordedObservation extends SampledObservation {
  readonly run: string;
  /** Milliseconds since the Unix epoch. */
  readonly wallMs: number;
}

/** How a track was decided: the name it had for the longest time, else its last decision. */
export interface Outcome {
  readonly person: PersonId | null;
  readonly state: IdentificationState;
  /** The reason when that decision was first made. */
  readonly reason: Reason;
}

export interface ReplayedTrack {
  readonly run: string;
  readonly track: number;
  /** Wall time of its first and last observation. */
  readonly firstMs: number;
  readonly lastMs: number;
  /** Observations it had, recorded or not. */
  readonly observations: number;
  /** false: its beginning is not on record any more, so there is nothing to compare; `after` is `before`. */
  readonly whole: boolean;
  readonly before: Outcome;
  readonly after: Outcome;
}

/**
 * Every track of `observations`, in the order they began. `observations` is read twice, ordered by time, and may grow in between;
 * embeddings must be of the gallery's space. `progress` is told how many observations are done.
 */
export function replayJournal(
  observations: () => Iterable<RecordedObservation>,
  gallery: Gallery,
  options: RoomOptions,
  progress: (done: number) => void = () => {},
): readonly ReplayedTrack[] {
  const tracks = new Map<string, RecordedTrack>();
  let done = 0;
  for (const observation of observations()) {
    const key = keyOf(observation);
    const track = tracks.get(key) ?? begin(observation);
    track.before.add(observation, observation);
    track.lastMs = observation.wallMs;
    track.lastAtMs = Math.max(track.lastAtMs, observation.atMs);
    track.looks = Math.max(track.looks, observation.nth);
    tracks.set(key, track);
    progress(++done);
  }
  // The observations of two runs are mixed where a clock was set back between them.
  const runs = new Map<string, Run>();
  for (const observation of observations()) {
    const track = tracks.get(keyOf(observation));
    progress(++done);
    if (track === undefined || !track.whole) continue;
    const run = runs.get(observation.run) ?? createRun(observation.atMs, gallery, options);
    runs.set(observation.run, run);
    run.add(observation, track);
  }
  for (const run of runs.values()) run.finish();
  return [...tracks.values()].map(({ run, track, firstMs, lastMs, looks, whole, before, after }) => {
    const decided = before.outcome();
    return { run, track, firstMs, lastMs, looks, whole, before: decided, after: whole ? after.outcome() : decided };
  });
}

interface RecordedTrack {
  readonly run: string;
  readonly track: number;
  readonly firstMs: number;
  readonly whole: boolean;
  readonly before: History;
  readonly after: History;
  lastMs: number;
  lastAtMs: number;
  looks: number;
}

function begin({ run, track, wallMs, atMs, nth }: RecordedObservation): RecordedTrack {
  const [before, after] = [createHistory(), createHistory()];
  return { run, track, firstMs: wallMs, whole: nth === 1, before, after, lastMs: wallMs, lastAtMs: atMs, looks: nth };
}

interface Run {
  add(observation: RecordedObservation, track: RecordedTrack): void;
  /** Decides on what is left. */
  finish(): void;
}

/** A face of the run at its time; `recorded` is null for one that stands for observations that were left out. */
interface TimedFace {
  readonly atMs: number;
  readonly face: ObservedFace;
  readonly track: RecordedTrack;
  readonly recorded: RecordedObservation | null;
}

/** What was left out lies between two recorded observations of one track: almost always less than this far back. */
const reorderMs = 10_000;
/** Nothing depends on the size of the frame here; it only must not change. */
const frameSize = { width: 1280, height: 960 };

/** One run of the daemon again, frame by frame. */
function createRun(startMs: number, gallery: Gallery, options: RoomOptions): Run {
  let state: RoomState = startRoom(startMs);
  let waiting: TimedFace[] = [];
  let decidedMs = Number.NEGATIVE_INFINITY;
  const newest = new Map<number, number>();

  function decideUntil(limitMs: number): void {
    waiting.sort((a, b) => a.atMs - b.atMs);
    let next = 0;
    while (next < waiting.length && waiting[next]!.atMs <= limitMs) {
      const { atMs } = waiting[next]!;
      const end = waiting.findIndex((face, index) => index > next && face.atMs !== atMs);
      const frame = waiting.slice(next, end < 0 ? waiting.length : end);
      decideFrame(atMs, frame);
      next += frame.length;
    }
    waiting = waiting.slice(next);
  }

  function decideFrame(atMs: number, frame: readonly TimedFace[]): void {
    const faces = frame.map(({ face }) => face);
    const result = step(state, { capturedAt: atMs, sequence: 0, ...frameSize, faces }, gallery, options);
    state = result.state;
    decidedMs = atMs;
    frame.forEach(({ track, recorded }, index) => {
      if (recorded !== null) track.after.add(recorded, result.observations[index]!);
    });
  }

  return {
    add(observation, track) {
      // The faces of one frame come one after the other, so the frame may still grow.
      if (waiting.length > 0) decideUntil(observation.atMs - reorderMs);
      const previousMs = newest.get(observation.track);
      if (previousMs !== undefined && previousMs < observation.atMs) {
        for (const left of leftOut(observation, previousMs, track, options))
          waiting.push({ ...left, atMs: Math.max(left.atMs, decidedMs) });
      }
      newest.set(observation.track, observation.atMs);
      const face = faceOf(observation, track, weightNow(observation, options));
      waiting.push({ atMs: observation.atMs, face, track, recorded: observation });
    },
    finish: () => decideUntil(Number.POSITIVE_INFINITY),
  };
}

/** The observations that were left out before `observation`, each as their mean, evenly over the time. */
function leftOut(
  observation: RecordedObservation,
  previousMs: number,
  track: RecordedTrack,
  options: RoomOptions,
): TimedFace[] {
  const { skipped, atMs, nth } = observation;
  if (skipped === null) return [];
  // A gate that stops this observation only now would have stopped those before it, too.
  const refused = refusal(observation, options.gate);
  if (refused !== null && !isDeepStrictEqual(refused, observation.reason)) return [];
  return Array.from({ length: skipped.observations }, (_, index) => {
    const frames = nth - skipped.observations + index;
    const face = { ...faceOf({ ...observation, nth: frames }, track, skipped.weight), embedding: skipped.mean };
    return {
      atMs: previousMs + ((atMs - previousMs) * (index + 1)) / (skipped.observations + 1),
      face,
      track,
      recorded: null,
    };
  });
}

function faceOf(observation: RecordedObservation, { lastAtMs }: RecordedTrack, counts: number): ObservedFace {
  const { box, score, quality, embedding, track, nth } = observation;
  return { box, score, quality, embedding, recorded: { track, frames: nth, untilMs: lastAtMs, weight: counts } };
}

/** How much the observation counted, unless the present gate says otherwise. */
function weightNow(observation: RecordedObservation, { gate, staticFaces: fixed }: RoomOptions): number {
  if (refusal(observation, gate) !== null) return 0;
  // Known to be a static face from before the record begins.
  if (observation.reason.kind === 'static-face' && Number.isFinite(fixed.afterMs)) return 0;
  return observation.weight > 0 ? observation.weight : weight(observation, gate);
}

interface History {
  add(observation: RecordedObservation, decided: Outcome): void;
  outcome(): Outcome;
}

/**
 * For how long a track had which name: each decision holds until the next observation. Observations that do not count end
 * nothing.
 */
function createHistory(): History {
  const held = new Map<PersonId, { ms: number; readonly first: Outcome }>();
  let last: { readonly atMs: number; readonly decided: Outcome } | null = null;
  let counted: Outcome | null = null;
  return {
    add({ atMs, weight: counts }, { person, state, reason }) {
      const decided = { person, state, reason };
      if (counts > 0 || counted === null) counted = decided;
      const before = last?.decided.person;
      if (before) held.get(before)!.ms += Math.max(0, atMs - last!.atMs);
      if (person !== null && !held.has(person)) held.set(person, { ms: 0, first: decided });
      last = { atMs, decided };
    },
    outcome() {
      const [longest] = [...held.values()].sort((a, b) => b.ms - a.ms);
      return longest?.first ?? counted ?? { person: null, state: 'unclear', reason: { kind: 'nothing-compared' } };
    },
  };
}

function keyOf({ run, track }: Pick<RecordedObservation, 'run' | 'track'>): string {
  return `${run} ${track}`;
}
