// Chooses the observations that the journal stores. Ten observations per second all day would wear out an SD card, and after the first
// second of a track most of them repeat each other. Skipped observations are stored as their mean, so that a replay still counts
// them. Pure; time is in the observations.
import type { DecidedObservation } from '../recognition/observation.js';

/** A stored observation and the observations of its track that were skipped since the previous stored one. */
export interface SampledObservation extends DecidedObservation {
  /** Its number within its track, from 1. Gaps are skipped observations. */
  readonly nth: number;
  /** The skipped observations that counted; null for none. */
  readonly skipped: Skipped | null;
}

export interface Skipped {
  readonly observations: number;
  /** Mean weight, above 0. */
  readonly weight: number;
  /** Weighted mean of the embeddings. Not scaled to unit length, so that its similarity to a template is the mean of their similarities. */
  readonly mean: Float32Array;
}

/** The state of the live tracks, by track number. Immutable; bounded by `mostPending` observations per track. */
export type Samplers = ReadonlyMap<number, Sampler>;

interface Sampler {
  readonly firstMs: number;
  readonly observations: number;
  readonly lastMs: number;
  readonly person: DecidedObservation['person'];
  /** State at the newest observation that counted. An observation that does not count is `unclear` itself, but its track is not. */
  readonly state: DecidedObservation['state'];
  readonly storedMs: number;
  /** Observations since the last stored one, oldest first. They are stored if the next observation changes the decision. */
  readonly pending: readonly SampledObservation[];
  /** The observations before the pending ones. */
  readonly skipped: Skipped | null;
  /** Time of the newest observation that is only in a mean, milliseconds. Every newer one is stored or pending. */
  readonly mergedMs: number;
  /** The newest observation if its embedding was not due: it says nothing new, but until when the track was seen. */
  readonly continued: SampledObservation | null;
}

export const noSamplers: Samplers = new Map();

/**
 * The first observations of a track are all stored: at least this many, and all of the first `firstMs` milliseconds. Those around the
 * decision are stored in any case, because a decision that changes stores the pending ones.
 */
const firstObservations = 6;
const firstMs = 1000;
/** After them, one observation per this interval: half the age of the track within these limits, milliseconds. */
const everyMs = { least: 1000, most: 15_000 };
/** The interval for observations that do not count: a static face is in view all day. */
const uncountedEveryMs = 60_000;
/** The newest skipped observations that a change of the decision stores. Older ones are in the mean. */
const mostPending = 32;
/** A track without an observation for this long has ended; its last observation is stored. The tracker ends a track sooner at the shipped pace. */
const shippedEndedMs = 5000;

/**
 * Processes the observations of the frame at `atMs`. `entries` are those to store, in the order of time within each track.
 * `trackLastsMs`: how long a track lives without an observation at present.
 */
export function sample(
  before: Samplers,
  observations: readonly DecidedObservation[],
  atMs: number,
  trackLastsMs = 0,
): { readonly samplers: Samplers; readonly entries: readonly SampledObservation[] } {
  const endedMs = Math.max(shippedEndedMs, trackLastsMs);
  const samplers = new Map(before);
  const entries: SampledObservation[] = [];
  for (const observation of observations) {
    const next = sampleTrack(samplers.get(observation.track), observation);
    samplers.set(observation.track, next.sampler);
    entries.push(...next.entries);
  }
  for (const [track, sampler] of samplers) {
    if (atMs - sampler.lastMs <= endedMs) continue;
    samplers.delete(track);
    entries.push(...lastObservation(sampler));
  }
  return { samplers, entries };
}

/** Ends every track: returns the last observation of each, unless it is stored already. */
export function finishSampling(samplers: Samplers): readonly SampledObservation[] {
  return [...samplers.values()].flatMap(lastObservation);
}

/** Drops the skipped observations, because they may be of a person who was just forgotten. */
export function withoutSkipped(samplers: Samplers): Samplers {
  return new Map(
    [...samplers].map(([track, sampler]) => {
      const mergedMs = sampler.pending.at(-1)?.atMs ?? sampler.mergedMs;
      return [track, { ...sampler, pending: [], skipped: null, mergedMs, continued: null }];
    }),
  );
}

/**
 * Stores the observation of `track` at `atMs` if it was skipped so far: somebody may correct it. `entries` has it with the mean of the
 * observations before it; it is empty where the observation is stored already or is not among the newest.
 */
