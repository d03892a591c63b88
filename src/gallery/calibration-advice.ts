// What a user can do about a calibration, in sentences. Each names people and something to do; none is said without need.
import type { Calibration, PersonCalibration } from './calibration.js';
import { outliers } from './enrolment.js';
import type { Gallery } from './person.js';

/** Below this many photos the misses of a person fall fast with each one more: 5.1 % of observations with 1, 2.3 % with 2, 1.5 % with 3. */
const fewPhotos = 3;
/** Expected share of tracks missed from which more photos are worth the trouble. */
const manyMissed = 0.01;
/** Two people this alike are a matter of the margin (calibration.ts): until here observations lead far enough by themselves. */
const alikeFrom = 0.6;
/** A threshold this far above the shipped one comes from strangers who look like the person. */
const muchHigher = 0.05;

/** Sentences for people, the most urgent first. `gallery` is the one that was calibrated. */
export function calibrationAdvice(gallery: Gallery, { people, closestPair }: Calibration): readonly string[] {
  const advice: string[] = [];
  const name = (id: string): string => people.find(({ person }) => person === id)?.name ?? id;
  if (closestPair !== null && closestPair.similarity >= alikeFrom) {
    const [a, b] = closestPair.people.map(name);
    const alike = closestPair.similarity.toFixed(2);
    advice.push(`${a} and ${b} are alike (${alike}): where in doubt neither is named. More photos of both help.`);
  }
  for (const one of people) {
    const reason = needsPhotos(one);
    if (reason !== null) advice.push(`${one.name} ${reason}: roomkin enrol "${one.name}" --photos PATH...`);
    const odd = outliers(gallery.people.find(({ id }) => id === one.person)?.templates ?? []);
    if (odd.length > 0) {
      const photos = odd.length === 1 ? 'photo is' : 'photos are';
      advice.push(`${odd.length} ${photos} unlike the others of ${one.name}: perhaps somebody else is on it.`);
    }
    if (one.adjustment.threshold >= muchHigher) {
      advice.push(`Many strangers look like ${one.name}, who therefore needs to be seen more clearly.`);
    }
  }
  return advice;
}

/** Why more photos of somebody would help; null where they would not. */
function needsPhotos({ templates, fnir: misses }: PersonCalibration): string | null {
  if (templates < fewPhotos) {
    return `has ${templates === 1 ? 'one photo' : `${templates} photos`}, five miss far fewer observations`;
  }
  if (misses.tracks < manyMissed) return null;
  return `will be missed now and then (${(100 * misses.tracks).toFixed(0)} % of tracks), other photos would help`;
}
