// All options of recognition, with their defaults. Times are in milliseconds.

import type { NameThresholds } from '../gallery/identify.js';
import { defaultGate, type QualityGate } from '../vision/quality-gate.js';
import type { StaticFaceOptions } from './static-faces.js';
import type { PoolingOptions } from './track-embedding.js';
import type { TrackOptions } from './tracker.js';

/** When a track gets a name, loses it, or is decided to be a stranger. */
export interface NamingOptions {
  /** Number of usable observations within the window that must agree on a person before a track gets the name. */
  readonly leastAgreeing: number;
  readonly windowMs: number;
  /** Minimum time between the first and the last of these observations: three frames of one instant are not independent. */
  readonly leastSpanMs: number;
  /** Number of good observations, and the time they must cover, before a track is decided to be a stranger. */
  readonly strangerObservations: number;
  readonly strangerWindowMs: number;
  /** For this long after its last name, a track is not decided to be a stranger. */
  readonly strangerAfterNameMs: number;
  /** Number of frames in which an unnamed face must be detected before it makes the room occupied. */
  readonly someoneFrames: number;
  /** For this long an unknown person is recognised as the same one. */
  readonly strangerMemoryMs: number;
}

export interface RecognitionOptions extends NameThresholds {
  readonly gate: QualityGate;
  readonly tracks: TrackOptions & PoolingOptions;
  readonly naming: NamingOptions;
  readonly staticFaces: StaticFaceOptions;
}

/**
 * Thresholds by embedder (cosine). They were chosen on the development portraits (100 people, clean and degraded) and on
 * CelebA, for households of 8 people with 1 to 10 templates each. Limits: a single observation names at most 1 % of
 * impostors, a track embedding at most 0.2 %. The pooled thresholds are 0.01 above the measured ones: a track is decided
 * again after each observation, and one wrong name counts (ADR 15). The measured rates are in docs/measurements.md.
 */
const measured: Readonly<Record<string, { readonly single: number; readonly pooled: number }>> = {
  mobilefacenet: { single: 0.51, pooled: 0.57 },
  'resnet50-w100': { single: 0.53, pooled: 0.59 },
};

/** For an embedder without measured thresholds. */
const strictest = { single: 0.53, pooled: 0.59 };

/** The default options with the thresholds of `embedder` (its id in the manifest). */
export function optionsFor(embedder: string): RecognitionOptions {
  const { single, pooled } = measured[embedder] ?? strictest;
  return {
    ...defaultOptions,
    single: { ...defaultOptions.single, threshold: single },
    pooled: { ...defaultOptions.pooled, threshold: pooled },
  };
}

/** The margin halves the confusion rate and costs 0.0 to 0.4 points of the correct names. */
export const defaultOptions: RecognitionOptions = {
  single: { threshold: strictest.single, margin: 0.06, strangerBelow: 0.35 },
  pooled: { threshold: strictest.pooled, margin: 0.08 },
  gate: defaultGate,
  tracks: {
    lostAfterMs: 2000,
    maxTracks: 32,
    minOverlap: 0.25,
    positionMs: 2000,
    reachWidths: 3,
    sizeRatio: 2.5,
    differentBelow: 0.25,
    sameAbove: 0.4,
    halfLifeMs: 10_000,
    repetition: 0.3,
  },
  naming: {
    leastAgreeing: 3,
    windowMs: 3000,
    leastSpanMs: 180,
    strangerObservations: 6,
    strangerWindowMs: 1500,
    strangerAfterNameMs: 10_000,
    someoneFrames: 3,
    strangerMemoryMs: 600_000,
  },
  staticFaces: { afterMs: 3_600_000, gapMs: 10_000 },
};
