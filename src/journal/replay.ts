// Replays the recorded observations of a day under the present gallery and thresholds. They go through `step`, which also decides live,
// on the tracks they were recorded with. Pure.
import { isDeepStrictEqual } from 'node:util';
import type { IdentificationState } from '../gallery/identify.js';
import type { Gallery, PersonId } from '../gallery/person.js';
import type { Reason } from '../gallery/reason.js';
import type { RoomOptions } from '../room/options.js';
import { type RoomState, startRoom, step } from '../room/step.js';
import type { ObservedFace } from '../vision/face.js';
import { refusal, weight } from '../vision/quality-gate.js';
import type { SampledObservation } from './sampling.js';

/** A recorded observation. `run` is the run of the daemon; `atMs` and the track number are only valid within it. */
export interface RecordedObservation extends SampledObservation {
  readonly run: string;
  /** Milliseconds since the Unix epoch. */
  readonly wallMs: number;
}

/** The result of a track: the name it had for the longest time, else its last decision. */
export interface Outcome {
  readonly person: PersonId | null;
  readonly state: IdentificationState;
  /** The reason for that decision when it was first made. */
  readonly reason: Reason;
}

export interface ReplayedTrack {
  readonly run: string;
  readonly track: number;
  /** Wall time of its first and last observation. */
  readonly firstMs: number;
  readonly lastMs: number;
  /** Number of observations, including those that were not recorded. */
  readonly observations: number;
  /** false: its start is no longer in the journal, so it cannot be replayed, and `after` equals `before`. */
  readonly whole: boolean;
  readonly before: Outcome;
  readonly after: Outcome;
}

/**
 * Replays every track of `observations`; the result is in the order in which the tracks started. `observations` is read twice, must be
 * ordered by time, and may grow in between. Embeddings must be of the gallery's space.
 */
