// The score model: normal distributions of the similarity of a person's own observations (genuine) and of impostors, and the likelihood
// ratio of the two. Pure; every number was measured.
import type { Normal } from '../base/stats.js';
import type { GenuineScores, Person } from './person.js';
import { personSimilarity } from './similarity.js';

/**
 * Similarities of good observations to their person by the number of templates: mean over people, and the standard deviations between
 * people, of the observations of one person, and of tracks of five. Measured: 100 people with 12 to 14 portraits each, shipped student.
 */
const population = [
  { templates: 1, mean: 0.738, between: 0.068, observations: 0.093, tracks: 0.063 },
  { templates: 2, mean: 0.777, between: 0.061, observations: 0.074, tracks: 0.036 },
  { templates: 3, mean: 0.79, between: 0.057, observations: 0.069, tracks: 0.026 },
  { templates: 5, mean: 0.802, between: 0.053, observations: 0.065, tracks: 0.018 },
  { templates: 8, mean: 0.81, between: 0.052, observations: 0.06, tracks: 0.018 },
] as const;

/** The similarity of a track of five observations is higher by this much than that of one (0.062 to 0.069 with 1 to 5 templates). */
const pooledGain = 0.065;
/** The effective number of five observations of a track, which repeat each other (track-embedding.ts). `population` was measured with it. */
export const trackOfFive = 5 / (1 + 0.3 * 4);

/**
 * Additional standard deviation in rooms, which are harder than portraits. With degraded portraits the means are 0.023 to 0.028 lower and
 * the standard deviations 0.003 to 0.009 wider. Those portraits faced the camera, so this is about twice as much.
 */
const room = 0.06;

/**
 * The weight of the population in photos, and the remaining uncertainty of a person's mean. With this weight the leave-one-out mean of 3,
 * 5 and 8 photos is off by 0.040, 0.034 and 0.033, without it by 0.056, 0.042 and 0.038, and the population's mean alone by 0.054.
 */
const populationWeight = 3;
const meanUncertainty = 0.036;

/** Leave-one-out needs at least this many photos. */
const leastTemplates = 3;

/**
 * Similarities of impostors to one person, fitted to the upper tail. Of 1,500 impostors 1 % are above 2.37 standard deviations, 0.5 % above
 * 2.60 and one above 3.45 (100 people; the normal distribution has 2.33, 2.58 and 3.2). It holds from 1 to 16 pooled observations (592
 * other people: mean 0.04, standard deviation 0.147 to 0.149; 1 of 3,000 above 0.53 to 0.56).
 */
export const impostorScores: Normal = { mean: 0.0875, standardDeviation: 0.1415 };

/** The expected similarity of a person's observations to the photos. */
export function genuineScores(person: Pick<Person, 'templates'>): GenuineScores {
  const count = person.templates.length;
  const measured = measuredWith(count);
  const own = leaveOneOut(person);
  if (own === null) return { mean: measured.mean, standardDeviation: measured.between, own: false };
  const shifted = (count / (count + populationWeight)) * (own - measuredWith(count - 1).mean);
  return { mean: measured.mean + shifted, standardDeviation: meanUncertainty, own: true };
}

/** Similarity of `observations` pooled portraits (effective number, at least 1) to a person with `templates` templates. */
export function portraitScores({ mean, standardDeviation }: Normal, templates: number, observations: number): Normal {
  const measured = measuredWith(templates);
  const [singleVariance, trackVariance] = [measured.observations ** 2, measured.tracks ** 2];
  // 0 for a single observation, 1 for a track of five.
  const share = (1 - 1 / Math.max(1, observations)) / (1 - 1 / trackOfFive);
  const variance = Math.max(trackVariance / 2, singleVariance + (trackVariance - singleVariance) * share);
  return { mean: mean + pooledGain * share, standardDeviation: Math.hypot(standardDeviation, Math.sqrt(variance)) };
}

/** The same for observations of a room's camera. */
export function roomScores(genuine: Normal, templates: number, observations: number): Normal {
  const { mean, standardDeviation } = portraitScores(genuine, templates, observations);
  return { mean, standardDeviation: Math.hypot(standardDeviation, room) };
}

/** The natural logarithm of the likelihood ratio of `similarity` under `genuine` and under `impostor`. */
export function logLikelihoodRatio(similarity: number, genuine: Normal, impostor: Normal): number {
  return logDensity(similarity, genuine) - logDensity(similarity, impostor);
}

/**
 * The similarity at which the log-likelihood ratio reaches `ratio` from below; infinite if it never does. `genuine` must have a smaller
 * standard deviation and a larger mean than `impostor`; the ratio then rises up to its turning point, which is above 1.
 */
export function similarityAt(ratio: number, genuine: Normal, impostor: Normal): number {
  const [g, s] = [1 / genuine.standardDeviation ** 2, 1 / impostor.standardDeviation ** 2];
  const a = (s - g) / 2;
  const b = genuine.mean * g - impostor.mean * s;
  const c = logLikelihoodRatio(0, genuine, impostor) - ratio;
  const discriminant = b * b - 4 * a * c;
  return discriminant < 0 ? Number.POSITIVE_INFINITY : (-b + Math.sqrt(discriminant)) / (2 * a);
}

function logDensity(value: number, { mean, standardDeviation }: Normal): number {
  return -(((value - mean) / standardDeviation) ** 2) / 2 - Math.log(standardDeviation * Math.sqrt(2 * Math.PI));
}

/** The measured row with the largest number of templates up to `count`. */
function measuredWith(count: number): (typeof population)[number] {
  return population.findLast((row) => row.templates <= count) ?? population[0];
}

/** Mean similarity of each photo to the others of its person; null with fewer than three. */
function leaveOneOut({ templates }: Pick<Person, 'templates'>): number | null {
  if (templates.length < leastTemplates) return null;
  const scores = templates.map(
    (template) =>
      personSimilarity(template.vector, { templates: templates.filter((other) => other !== template) }) ?? 0,
  );
  return scores.reduce((sum, score) => sum + score, 0) / scores.length;
}