export function storeSkipped(
  before: Samplers,
  track: number,
  atMs: number,
): { readonly samplers: Samplers; readonly entries: readonly SampledObservation[] } {
  const sampler = before.get(track);
  const index = sampler?.pending.findIndex((observation) => observation.atMs === atMs) ?? -1;
  if (sampler === undefined || index === -1) return { samplers: before, entries: [] };
  const { pending, skipped } = sampler;
  const entry = { ...pending[index]!, skipped: pending.slice(0, index).reduce(skip, skipped) };
  const mergedMs = pending[index - 1]?.atMs ?? sampler.mergedMs;
  const rest = { ...sampler, storedMs: atMs, pending: pending.slice(index + 1), skipped: null, mergedMs };
  return { samplers: new Map(before).set(track, rest), entries: [entry] };
}

/** The time until which observations of a track may be only in a mean, milliseconds: newer ones can be stored alone, or are. */
export function mergedUntilMs(samplers: Samplers, track: number): number {
  return samplers.get(track)?.mergedMs ?? Number.NEGATIVE_INFINITY;
}

function sampleTrack(
  old: Sampler | undefined,
  observation: DecidedObservation,
): { sampler: Sampler; entries: readonly SampledObservation[] } {
  const entry: SampledObservation = { ...observation, nth: (old?.observations ?? 0) + 1, skipped: null };
  const state = old === undefined || observation.weight > 0 ? observation.state : old.state;
  const progress = {
    firstMs: old?.firstMs ?? observation.atMs,
    observations: entry.nth,
    lastMs: observation.atMs,
    person: observation.person,
    state,
    mergedMs: old?.mergedMs ?? Number.NEGATIVE_INFINITY,
  };
  const sampler = { ...progress, storedMs: observation.atMs, pending: [], skipped: null, continued: null };
  if (old === undefined) return { sampler, entries: [entry] };
  if (old.person !== observation.person || old.state !== state) {
    const [first = entry, ...rest] = [...old.pending, entry];
    return { sampler, entries: [{ ...first, skipped: old.skipped }, ...rest] };
  }
  if (observation.isContinued) return { sampler: { ...old, ...progress, continued: entry }, entries: [] };
  if (isStored(entry, old.firstMs, old.storedMs)) {
    const mergedMs = old.pending.at(-1)?.atMs ?? old.mergedMs;
    return {
      sampler: { ...sampler, mergedMs },
      entries: [{ ...entry, skipped: old.pending.reduce(skip, old.skipped) }],
    };
  }
  const pending = [...old.pending, entry];
  const [first] = pending.length > mostPending ? pending.splice(0, 1) : [];
  const skipped = first === undefined ? old.skipped : skip(old.skipped, first);
  const mergedMs = first?.atMs ?? old.mergedMs;
  return { sampler: { ...sampler, storedMs: old.storedMs, pending, skipped, mergedMs }, entries: [] };
}

function lastObservation({ pending, skipped, continued }: Sampler): readonly SampledObservation[] {
  const last = pending.at(-1);
  const counted = last === undefined ? [] : [{ ...last, skipped: pending.slice(0, -1).reduce(skip, skipped) }];
  return continued === null ? counted : [...counted, continued];
}

function isStored(observation: SampledObservation, startMs: number, storedMs: number): boolean {
  if (observation.nth <= firstObservations || observation.atMs - startMs < firstMs) return true;
  const countedEveryMs = Math.min(everyMs.most, Math.max(everyMs.least, (observation.atMs - startMs) / 2));
  if (observation.atMs - storedMs >= (observation.weight > 0 ? countedEveryMs : uncountedEveryMs)) return true;
  // This observation speaks against the name of the track.
  return observation.weight > 0 && observation.person !== null && observation.best !== observation.person;
}

function skip(before: Skipped | null, { embedding, weight }: DecidedObservation): Skipped | null {
  if (embedding === null || !(weight > 0)) return before;
  if (before === null) return { observations: 1, weight, mean: embedding };
  const observations = before.observations + 1;
  const oldWeight = before.weight * before.observations;
  const totalWeight = oldWeight + weight;
  const mean = before.mean.map((value, i) => (value * oldWeight + embedding[i]! * weight) / totalWeight);
  return { observations, weight: totalWeight / observations, mean };
}
