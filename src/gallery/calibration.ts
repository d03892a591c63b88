// Turns a budget of wrong names into the threshold and margin of each person of a household. Pure: the result depends only on gallery,
// cohort, budget and options.
//
// Invariant: an adjustment moves the embedder's measured thresholds (options.ts) by at most `mostBelow` and `mostAbove`. Neither a small
// cohort nor an unusual photo can lower a threshold to nothing or make a person unrecognisable.

import type { Normal } from '../base/stats.js';
import { normalAbove, normalBelow } from '../base/stats.js';
import type { NameThresholds } from './identify.js';
import type { Adjustment, Gallery, Hypotheses, Person, PersonId } from './person.js';
import { genuineScores, impostorScores, portraitScores, roomScores, trackOfFive } from './score-model.js';
import { centre, personSimilarity } from './similarity.js';

/** How often an unknown person may get a name, and how many unknown people the camera sees. */
export interface Budget {
  readonly wrongNamesPerMonth: number;
  readonly strangersPerDay: number;
}

/** Embeddings of many different people who are not enrolled. They are shipped with the model. */
export interface Cohort {
  /** Unit length. */
  readonly vectors: readonly Float32Array[];
  /** The `nearness` of an average person to the cohort: the mean over its members. */
  readonly nearness: number;
}

export interface PersonCalibration {
  readonly person: PersonId;
  readonly name: string;
  readonly templates: number;
  readonly adjustment: Adjustment;
  readonly hypotheses: Hypotheses;
  /** Thresholds of a single observation and of a track embedding. */
  readonly single: number;
  readonly pooled: number;
  readonly fnir: ExpectedFnir;
  /** The most similar other person, by the centres of both. */
  readonly closest: { readonly person: PersonId; readonly name: string; readonly similarity: number } | null;
}

export interface Calibration {
  readonly people: readonly PersonCalibration[];
  /** The two people who are most alike; null with fewer than two. */
  readonly closestPair: { readonly people: readonly [PersonId, PersonId]; readonly similarity: number } | null;
}

/** The household size and the FPIR for which the shipped threshold of track embeddings was measured (ADR 5). */
const shipped = { people: 8, falsePositiveRate: 0.002 };

/**
 * The factor with which thresholds follow a person's nearness. The closest 5 % of the cohort end 2 standard deviations above the mean,
 * thresholds lie at 3.5, and the difference between people grows further out, so the gain is above 1. From 1 to 2 the FNIR of portraits
 * changes by at most 0.3 points; a larger gain lowers the FPIR of impostors of the person's own age or origin (ADR 10).
 */
const gain = 1.5;

/** The share of the cohort from which nearness is computed. A single quantile of 1,500 faces would depend on two or three of them. */
const closestShare = 0.05;

/**
 * Thresholds that follow each person's nearness can be lower by this much at the same FPIR, because no person is the weak spot of the
 * household (measured as in ADR 10: 0.57 instead of 0.58 at 0.2 % of the tracks of impostors).
 */
const offset = 0.012;

/** The FNIR of tracks that headroom may cost at most, and the largest headroom. */
const mostFnir = 0.001;
const mostHeadroom = 0.02;

const mostBelow = 0.06;
const mostAbove = 0.1;

/** The threshold stays at least this much above the similarity to a person of `unknown/`, because that person will be seen again. */
const aboveUnknown = 0.03;

/**
 * The lead of a person's own similarity over that to a second person, by the similarity `alike` of the two people. Fitted to 12,000 pairs
 * in each of seven bands from 0.2 to 0.65 (2,066 people with 10 or more pictures, 5 templates each).
 */
const leadOver = (alike: number): Normal => ({
  mean: 0.75 - 0.81 * alike,
  standardDeviation: Math.max(0.05, 0.15 - 0.103 * alike),
});
/** The share of a person's observations that may favour the second person by the whole margin. */
const confusionRate = 1e-4;
/** With a wider margin neither of two very similar people would ever be named. */
const mostMargin = 0.14;

