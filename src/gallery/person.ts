// The people of a household as identification sees them: immutable, in memory, of one embedding space.

import type { Normal } from '../base/stats.js';

/** `[a-z0-9_-]{1,32}`; stays when the name changes; part of MQTT topics and entity ids. */
export type PersonId = string;

/** One enrolled sample of a person. */
export interface Template {
  readonly id: number;
  /** Unit length. */
  readonly vector: Float32Array;
  /** Learned from an observation of the room's camera that somebody said was this person, not from a photo. */
  readonly corrected?: true;
}

/** What this person needs for a name more (or less) than the embedder's thresholds ask of everybody. See calibration.ts. */
export interface Adjustment {
  readonly threshold: number;
  readonly margin: number;
  /** For a track's pooled embedding, above `threshold`: what of the budget of wrong names is not needed, since there are photos enough. */
  readonly headroom?: number;
}

/** What is known of how like a person's observations are to the photos: the mean of single observations, and how unsure that mean is. */
export interface GenuineScores extends Normal {
  /** Whether the person's own photos were enough for it (three and more); otherwise it is the population's. */
  readonly own: boolean;
}

/** What a track's observations are tested between: that they are this person's, and that they are a stranger's. */
export interface Hypotheses {
  readonly genuine: GenuineScores;
  readonly impostor: Normal;
  /** Share of strangers that may get this person's name. */
  readonly falsePositiveRate: number;
}

export interface Person {
  readonly id: PersonId;
  /** As people write it: "Ada". */
  readonly name: string;
  readonly templates: readonly Template[];
  /** Faces that somebody said are not this person; none where nobody did. */
  readonly negativeTemplates?: readonly Template[];
  /** None where the gallery was not calibrated. */
  readonly adjustment?: Adjustment;
  /** None where the gallery was not calibrated: then the ones of everybody count. */
  readonly hypotheses?: Hypotheses;
}

/** A snapshot. Templates of other spaces are not in it: vectors are only compared inside one space. */
export interface Gallery {
  readonly space: string;
  /** Grows with every change, so that a reader can tell an old snapshot from a new one. */
  readonly version: number;
  readonly people: readonly Person[];
  /** Embeddings of strangers the user gave (`unknown/`), unit length. */
  readonly cohort: readonly Float32Array[];
}
