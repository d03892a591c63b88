// Wald's sequential test of a track, "this person" against "a stranger", look by look (Wald 1945, "Sequential tests of
// statistical hypotheses"). The log-likelihood ratio of the pooled look is compared with boundaries that are given here as
// the similarities at which it reaches them, since those can be shown to people. ADR 15 tells what differs from the textbook.
import { type Identification, identify } from '../gallery/identify.js';
import type { Gallery, Hypotheses, Person } from '../gallery/person.js';
import { genuineScores, roomScores, similarityAt, impostorScores } from '../gallery/score-model.js';
import type { RecognitionOptions } from './options.js';
import { type TrackEmbedding, effectiveObservations, pooledEmbedding } from './track-embedding.js';

/** Share of a person's tracks that may be called a stranger's at the lower boundary. A resident is not to set off an alarm. */
const mostDenied = 1e-3;

/**
 * Nobody this near is denied, however many looks say so: who reads at the table shows one and the same turned face all the time,
 * and a track's looks are then no more than one. Of single looks turned 20 degrees and more 1 % are below 0.44 to 0.49 (5 photos).
 */
const neverDenied = 0.45;

/** The share that the shipped threshold was measured for: 0.2 % of strangers in a household of 8 (ADR 5). */
const shippedShare = 0.002 / 8;

export interface Boundaries {
  /**
   * From here on Wald's inequality holds: of all strangers at most the share allowed ever get there, however long they
   * stay. Infinite where looks are too few for it.
   */
  readonly sure: number;
  /** Below, this is not the person. Between the two another look is taken. */
  readonly stranger: number;
}

/**
 * The boundaries for a person after so many effective looks (1 and more; correlated looks count less, evidence.ts). More looks
 * of one track deny sooner. A person without templates cannot be told: -1 and infinity.
 */
export function boundaries(person: Person, effectiveLooks: number): Boundaries {
  const count = person.templates.length;
  if (count === 0) return { sure: Number.POSITIVE_INFINITY, stranger: -1 };
  const { genuine, impostor: stranger, falsePositiveRate: share } = hypotheses(person);
  const looks = roomScores(genuine, count, effectiveLooks);
  return {
    sure: similarityAt(Math.log((1 - mostDenied) / share), looks, stranger),
    stranger: Math.min(neverDenied, similarityAt(Math.log(mostDenied / (1 - share)), looks, stranger)),
  };
}

// A person is a value that never changes: the likeness of the photos is counted once.
const uncalibrated = new WeakMap<Person['templates'], Hypotheses>();

function hypotheses(person: Person): Hypotheses {
  if (person.hypotheses !== undefined) return person.hypotheses;
  let known = uncalibrated.get(person.templates);
  if (known === undefined) {
    known = { genuine: genuineScores(person), impostor: impostorScores, falsePositiveRate: shippedShare };
    uncalibrated.set(person.templates, known);
  }
  return known;
}

// Who a track is by all it has seen. Presence and the evaluation share it.

export interface TrackIdentification extends Identification {
  /** Whether the name is beyond Wald's boundary, which no more looks than allowed of a stranger's ever reach. */
  readonly sure: boolean;
}

/**
 * Identifies the pooled look; null before the first look that counted. A name needs the person's threshold; "stranger" needs
 * everybody's lower boundary passed. The margin needed falls with the number of looks: by `margin / looks` above the final one,
 * for between people who look alike a few looks point either way by chance.
 */
export function identifyTrack(
  evidence: TrackEmbedding,
  gallery: Gallery,
  options: Pick<RecognitionOptions, 'pooled' | 'tracks'>,
): TrackIdentification | null {
  const look = pooledEmbedding(evidence);
  if (look === null) return null;
  const { threshold, margin } = options.pooled;
  const looks = Math.max(1, effectiveObservations(evidence, options.tracks));
  const found = identify(look, gallery, (person) => {
    const needed = threshold + (person.adjustment?.headroom ?? 0);
    return {
      threshold: needed,
      margin: margin * (1 + 1 / looks),
      // Whoever is near enough for a name is no stranger.
      strangerBelow: Math.min(boundaries(person, looks).stranger, needed + (person.adjustment?.threshold ?? 0)),
    };
  });
  const person = found.person === null ? undefined : gallery.people.find(({ id }) => id === found.person);
  return { ...found, sure: person !== undefined && found.similarity! >= boundaries(person, looks).sure };
}