/**
 * Calibrates every person with templates. The budget is shared evenly. A person who is closer to the cohort than others gets a higher
 * threshold, a person further away a lower one. Measured (ADR 10): with 1 to 12 people the FPIR of tracks is 0.03 to 0.12 % under a
 * budget of 0.17 %, and the FNIR of small households is a third lower than at fixed thresholds. `fixed` marks values that the user set;
 * they are not adjusted. Throws RangeError if vectors differ in length.
 */
export function calibrate(
  gallery: Gallery,
  cohort: Cohort,
  budget: Budget,
  options: NameThresholds,
  fixed: { readonly threshold?: boolean; readonly margin?: boolean } = {},
): Calibration {
  const people = gallery.people.filter((person) => person.templates.length > 0);
  const budgetMove = budgetShift(budget, people.length);
  const share = allowedFpir(budget) / people.length;
  const calibrations = people.map((person): PersonCalibration => {
    const near = nearShift(person, cohort);
    const closest = closestOther(person, people);
    const threshold = fixed.threshold ? 0 : thresholdShift(person, budgetMove + near, gallery, options);
    const margin = fixed.margin || closest === null ? 0 : marginShift(closest.similarity, options.single.margin);
    const genuine = genuineScores(person);
    const budgeted = options.pooled.threshold + threshold;
    const headroom = fixed.threshold ? 0 : headroomShift(budgeted, genuine, person.templates.length);
    const [single, pooled] = [options.single.threshold + threshold, budgeted + headroom];
    return {
      person: person.id,
      name: person.name,
      templates: person.templates.length,
      adjustment: { threshold, margin, headroom },
      hypotheses: {
        genuine,
        impostor: { ...impostorScores, mean: impostorScores.mean + near },
        falsePositiveRate: share,
      },
      single,
      pooled,
      fnir: expectedFnir(person, single, pooled, genuine),
      closest: closest && { person: closest.person.id, name: closest.person.name, similarity: closest.similarity },
    };
  });
  const [nearest] = calibrations
    .filter(({ closest }) => closest !== null)
    .sort((a, b) => b.closest!.similarity - a.closest!.similarity);
  const pair = nearest && {
    people: [nearest.person, nearest.closest!.person] as const,
    similarity: nearest.closest!.similarity,
  };
  return { people: calibrations, closestPair: pair ?? null };
}

/** The gallery with the adjustment and hypotheses of each person, for `identify` and tracks. */
export function calibrated(gallery: Gallery, { people }: Calibration): Gallery {
  const calibrations = new Map(people.map((calibration) => [calibration.person, calibration]));
  const adjusted = gallery.people.map((person): Person => {
    const calibration = calibrations.get(person.id);
    if (calibration === undefined) return person;
    return { ...person, adjustment: calibration.adjustment, hypotheses: calibration.hypotheses };
  });
  return { ...gallery, people: adjusted };
}

/** The share of unknown people who may get any name: 1 wrong name per month at 20 unknown people per day is 1 of 600. */
export function allowedFpir({ wrongNamesPerMonth, strangersPerDay }: Budget): number {
  return Math.min(0.05, Math.max(1e-6, wrongNamesPerMonth / (30 * strangersPerDay)));
}

/** The shift of the threshold for `people` people, compared with the household for which the shipped threshold was measured. */
function budgetShift(budget: Budget, people: number): number {
  if (people === 0) return 0;
  return (
    impostorScores.standardDeviation *
    (normalAbove(allowedFpir(budget) / people) - normalAbove(shipped.falsePositiveRate / shipped.people))
  );
}

function thresholdShift(
  person: Person,
  shift: number,
  gallery: Gallery,
  options: Pick<NameThresholds, 'pooled'>,
): number {
  const scores = gallery.cohort.map((vector) => personSimilarity(vector, person) ?? -1);
  const needed = Math.max(...scores, -1) + aboveUnknown - options.pooled.threshold;
  return Math.min(mostAbove, Math.max(-mostBelow, shift, needed));
}

