// What a track has seen so far, as one pooled look. Many looks say more than one, but looks of one track are alike,
// so the hundredth says next to nothing; old looks fade, so that a track can change its mind.

import { scattered, similarity } from '../gallery/similarity.js';
import { goodWeight } from '../vision/quality-gate.js';

export interface PoolingOptions {
  /** After this long a look counts half. */
  readonly halfLifeMs: number;
  /** How much looks of one track repeat each other, 0 (independent) to 1 (all the same). */
  readonly repetition: number;
}

/** Weighted sum of a track's embeddings. Immutable; `direction` is unit length, or null before the first look that counts. */
export interface TrackEmbedding {
  readonly direction: Float32Array | null;
  /** Length of the weighted sum. */
  readonly length: number;
  /** Sum of the faded weights. */
  readonly weight: number;
  /** Looks that counted, not faded. */
  readonly observations: number;
  /** Looks good enough to call somebody a stranger, not faded. */
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

/** Adds one look (unit vector, weight 0 to 1). A weight of 0 changes nothing: forty bad looks name nobody. */
export function addObservation(
  evidence: TrackEmbedding,
  embedding: Float32Array,
  weight: number,
  atMs: number,
  options: PoolingOptions,
): TrackEmbedding {
  if (!(weight > 0)) return evidence;
  const fade = evidence.observations === 0 ? 0 : 0.5 ** (Math.max(0, atMs - evidence.lastMs) / options.halfLifeMs);
  const sum = new Float32Array(embedding.length);
  const before = evidence.length * fade;
  let square = 0;
  for (let i = 0; i < sum.length; i++) {
    const value = (evidence.direction?.[i] ?? 0) * before + embedding[i]! * weight;
    sum[i] = value;
    square += value * value;
  }
  const length = Math.sqrt(square);
  if (!(length > 1e-6)) return evidence;
  return {
    direction: sum.map((value) => value / length),
    length,
    weight: evidence.weight * fade + weight,
    observations: evidence.observations + 1,
    goodObservations: evidence.goodObservations + (weight >= goodWeight ? 1 : 0),
    firstMs: evidence.observations === 0 ? atMs : evidence.firstMs,
    lastMs: atMs,
  };
}

/** The evidence as one look to identify; null before the first look that counted. See `centre` for its length. */
export function pooledEmbedding(evidence: TrackEmbedding): Float32Array | null {
  const { direction, length, weight } = evidence;
  return direction === null ? null : scattered(direction, length / weight);
}

/**
 * How many independent looks the evidence is worth: `w / (1 + repetition (w - 1))`, the variance of a mean of `w`
 * equally correlated values (Kish's effective sample size). Never more than `1 / repetition`.
 */
export function effectiveObservations(evidence: TrackEmbedding, options: PoolingOptions): number {
  const { weight } = evidence;
  return weight <= 1 ? weight : weight / (1 + options.repetition * (weight - 1));
}

/** Similarity of a new look to what the track has seen; null before the first look that counted. */
export function agreement(evidence: TrackEmbedding, embedding: Float32Array | null): number | null {
  return evidence.direction === null || embedding === null ? null : similarity(evidence.direction, embedding);
}
