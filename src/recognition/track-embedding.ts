// The track embedding: all observations of a track pooled into one vector. More observations give a better estimate, but
// observations of one track are correlated, so each further one adds less. Old observations fade, so a decision on the
// track can change.

import { scattered, similarity } from '../gallery/similarity.js';
import { goodWeight } from '../vision/quality-gate.js';

export interface PoolingOptions {
  /** Age at which an observation counts half. */
  readonly halfLifeMs: number;
  /** Correlation between the observations of one track, 0 (independent) to 1 (identical). */
  readonly repetition: number;
}

/** Weighted sum of a track's embeddings. Immutable. `direction` is unit length; null before the first usable observation. */
export interface TrackEmbedding {
  readonly direction: Float32Array | null;
  /** Length of the weighted sum. */
  readonly length: number;
  /** Sum of the faded weights. */
  readonly weight: number;
  /** Number of observations with a weight above 0, not faded. */
  readonly observations: number;
  /** Number of observations good enough to decide that somebody is a stranger, not faded. */
  readonly goodObservations: number;
  readonly firstMs: number;
  readonly lastMs: number;
}

export const noTrackEmbedding: TrackEmbedding = {
  direction: null,
  length: 0,
  weight: 0,
  observations: 0,
  goodObservations: 0,
  firstMs: 0,
  lastMs: 0,
};

/** Adds one observation (unit vector, weight 0 to 1). A weight of 0 changes nothing: many unusable observations name nobody. */
export function addObservation(
  pooled: TrackEmbedding,
  embedding: Float32Array,
  weight: number,
  atMs: number,
  options: PoolingOptions,
): TrackEmbedding {
  if (!(weight > 0)) return pooled;
  const fade = pooled.observations === 0 ? 0 : 0.5 ** (Math.max(0, atMs - pooled.lastMs) / options.halfLifeMs);
  const sum = new Float32Array(embedding.length);
  const oldLength = pooled.length * fade;
  let square = 0;
  for (let i = 0; i < sum.length; i++) {
    const value = (pooled.direction?.[i] ?? 0) * oldLength + embedding[i]! * weight;
    sum[i] = value;
    square += value * value;
  }
  const length = Math.sqrt(square);
  if (!(length > 1e-6)) return pooled;
  return {
    direction: sum.map((value) => value / length),
    length,
    weight: pooled.weight * fade + weight,
    observations: pooled.observations + 1,
    goodObservations: pooled.goodObservations + (weight >= goodWeight ? 1 : 0),
    firstMs: pooled.observations === 0 ? atMs : pooled.firstMs,
    lastMs: atMs,
  };
}

/** The vector to compare with the gallery; null before the first usable observation. `scattered` explains its length. */
export function pooledEmbedding(pooled: TrackEmbedding): Float32Array | null {
  const { direction, length, weight } = pooled;
  return direction === null ? null : scattered(direction, length / weight);
}

/**
 * The number of independent observations that the track embedding is worth: `w / (1 + repetition (w - 1))`, from the
 * variance of a mean of `w` equally correlated values (Kish's effective sample size). At most `1 / repetition`.
 */
export function effectiveObservations(pooled: TrackEmbedding, options: PoolingOptions): number {
  const { weight } = pooled;
  return weight <= 1 ? weight : weight / (1 + options.repetition * (weight - 1));
}

/** Similarity of a new embedding to the track embedding; null where either is missing. */
export function agreement(pooled: TrackEmbedding, embedding: Float32Array | null): number | null {
  return pooled.direction === null || embedding === null ? null : similarity(pooled.direction, embedding);
}
