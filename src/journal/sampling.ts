// Which observations are kept for a day. Ten observations a second all day would wear out an SD card, and after the first three seconds of a track
// most repeat each other. What is left out is kept as its mean, so that it still says what it said. Pure; time is in the observations.
import type { DecidedObservation } from '../recognition/observation.js';

/** An observation and what was left out since the one of its track that was kept before it. */
export interface SampledObservation extends DecidedObservation {
  /** Which observation of its track it was, from 1; gaps are observations that were not kept. */
  readonly nth: number;
  /** The observations in the gap that counted; null where there is none. */
  readonly skipped: Skipped | null;
}

export interface Skipped {
  readonly observations: number;
  /** Mean weight, above 0. */
  readonly weight: number;
  /** Mean of the embeddings by weight: no unit vector, for its similarity to anybody is the mean of theirs. */
  readonly mean: Float32Array;
}

/** What is remembered of the live tracks. Immutable; bounded: `runUp` observations a track. */
export type Samplers = ReadonlyMap<number, Sampler>;

interface Sampler {
  readonly firstMs: number;
  readonly observations: number;
  readonly lastMs: number;
  readonly person: DecidedObservation['person'];
  /** As of the newest observation that counted: one that does not says `unclear` of itself, not of the track. */
  readonly state: DecidedObservation['state'];
  readonly keptMs: number;
  /** Observations since the last one kept, oldest first: if the next one changes the decision they led to it, and are kept. */
  readonly runUp: readonly SampledObservation[];
  /** Those before them. */
  readonly skipped: Skipped | null;
}

export const noSamplers: Samplers = new Map();

/** A track's first observations are all kept: so many, and all of so long. */
const firstObservations = 30;
const firstMs = 3000;
/** After them one each so often. */
const everyMs = 1000;
/** One each so often of those that do not count: a static face is seen all day. */
const quietMs = 60_000;
/** More than there are between two kept ones at 30 frames a second. */
const mostRunUp = 32;
/** A track that was not seen for so long is taken for over; its last observation is kept. The tracker gives up sooner. */
const overMs = 5000;

/** One frame further: `observations` are those of a frame at `atMs`. `kept` is in the order of time within each track. */
export function sample(
  before: Samplers,
  observations: readonly DecidedObservation[],
  atMs: number,
): { readonly notes: Samplers; readonly kept: readonly SampledObservation[] } {
  const notes = new Map(before);
  const kept: SampledObservation[] = [];
  for (const observation of observations) {
    const next = note(notes.get(observation.track), observation);
    notes.set(observation.track, next.notes);
    kept.push(...next.kept);
  }
  for (const [track, one] of notes) {
    if (atMs - one.lastMs <= overMs) continue;
    notes.delete(track);
    kept.push(...lastObservation(one));
  }
  return { notes, kept };
}

/** Every track is over: the last observation of each, where it was not kept. */
export function finishSampling(notes: Samplers): readonly SampledObservation[] {
  return [...notes.values()].flatMap(lastObservation);
}

/** What was left out so far is forgotten, because it may be of somebody who was. */
export function withoutSkipped(notes: Samplers): Samplers {
  return new Map([...notes].map(([track, one]) => [track, { ...one, runUp: [], skipped: null }]));
}

function note(
  old: Sampler | undefined,
  observation: DecidedObservation,
): { notes: Sampler; kept: readonly SampledObservation[] } {
  const noted: SampledObservation = { ...observation, nth: (old?.observations ?? 0) + 1, skipped: null };
  const state = old === undefined || observation.weight > 0 ? observation.state : old.state;
  const seen = {
    firstMs: old?.firstMs ?? observation.atMs,
    observations: noted.nth,
    lastMs: observation.atMs,
    person: observation.person,
    state,
  };
  const notes = { ...seen, keptMs: observation.atMs, runUp: [], skipped: null };
  if (old === undefined) return { notes, kept: [noted] };
  if (old.person !== observation.person || old.state !== state) {
    const [first = noted, ...rest] = [...old.runUp, noted];
    return { notes, kept: [{ ...first, skipped: old.skipped }, ...rest] };
  }
  if (isKept(noted, old.firstMs, old.keptMs)) {
    return { notes, kept: [{ ...noted, skipped: old.runUp.reduce(skip, old.skipped) }] };
  }
  const runUp = [...old.runUp, noted];
  const [first] = runUp.length > mostRunUp ? runUp.splice(0, 1) : [];
  const skipped = first === undefined ? old.skipped : skip(old.skipped, first);
  return { notes: { ...notes, keptMs: old.keptMs, runUp, skipped }, kept: [] };
}

function lastObservation({ runUp, skipped }: Sampler): readonly SampledObservation[] {
  const last = runUp.at(-1);
  return last === undefined ? [] : [{ ...last, skipped: runUp.slice(0, -1).reduce(skip, skipped) }];
}

function isKept(observation: SampledObservation, beganMs: number, keptMs: number): boolean {
  if (observation.nth <= firstObservations || observation.atMs - beganMs < firstMs) return true;
  if (observation.atMs - keptMs >= (observation.weight > 0 ? everyMs : quietMs)) return true;
  // Evidence against the name that the track has.
  return observation.weight > 0 && observation.person !== null && observation.best !== observation.person;
}

function skip(before: Skipped | null, { embedding, weight }: DecidedObservation): Skipped | null {
  if (embedding === null || !(weight > 0)) return before;
  if (before === null) return { observations: 1, weight, mean: embedding };
  const observations = before.observations + 1;
  const [old, now] = [before.weight * before.observations, weight];
  const mean = before.mean.map((value, i) => (value * old + embedding[i]! * now) / (old + now));
  return { observations: observations, weight: (old + now) / observations, mean };
}