export function replayJournal(
  observations: () => Iterable<RecordedObservation>,
  gallery: Gallery,
  options: RoomOptions,
): readonly ReplayedTrack[] {
  const steps = replaySteps(observations, gallery, options);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/** The same, step by step: yields the number of processed observations after each, which ends at twice their count. */
export function* replaySteps(
  observations: () => Iterable<RecordedObservation>,
  gallery: Gallery,
  options: RoomOptions,
): Generator<number, readonly ReplayedTrack[]> {
  const tracks = new Map<string, RecordedTrack>();
  let done = 0;
  for (const observation of observations()) {
    const key = keyOf(observation);
    const track = tracks.get(key) ?? startTrack(observation);
    track.before.add(observation, observation);
    track.lastMs = observation.wallMs;
    track.lastAtMs = Math.max(track.lastAtMs, observation.atMs);
    track.observations = Math.max(track.observations, observation.nth);
    tracks.set(key, track);
    yield ++done;
  }
  // The observations of two runs interleave if the clock was set back between the runs.
  const runs = new Map<string, Run>();
  for (const observation of observations()) {
    const track = tracks.get(keyOf(observation));
    yield ++done;
    if (track === undefined || !track.whole) continue;
    const run = runs.get(observation.run) ?? createRun(observation.atMs, gallery, options);
    runs.set(observation.run, run);
    run.add(observation, track);
  }
  for (const run of runs.values()) run.finish();
  return [...tracks.values()].map(({ run, track, firstMs, lastMs, observations: count, whole, before, after }) => {
    const recorded = before.outcome();
    const span = { run, track, firstMs, lastMs, observations: count, whole };
    return { ...span, before: recorded, after: whole ? after.outcome() : recorded };
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
  observations: number;
}

function startTrack({ run, track, wallMs, atMs, nth }: RecordedObservation): RecordedTrack {
  const [before, after] = [createHistory(), createHistory()];
  return {
    run,
    track,
    firstMs: wallMs,
    whole: nth === 1,
    before,
    after,
    lastMs: wallMs,
    lastAtMs: atMs,
    observations: nth,
  };
}

interface Run {
  add(observation: RecordedObservation, track: RecordedTrack): void;
  /** Decides the remaining observations. */
  finish(): void;
}

/** A face of the run with its time. `recorded` is null for a face that stands for a skipped observation. */
interface TimedFace {
  readonly atMs: number;
  readonly face: ObservedFace;
  readonly track: RecordedTrack;
  readonly recorded: RecordedObservation | null;
}

/** Skipped observations lie between two recorded observations of one track, almost always less than this far back. */
const reorderMs = 10_000;
/** The result does not depend on the frame size, but the size must not change. */
const frameSize = { width: 1280, height: 960 };

/** Replays one run of the daemon frame by frame. */
function createRun(startMs: number, gallery: Gallery, options: RoomOptions): Run {
  let state: RoomState = startRoom(startMs);
  let pending: TimedFace[] = [];
  let oldestMs = Number.POSITIVE_INFINITY;
  let decidedMs = Number.NEGATIVE_INFINITY;
  const newest = new Map<number, RecordedObservation>();

  function decideUntil(limitMs: number): void {
    if (pending.length === 0 || oldestMs > limitMs) return;
    pending.sort((a, b) => a.atMs - b.atMs);
    let next = 0;
    while (next < pending.length && pending[next]!.atMs <= limitMs) {
      const { atMs } = pending[next]!;
      let end = next + 1;
      while (end < pending.length && pending[end]!.atMs === atMs) end++;
      decideFrame(atMs, pending.slice(next, end));
      next = end;
    }
    pending = pending.slice(next);
    oldestMs = pending[0]?.atMs ?? Number.POSITIVE_INFINITY;
  }

  function enqueue(face: TimedFace): void {
    pending.push(face);
    oldestMs = Math.min(oldestMs, face.atMs);
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
      // The faces of one frame arrive one after another, so the newest frame may still grow.
      if (oldestMs < observation.atMs - 2 * reorderMs) decideUntil(observation.atMs - reorderMs);
      const previous = newest.get(observation.track);
      if (previous !== undefined && previous.atMs < observation.atMs) {
        for (const skipped of skippedFaces(observation, previous, track, options))
          enqueue({ ...skipped, atMs: Math.max(skipped.atMs, decidedMs) });
      }
      newest.set(observation.track, observation);
      const face = faceOf(observation, track, presentWeight(observation, options));
      enqueue({ atMs: observation.atMs, face, track, recorded: observation });
    },
    finish: () => decideUntil(Number.POSITIVE_INFINITY),
  };
}

/**
 * The skipped observations before `observation`. Each has their mean embedding; their times and numbers are evenly spaced, so that the pace
 * is that of the room, although faces without a due embedding were not recorded.
 */
function skippedFaces(
  observation: RecordedObservation,
  previous: RecordedObservation,
  track: RecordedTrack,
  options: RoomOptions,
): TimedFace[] {
  const { skipped, atMs, nth } = observation;
  if (skipped === null) return [];
  // If the present gate rejects this observation and the recorded one did not, it would have rejected the skipped ones too.
  const refused = refusal(observation, options.gate);
  if (refused !== null && !isDeepStrictEqual(refused, observation.reason)) return [];
  return Array.from({ length: skipped.observations }, (_, index) => {
    const share = (index + 1) / (skipped.observations + 1);
    const frames = Math.round(previous.nth + (nth - previous.nth) * share);
    const face = { ...faceOf({ ...observation, nth: frames }, track, skipped.weight), embedding: skipped.mean };
    return {
      atMs: previous.atMs + (atMs - previous.atMs) * share,
      face,
      track,
      recorded: null,
    };
  });
}

function faceOf(
  observation: RecordedObservation,
  { lastAtMs }: RecordedTrack,
  observationWeight: number,
): ObservedFace {
  const { box, score, quality, embedding, track, nth } = observation;
  return {
    box,
    score,
    quality,
    embedding,
    recorded: { track, frames: nth, untilMs: lastAtMs, weight: observationWeight },
  };
}

/** The recorded weight of the observation, unless the present gate decides otherwise. */
function presentWeight(observation: RecordedObservation, { gate, staticFaces }: RoomOptions): number {
  if (refusal(observation, gate) !== null) return 0;
  // The face was recognised as static before the start of the journal.
  if (observation.reason.kind === 'static-face' && Number.isFinite(staticFaces.afterMs)) return 0;
  return observation.weight > 0 ? observation.weight : weight(observation, gate);
}

interface History {
  add(observation: RecordedObservation, decided: Outcome): void;
  outcome(): Outcome;
}

/**
 * Measures how long a track had each name. A decision holds until the next observation. Observations that do not count do not end it.
 */
function createHistory(): History {
  const held = new Map<PersonId, { ms: number; readonly first: Outcome }>();
  let last: { readonly atMs: number; readonly decided: Outcome } | null = null;
  let newest: Outcome | null = null;
  return {
    add({ atMs, weight: observationWeight }, { person, state, reason }) {
      const decided = { person, state, reason };
      if (observationWeight > 0 || newest === null) newest = decided;
      const before = last?.decided.person;
      if (before) held.get(before)!.ms += Math.max(0, atMs - last!.atMs);
      if (person !== null && !held.has(person)) held.set(person, { ms: 0, first: decided });
      last = { atMs, decided };
    },
    outcome() {
      const [longest] = [...held.values()].sort((a, b) => b.ms - a.ms);
      return longest?.first ?? newest ?? { person: null, state: 'unclear', reason: { kind: 'nothing-compared' } };
    },
  };
}

function keyOf({ run, track }: Pick<RecordedObservation, 'run' | 'track'>): string {
  return `${run} ${track}`;
}