/** The shift for a person whose similarity to the cohort is above or below the average. */
function nearShift(person: Person, cohort: Cohort): number {
  if (cohort.vectors.length === 0) return 0;
  return gain * (nearness(person, cohort.vectors) - cohort.nearness) - offset;
}

/**
 * The headroom: how far the threshold of tracks can rise above the budgeted one without a higher expected FNIR. Several similar photos
 * leave a gap between impostors and the person; a single photo leaves none.
 */
function headroomShift(budgeted: number, genuine: Normal, templates: number): number {
  const { mean, standardDeviation } = roomScores(genuine, templates, trackOfFive);
  return Math.min(mostHeadroom, Math.max(0, mean - normalAbove(mostFnir) * standardDeviation - budgeted));
}

/** Mean similarity of the closest 5 % of the cohort to a person. Throws RangeError if vectors differ in length. */
export function nearness(person: Pick<Person, 'templates'>, cohort: readonly Float32Array[]): number {
  const scores = Float32Array.from(cohort, (vector) => personSimilarity(vector, person) ?? -1).sort();
  const closest = scores.subarray(-Math.max(1, Math.round(closestShare * scores.length)));
  return closest.reduce((sum, score) => sum + score, 0) / closest.length;
}

/** The increase of the shipped margin. It is 0 below a similarity of 0.6, where observations are far enough apart. */
function marginShift(alike: number, margin: number): number {
  const { mean, standardDeviation } = leadOver(alike);
  const needed = normalAbove(confusionRate) * standardDeviation - mean;
  return Math.max(0, Math.min(mostMargin, needed) - margin);
}

function closestOther(person: Person, people: readonly Person[]): { person: Person; similarity: number } | null {
  const middle = centre(person.templates.map(({ vector }) => vector));
  let closest: { person: Person; similarity: number } | null = null;
  for (const other of people) {
    if (other === person || middle === null) continue;
    const alike = personSimilarity(middle, other);
    if (alike !== null && alike > (closest?.similarity ?? Number.NEGATIVE_INFINITY)) {
      closest = { person: other, similarity: alike };
    }
  }
  return closest;
}

// The expected FNIR of a person at a threshold, from the photos alone.

export interface ExpectedFnir {
  /** Share of good observations that do not reach the threshold alone. */
  readonly observations: number;
  /** Share of tracks of five good observations. */
  readonly tracks: number;
  /** Whether the person's own photos sufficed for the estimate (three or more). Otherwise it is the estimate of the population. */
  readonly own: boolean;
}

/**
 * The share of observations that are never recognised: turned away, covered, blurred. With it the normal model gives an FNIR of 5.1, 2.1,
 * 1.5, 1.2 and 1.2 % with 1, 2, 3, 5 and 8 templates; the measured values are 5.1, 2.3, 1.5, 1.2 and 1.1 %.
 */
const unrecognisable = 0.01;

/**
 * The expected FNIR of a person at the thresholds for an observation and for a track embedding. `genuine` avoids computing the genuine
 * scores again. Without templates the FNIR is 1.
 */
export function expectedFnir(
  person: Pick<Person, 'templates'>,
  single: number,
  pooled: number,
  genuine = genuineScores(person),
): ExpectedFnir {
  const count = person.templates.length;
  if (count === 0) return { observations: 1, tracks: 1, own: false };
  const below = (threshold: number, { mean, standardDeviation }: Normal): number =>
    normalBelow((threshold - mean) / standardDeviation);
  return {
    observations: unrecognisable + (1 - unrecognisable) * below(single, portraitScores(genuine, count, 1)),
    tracks: below(pooled, portraitScores(genuine, count, trackOfFive)),
    own: genuine.own,
  };
}
