// A budget of wrong names → what each person of a household needs for a name. Pure: gallery and cohort decide everything.
//
// Invariant: an adjustment only ever moves the embedder's measured thresholds (options.ts), and never by more than
// `mostBelow` and `mostAbove`: neither a small cohort nor an odd photo can open the door or shut it for good.

import type { Normal } from '../base/stats.js';
import { normalAbove, normalBelow } from '../base/stats.js';
import type { NameThresholds } from './identify.js';
import type { Adjustment, Gallery, Hypotheses, Person, PersonId } from './person.js';
import { genuineScores, impostorScores, portraitScores, roomScores, trackOfFive } from './score-model.js';
import { centre, personSimilarity } from './similarity.js';

/** How often a stranger may get a name, and how many strangers come by. */
export interface Budget {
  readonly wrongNamesPerMonth: number;
  readonly strangersPerDay: number;
}

/** Embeddings of many different strangers that come with the model. */
export interface Cohort {
  /** Unit length. */
  readonly vectors: readonly Float32Array[];
  /** How near the cohort is to somebody ordinary, as `nearness` says: its members to each other, in the mean. */
  readonly nearness: number;
}

export interface PersonCalibration {
  readonly person: PersonId;
  readonly name: string;
  readonly templates: number;
  readonly adjustment: Adjustment;
  readonly hypotheses: Hypotheses;
  /** What an observation and a track's pooled embedding need. */
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

/** The household and the rate of strangers named for which the shipped pooled threshold was measured (ADR 5). */
const shipped = { people: 8, falsePositiveRate: 0.002 };

/**
 * How far thresholds follow a person's nearness: the closest 5 % end where thresholds are only 2 of 3.5 spreads away, so that who
 * is near there is nearer still further out. With 1 to 2 misses of portraits are within 0.3 points of each other; strangers
 * of one's own age or origin get in the less often the more (ADR 10).
 */
const gain = 1.5;

/** The closest strangers by whom a person's nearness is judged. A lone quantile of 1,500 would hang on two or three faces. */
const closestShare = 0.05;

/**
 * Thresholds that follow each person's nearness let the same share of strangers pass when they are this much lower: nobody is the
 * household's weak spot any more (measured as in ADR 10; 0.57 instead of 0.58 for 0.2 % of strangers' tracks).
 */
const offset = 0.012;

/** Tracks of a person that may be missed for the sake of fewer wrong names than the budget allows, and how far that may go. */
const mostFnir = 0.001;
const mostHeadroom = 0.02;

const mostBelow = 0.06;
const mostAbove = 0.1;

/** A person of the cohort that the user gave (`unknown/`) comes again: by so much the threshold stays above the similarity to them. */
const aboveOwnStranger = 0.03;

/**
 * Two people and the observations of one: by how much the own similarity leads, its mean and its spread, by how alike the two are.
 * Fitted to 12,000 pairs each of seven bands from 0.2 to 0.65 (2,066 people with 10 pictures and more, 5 templates each).
 */
const lead = (alike: number): { mean: number; spread: number } => ({
  mean: 0.75 - 0.81 * alike,
  spread: Math.max(0.05, 0.15 - 0.103 * alike),
});
/** Observations of one person that may favour the other by the whole margin. */
const confusionRate = 1e-4;
/** A margin wider than this would name neither of two who are that alike. */
const mostMargin = 0.14;

/**
 * What each person with templates needs. The household's budget is shared evenly; who lies nearer to strangers than others
 * do needs more, who lies apart less. Measured (ADR 10): with 1 to 12 people 0.03 to 0.12 % of strangers' tracks get a name
 * under a budget of 0.17 %, and small households miss a third less than at fixed thresholds. `fixed` names what the user set: it
 * is not adjusted. Throws RangeError when vectors differ in length.
 */
export function calibrate(
  gallery: Gallery,
  cohort: Cohort,
  budget: Budget,
  options: NameThresholds,
  fixed: { readonly threshold?: boolean; readonly margin?: boolean } = {},
): Calibration {
  const people = gallery.people.filter((person) => person.templates.length > 0);
  const moved = budgetShift(budget, people.length);
  const share = allowedFpir(budget) / people.length;
  const calibrations = people.map((person): PersonCalibration => {
    const near = nearShift(person, cohort);
    const closest = closestOther(person, people);
    const threshold = fixed.threshold ? 0 : thresholdShift(person, moved + near, gallery, options);
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
  const pairs = calibrations.filter((one) => one.closest !== null);
  const [most] = pairs.sort((a, b) => b.closest!.similarity - a.closest!.similarity);
  return {
    people: calibrations,
    closestPair: most ? { people: [most.person, most.closest!.person], similarity: most.closest!.similarity } : null,
  };
}

/** The gallery whose people carry what they need, for `identify` and tracks. */
export function calibrated(gallery: Gallery, { people }: Calibration): Gallery {
  const found = new Map(people.map((one) => [one.person, one]));
  const adjusted = gallery.people.map((person): Person => {
    const one = found.get(person.id);
    return one === undefined ? person : { ...person, adjustment: one.adjustment, hypotheses: one.hypotheses };
  });
  return { ...gallery, people: adjusted };
}

/** Share of strangers that may get a name, whoever's: 1 a month at 20 strangers a day is 1 of 600. */
export function allowedFpir({ wrongNamesPerMonth, strangersPerDay }: Budget): number {
  return Math.min(0.05, Math.max(1e-6, wrongNamesPerMonth / (30 * strangersPerDay)));
}

/** How much further up the tail each of `people` must be than in the household that the shipped threshold was measured for. */
function budgetShift(budget: Budget, people: number): number {
  if (people === 0) return 0;
  return (
    impostorScores.standardDeviation *
    (normalAbove(allowedFpir(budget) / people) - normalAbove(shipped.falsePositiveRate / shipped.people))
  );
}

function thresholdShift(
  person: Person,
  moved: number,
  gallery: Gallery,
  options: Pick<NameThresholds, 'pooled'>,
): number {
  const own = gallery.cohort.map((vector) => personSimilarity(vector, person) ?? -1);
  const needed = Math.max(...own, -1) + aboveOwnStranger - options.pooled.threshold;
  return Math.min(mostAbove, Math.max(-mostBelow, moved, needed));
}

/** How much more alike than usual strangers are to this person. */
function nearShift(person: Person, cohort: Cohort): number {
  if (cohort.vectors.length === 0) return 0;
  return gain * (nearness(person, cohort.vectors) - cohort.nearness) - offset;
}

/**
 * What a track may need above its budgeted threshold: as much as misses nobody. Photos of one person are so alike that a few
 * of them leave room between a stranger and the person; a lone photo leaves none.
 */
function headroomShift(budgeted: number, genuine: Normal, templates: number): number {
  const { mean, standardDeviation: spread } = roomScores(genuine, templates, trackOfFive);
  return Math.min(mostHeadroom, Math.max(0, mean - normalAbove(mostFnir) * spread - budgeted));
}

/** Mean similarity of the closest 5 % of strangers to a person. Throws RangeError when the lengths of vectors differ. */
export function nearness(person: Pick<Person, 'templates'>, strangers: readonly Float32Array[]): number {
  const scores = Float32Array.from(strangers, (vector) => personSimilarity(vector, person) ?? -1).sort();
  const closest = scores.subarray(-Math.max(1, Math.round(closestShare * scores.length)));
  return closest.reduce((sum, score) => sum + score, 0) / closest.length;
}

/** What the margin needs above the shipped one: nothing below a similarity of 0.6, since there observations are far enough apart. */
function marginShift(alike: number, margin: number): number {
  const { mean, spread: wide } = lead(alike);
  const needed = normalAbove(confusionRate) * wide - mean;
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

// How often a person will be missed at a threshold, from the photos alone.

export interface ExpectedFnir {
  /** Share of good observations that will not reach the threshold by themselves. */
  readonly observations: number;
  /** Share of tracks of five good observations. */
  readonly tracks: number;
  /** Whether the person's own photos were enough for an estimate (three and more); otherwise it is the population's. */
  readonly own: boolean;
}

/**
 * Observations that no threshold gets: turned away, covered, blurred. With it the normal model gives 5.1, 2.1, 1.5, 1.2 and 1.2 % of
 * observations missed with 1, 2, 3, 5 and 8 templates; counted were 5.1, 2.3, 1.5, 1.2 and 1.1 %.
 */
const hopeless = 0.01;

/**
 * Expected misses of a person at the thresholds for an observation and for the pooled embedding of a track. `known` where it was
 * counted already. Without templates everything is missed.
 */
export function expectedFnir(
  person: Pick<Person, 'templates'>,
  single: number,
  pooled: number,
  known = genuineScores(person),
): ExpectedFnir {
  const count = person.templates.length;
  if (count === 0) return { observations: 1, tracks: 1, own: false };
  const below = (threshold: number, { mean, standardDeviation: spread }: Normal): number =>
    normalBelow((threshold - mean) / spread);
  return {
    observations: hopeless + (1 - hopeless) * below(single, portraitScores(known, count, 1)),
    tracks: below(pooled, portraitScores(known, count, trackOfFive)),
    own: known.own,
  };
}
