// The people of a household for identification: immutable, in memory, in one embedding space.

import type { Normal } from '../base/stats.js';

/** `[a-z0-9_-]{1,32}`. It stays the same if the name changes. Part of MQTT topics and entity ids. */
export type PersonId = string;

/** An embedding of an enrolled person. */
export interface Template {
  readonly id: number;
  /** Unit length. */
  readonly vector: Float32Array;
  /** Set if a correction made an observation of the camera this template; absent for a photo. */
  readonly corrected?: true;
}

/** The difference of this person's threshold and margin from those of the embedder. See calibration.ts. */
export interface Adjustment {
  readonly threshold: number;
  readonly margin: number;
  /** For a track embedding, in addition to `threshold`: what the threshold can rise without a higher expected FNIR. */
  readonly headroom?: number;
}

/** Similarities of a person's own observations to the photos: the mean of single observations, and the uncertainty of that mean. */
export interface GenuineScores extends Normal {
  /** Whether the person's own photos sufficed for the estimate (three or more). Otherwise it is the estimate of the population. */
  readonly own: boolean;
}

/** The two hypotheses of the sequential test of a track: it is this person, or it is an impostor. */
export interface Hypotheses {
  readonly genuine: GenuineScores;
  readonly impostor: Normal;
  /** Share of impostors who may get this person's name. */
  readonly falsePositiveRate: number;
}

export interface Person {
  readonly id: PersonId;
  /** The displayed name: "Ada". */
  readonly name: string;
  readonly templates: readonly Template[];
  /** Faces that corrections marked as not this person. */
  readonly negativeTemplates?: readonly Template[];
  /** Absent if the gallery is not calibrated. */
  readonly adjustment?: Adjustment;
  /** Absent if the gallery is not calibrated: the hypotheses of the population are used then. */
  readonly hypotheses?: Hypotheses;
}

/** A snapshot of the people with the templates of one space. Vectors are only compared within one space. */
export interface Gallery {
  readonly space: string;
  /** Grows with every change of the gallery. */
  readonly version: number;
  readonly people: readonly Person[];
  /** Embeddings of the user's own cohort (`unknown/`), unit length. */
  readonly cohort: readonly Float32Array[];
}
