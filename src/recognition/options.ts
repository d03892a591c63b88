// Everything recognition can be told, and what it does when it is told nothing. Times in milliseconds.

import type { NameThresholds } from '../gallery/identify.js';
import { defaultGate, type QualityGate } from '../vision/quality-gate.js';
import type { StaticFaceOptions } from './static-faces.js';
import type { PoolingOptions } from './track-embedding.js';
import type { TrackOptions } from './tracker.js';

/** When a track gets its name, loses it, or is called a stranger. */
export interface NamingOptions {
  /** Good looks that must agree on a person, within the window, before a track gets the name. */
  readonly leastAgreeing: number;
  readonly windowMs: number;
  /** Time between the first and the last of these looks, at least: three frames of one instant are one look. */
  readonly leastSpanMs: number;
  /** Looks that must count, and time between them, before a track is called a stranger. */
  readonly strangerObservations: number;
  readonly strangerWindowMs: number;
  /** How long a track that had a name is not called a stranger. */
  readonly strangerAfterNameMs: number;
  /** Frames that a face without a name must be found in before the room counts as occupied by somebody. */
  readonly someoneFrames: number;
  /** How long a stranger is recognised as the same one. */
  readonly strangerMemoryMs: number;
}

export interface RecognitionOptions extends NameThresholds {
  readonly gate: QualityGate;
  readonly tracks: TrackOptions & PoolingOptions;
  readonly naming: NamingOptions;
  readonly staticFaces: StaticFaceOptions;
}

/**
 * Thresholds by embedder, fixed on the development portraits (100 people, clean and degraded) and CelebA for households of 8
 * with 1 to 10 templates each: one look names at most 1 % of strangers, a track's pooled looks at most 0.2 %. Measured there
 * with 5 templates, clean / degraded: teacher 0.56 / 0.42 % and 0.14 / 0.04 %, student 0.57 / 0.62 % and 0.14 / 0.12 %.
 * The pooled ones are 0.01 higher than measured so: a track is judged look by look, and a name once said counts (ADR 15).
 */
const measured: Readonly<Record<string, { readonly look: number; readonly pooled: number }>> = {
  mobilefacenet: { look: 0.51, pooled: 0.57 },
  'resnet50-w100': { look: 0.53, pooled: 0.59 },
};

/** For an embedder that nobody has measured. */
const strictest = { look: 0.53, pooled: 0.59 };

/** The shipped options with the thresholds of `embedder` (its id in the manifest). */
export function optionsFor(embedder: string): RecognitionOptions {
  const { look, pooled } = measured[embedder] ?? strictest;
  return {
    ...defaultOptions,
    single: { ...defaultOptions.single, threshold: look },
    pooled: { ...defaultOptions.pooled, threshold: pooled },
  };
}

/** The margin halves wrong names among the enrolled and costs 0.0 to 0.4 points of the right ones. */
export const defaultOptions: RecognitionOptions = {
  single: { threshold: strictest.look, margin: 0.06, strangerBelow: 0.35 },
  pooled: { threshold: strictest.pooled, margin: 0.08 },
  gate: defaultGate,
  tracks: {
    lostAfterMs: 2000,
    most: 32,
    leastOverlap: 0.25,
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
