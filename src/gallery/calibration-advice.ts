// Turns a calibration into advice for the user. Each sentence names a person and an action.
import type { Calibration, PersonCalibration } from './calibration.js';
import { outliers } from './enrolment.js';
import type { Gallery } from './person.js';

/** Up to this many photos, each further photo lowers the FNIR a lot: 5.1 % of observations with 1, 2.3 % with 2, 1.5 % with 3. */
const fewPhotos = 3;
/** Expected FNIR of tracks from which more photos are advised. */
const manyMissed = 0.01;
/** Similarity of two people from which the margin is adjusted (calibration.ts). Below it the shipped margin suffices. */
const alikeFrom = 0.6;
/** A threshold this far above the shipped one means that many impostors look like the person. */
const muchHigher = 0.05;

/** Advice for the user, the most urgent first. `gallery` is the one that was calibrated. */
export function calibrationAdvice(gallery: Gallery, { people, closestPair }: Calibration): readonly string[] {
  const advice: string[] = [];
  const name = (id: string): string => people.find(({ person }) => person === id)?.name ?? id;
  if (closestPair !== null && closestPair.similarity >= alikeFrom) {
    const [a, b] = closestPair.people.map(name);
    const alike = closestPair.similarity.toFixed(2);
    advice.push(
      `${a} and ${b} are alike (similarity ${alike}): in unclear cases neither is named. More photos of both help.`,
    );
  }
  for (const person of people) {
    const reason = needsPhotos(person);
    if (reason !== null) advice.push(`${person.name} ${reason}: roomkin enrol "${person.name}" --photos PATH...`);
    const unusual = outliers(gallery.people.find(({ id }) => id === person.person)?.templates ?? []);
    if (unusual.length > 0) {
      const photos = unusual.length === 1 ? 'photo is' : 'photos are';
      advice.push(`${unusual.length} ${photos} unlike the others of ${person.name}: perhaps somebody else is on it.`);
    }
    if (person.adjustment.threshold >= muchHigher) {
      advice.push(`Many strangers look like ${person.name}, who therefore needs to be seen more clearly.`);
    }
  }
  return advice;
}

/** The people with so few photos that more of them would help a lot. */
export function peopleWithFewPhotos(gallery: Gallery): Gallery['people'] {
  return gallery.people.filter(({ templates }) => templates.length < fewPhotos);
}

/** Why more photos of somebody would help; null where they would not. */
function needsPhotos({ templates, fnir }: PersonCalibration): string | null {
  if (templates < fewPhotos) {
    return `has ${templates === 1 ? 'one photo' : `${templates} photos`}; with five they are missed far less often`;
  }
  if (fnir.tracks < manyMissed) return null;
  return `will be missed now and then (${(100 * fnir.tracks).toFixed(0)} % of tracks), other photos would help`;
}
