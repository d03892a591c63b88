// How similar observations are to a person when they are that person's, and when they are a stranger's: two normal distributions, and
// what a similarity says about which of the two it came from. Pure; every number was measured.
import type { Normal } from '../base/stats.js';
import type { GenuineScores, Person } from './person.js';
import { personSimilarity } from './similarity.js';

/**
 * Similarities of good observations to their person by the number of templates: mean over people, standard deviation between people, of
 * one person's observations and of tracks of five. Measured: 100 people with 12 to 14 portraits each, shipped student.
 */
const population = [
  { templates: 1, mean: 0.738, between: 0.068, observations: 0.093, tracks: 0.063 },
  { templates: 2, mean: 0.777, between: 0.061, observations: 0.074, tracks: 0.036 },
  { templates: 3, mean: 0.79, between: 0.057, observations: 0.069, tracks: 0.026 },
  { templates: 5, mean: 0.802, between: 0.053, observations: 0.065, tracks: 0.018 },
  { templates: 8, mean: 0.81, between: 0.052, observations: 0.06, tracks: 0.018 },
] as const;

/** A track of five observations is so much nearer to its person than an observation (0.062 to 0.069 with 1 to 5 templates). */
const pooledGain = 0.065;
/** What five observations of one track are worth, as they repeat each other (track-embedding.ts): for so many the tracks above were measured. */
export const trackOfFive = 5 / (1 + 0.3 * 4);

/**
 * Rooms are worse than portraits: with the degraded pictures the means are 0.023 to 0.028 lower and the standard deviations 0.003 to 0.009
 * wider, and those were degraded from portraits that looked into the camera. Taken as twice that.
 */
const room = 0.06;

/**
 * Weight of the population in photos, and what then is left unknown of a person's mean: the leave-one-out mean of 3, 5 and 8
 * photos so drawn in is off by 0.040, 0.034 and 0.033, without it by 0.056, 0.042 and 0.038, the population's alone by 0.054.
 */
const shrink = 3;
const unknown = 0.036;

/** Photos from which leaving one out says something. */
const leastTemplates = 3;

/**
 * Strangers' similarities to one person, so that the upper tail is right: of 1,500 strangers 1 % are above 2.37 standard deviations, 0.5 %
 * above 2.60, one above 3.45 (100 people; the normal distribution: 2.33, 2.58, 3.2). The same from 1 to 16 pooled observations (592
 * other people: mean 0.04, standard deviation 0.147 to 0.149; 1 of 3,000 above 0.53 to 0.56).
 */
export const impostorScores: Normal = { mean: 0.0875, standardDeviation: 0.1415 };

/** How like a person's observations will be to the photos. A person without templates is like nothing. */
export function genuineScores(person: Pick<Person, 'templates'>): GenuineScores {
  const count = person.templates.length;
  const others = measuredWith(count);
  const own = leaveOneOut(person);
  if (own === null) return { mean: others.mean, standardDeviation: others.between, own: false };
  const shifted = (count / (count + shrink)) * (own - measuredWith(count - 1).mean);
  return { mean: others.mean + shifted, standardDeviation: unknown, own: true };
}

/** Similarity of portraits, `observations` (effective, 1 and more) of them pooled, of a person with so many templates. */
export function portraitScores({ mean, standardDeviation }: Normal, templates: number, observations: number): Normal {
  const { observations: one, tracks: five } = measuredWith(templates);
  const towards = (1 - 1 / Math.max(1, observations)) / (1 - 1 / trackOfFive);
  const own = Math.max(five ** 2 / 2, one ** 2 + (five ** 2 - one ** 2) * towards);
  return { mean: mean + pooledGain * towards, standardDeviation: Math.hypot(standardDeviation, Math.sqrt(own)) };
}

/** The same for what a room's camera gives. */
export function roomScores(genuine: Normal, templates: number, observations: number): Normal {
  const { mean, standardDeviation } = portraitScores(genuine, templates, observations);
  return { mean, standardDeviation: Math.hypot(standardDeviation, room) };
}

/** ln of how much likelier `similarity` is under `genuine` than under `impostor`. */
export function logLikelihoodRatio(similarity: number, genuine: Normal, impostor: Normal): number {
  return logDensity(similarity, genuine) - logDensity(similarity, impostor);
}

/**
 * The similarity at which the log-likelihood ratio reaches `ratio` from below; infinite where it never does. `genuine` must
 * be narrower and higher than `impostor`, as observations of one person are; up to its turning point, above 1, the ratio then rises.
 */
export function similarityAt(ratio: number, genuine: Normal, impostor: Normal): number {
  const [g, s] = [1 / genuine.standardDeviation ** 2, 1 / impostor.standardDeviation ** 2];
  const a = (s - g) / 2;
  const b = genuine.mean * g - impostor.mean * s;
  const c = logLikelihoodRatio(0, genuine, impostor) - ratio;
  const inside = b * b - 4 * a * c;
  return inside < 0 ? Number.POSITIVE_INFINITY : (-b + Math.sqrt(inside)) / (2 * a);
}

function logDensity(value: number, { mean, standardDeviation }: Normal): number {
  return -(((value - mean) / standardDeviation) ** 2) / 2 - Math.log(standardDeviation * Math.sqrt(2 * Math.PI));
}

/** The measured row of the largest number of templates that is not more than `count`. */
function measuredWith(count: number): (typeof population)[number] {
  return population.findLast((row) => row.templates <= count) ?? population[0];
}

/** Mean similarity of each photo to the others of its person; null with fewer than three. */
function leaveOneOut({ templates }: Pick<Person, 'templates'>): number | null {
  if (templates.length < leastTemplates) return null;
  const scores = templates.map(
    (one) => personSimilarity(one.vector, { templates: templates.filter((other) => other !== one) }) ?? 0,
  );
  return scores.reduce((sum, score) => sum + score, 0) / scores.length;
}
