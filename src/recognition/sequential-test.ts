// Wald's sequential test of a track: "this person" against "an impostor", decided again after each observation (Wald 1945,
// "Sequential tests of statistical hypotheses"). The log-likelihood ratio of the track embedding is compared with two
// boundaries. The boundaries are given as the similarities at which the ratio reaches them, because users can be shown
// similarities. ADR 15 lists the differences from the textbook.
import { type Identification, identify, trackThreshold } from '../gallery/identify.js';
import type { Gallery, Hypotheses, Person } from '../gallery/person.js';
import { genuineScores, impostorScores, roomScores, similarityAt } from '../gallery/score-model.js';
import type { RecognitionOptions } from './options.js';
import { effectiveObservations, pooledEmbedding, type TrackEmbedding } from './track-embedding.js';

/** FNIR at the lower boundary: at most this share of a person's own tracks is rejected. A resident must not raise an alarm. */
const falseRejectRate = 1e-3;

/**
 * From this similarity on nobody is rejected, however many observations there are. Somebody who reads at a table shows the
 * same turned face all the time, so the observations of such a track are worth no more than one. Chosen on drawn faces of the
 * development people that pass the gate for unknown people (docs/measurements.md, "Faces at any angle"): at 0.45 it rejects 0.9 % of the
 * residents' tracks, at 0.37 0.3 %.
 */
const neverRejectFrom = 0.37;

/** The FPIR of one person for which the default threshold was measured: 0.2 % in a household of 8 people (ADR 5). */
const defaultFalsePositiveRate = 0.002 / 8;

/** Both are cosines. Between them the test continues with the next observation. */
export interface Boundaries {
  /**
   * At and above: this is the person. By Wald's inequality at most the allowed share of impostors ever gets here, however
   * long they stay. Infinity where the observations are too few.
   */
  readonly accept: number;
  /** Below: this is not the person. */
  readonly reject: number;
}

/**
 * The boundaries for `person` after `observations` effective observations (1 and more; see `effectiveObservations`). With more
 * observations a track is rejected sooner. A person without templates is neither accepted nor rejected: Infinity and -1.
 */
export function boundaries(person: Person, observations: number): Boundaries {
  const count = person.templates.length;
  if (count === 0) return { accept: Number.POSITIVE_INFINITY, reject: -1 };
  const { genuine, impostor, falsePositiveRate } = hypotheses(person);
  const scores = roomScores(genuine, count, observations);
  const acceptRatio = Math.log((1 - falseRejectRate) / falsePositiveRate);
  const rejectRatio = Math.log(falseRejectRate / (1 - falsePositiveRate));
  return {
    accept: similarityAt(acceptRatio, scores, impostor),
    reject: Math.min(neverRejectFrom, similarityAt(rejectRatio, scores, impostor)),
  };
}

// A person's templates never change in place, so their genuine scores are computed once.
const uncalibrated = new WeakMap<Person['templates'], Hypotheses>();

function hypotheses(person: Person): Hypotheses {
  if (person.hypotheses !== undefined) return person.hypotheses;
  let stored = uncalibrated.get(person.templates);
  if (stored === undefined) {
    stored = {
      genuine: genuineScores(person),
      impostor: impostorScores,
      falsePositiveRate: defaultFalsePositiveRate,
    };
    uncalibrated.set(person.templates, stored);
  }
  return stored;
}

export interface TrackIdentification extends Identification {
  /** Whether the similarity is at or above the accept boundary. */
  readonly sure: boolean;
}

/**
 * Identifies the track embedding; null before the first usable observation. A name needs the person's threshold. The state
 * `stranger` needs a similarity below every person's reject boundary. With few observations the margin needed is larger, by
 * `margin / observations`: between two similar people the first observations favour either one by chance.
 */
export function identifyTrack(
  pooled: TrackEmbedding,
  gallery: Gallery,
  options: Pick<RecognitionOptions, 'pooled' | 'tracks'>,
): TrackIdentification | null {
  const probe = pooledEmbedding(pooled);
  if (probe === null) return null;
  const { threshold, margin } = options.pooled;
  const observations = Math.max(1, effectiveObservations(pooled, options.tracks));
  const identification = identify(probe, gallery, (person) => {
    const needed = threshold + (person.adjustment?.headroom ?? 0);
    return {
      threshold: needed,
      margin: margin * (1 + 1 / observations),
      // A similarity that is enough for a name never means `stranger`.
      strangerBelow: Math.min(boundaries(person, observations).reject, trackThreshold(person, options)),
    };
  });
  const person = gallery.people.find(({ id }) => id === identification.person);
  const sure = person !== undefined && identification.similarity! >= boundaries(person, observations).accept;
  return { ...identification, sure };
}
