// Guards for corrections: an observation may become a negative template or a template of a person. The guards ensure that neither one
// mistake nor many small steps make a person lose their own face or drift to the face of somebody else. Pure.
//
// Invariant: whether an observation may become a template depends on photos alone, never on observations that were learned before.
// The thousandth correction therefore reaches no further than the first.
import { duplicateAbove, mostTemplates } from '../gallery/enrolment.js';
import { identify, type Thresholds } from '../gallery/identify.js';
import type { Gallery, Person, Template } from '../gallery/person.js';
import { reasonText } from '../gallery/reason-text.js';
import { negativeTemplateOf, personSimilarity, similarity } from '../gallery/similarity.js';
import type { DecidedObservation } from '../recognition/observation.js';
import { goodWeight } from '../vision/quality-gate.js';

type CorrectedObservation = Pick<DecidedObservation, 'embedding' | 'weight'>;

/**
 * `refused` gives the reason with its figures and what to do instead. `withoutFigures` gives it without any similarity, for messages
 * that leave this machine. Both continue a sentence.
 */
export interface RefusedCorrection {
  readonly refused: string;
  readonly withoutFigures: string;
}

/** A refusal that has no figure. */
const refusal = (refused: string): RefusedCorrection => ({ refused, withoutFigures: refused });

/** The embedding to store. `known` is true if an equal one is stored already. */
export interface AcceptedCorrection {
  readonly embedding: Float32Array;
  readonly known: boolean;
}

/**
 * From this similarity on, a face counts as the person's own. With three photos 92 % of the correctly named observations are above it
 * (74 % with one photo), and 0.5 % of the wrongly named ones (100 people, shipped thresholds).
 */
const ownFaceSimilarity = 0.7;

/**
 * An observation may be learned if its similarity is at most this far below the threshold of a single observation. 41 % of the good
 * observations that got no name are in this range; 0.25 % of the observations of impostors are above its lower end, per person (100
 * people, 1 to 5 photos).
 */
const learnedBelow = 0.05;

/** The most templates of a person that come from the camera. There are also never more of them than photos. */
const mostObservations = 20;

/**
 * Decides whether an observation may become a negative template of `person`. It is refused if the person would lose their own face: if
 * it is too similar to them, or closer to one of their photos than their other photos are.
 */
export function mayBecomeNegative(
  { embedding, weight }: CorrectedObservation,
  person: Person,
): AcceptedCorrection | RefusedCorrection {
  if (embedding === null || weight <= 0)
    return refusal('the observation is too poor to count, so it named nobody: choose one that counts');
  const score = personSimilarity(embedding, person);
  if (score === null) return refusal(`${person.name} has no photo of this model: enrol again`);
  const lost = person.templates.filter((template) => wouldBeRejected(person, template, embedding));
  if (lost.length > 0 || score >= ownFaceSimilarity) {
    const affected = lost.length > 0 ? lost : [nearest(embedding, person.templates)];
    const photos = affected.map(({ id }) => id).join(', ');
    const noun = affected.length > 1 ? 'photos' : 'photo';
    const figures = `it resembles ${person.name} (similarity ${score.toFixed(2)}) and ${noun} ${photos}`;
    const effect = `${person.name} would lose the name too`;
    const advice = 'if it is somebody else, enrol them too, or see roomkin people --check';
    return {
      refused: `${figures}, so ${effect}: ${advice}`,
      withoutFigures: `it resembles ${person.name} so much that ${effect}: ${advice}`,
    };
  }
  const known = (person.negativeTemplates ?? []).some(({ vector }) => similarity(vector, embedding) > duplicateAbove);
  return { embedding, known };
}

/** Whether `template`, as a probe, would no longer get the name of its own person if `face` became a negative template. */
function wouldBeRejected(person: Person, template: Template, face: Float32Array): boolean {
  const others = { templates: person.templates.filter((other) => other !== template) };
  const score = personSimilarity(template.vector, others);
  return (
    score !== null &&
    negativeTemplateOf(template.vector, { negativeTemplates: [{ id: 0, vector: face }] }, score) !== null
  );
}

function nearest(face: Float32Array, templates: readonly Template[]): Template {
  return templates.reduce((best, template) =>
    similarity(face, template.vector) > similarity(face, best.vector) ? template : best,
  );
}

/**
 * Decides whether an observation may become a template of `person`. It must be of good quality, and the photos alone must give it the
 * name or nearly so. `gallery` is calibrated (see calibration.ts); `thresholds` are those of a single observation.
 */
export function mayBecomeTemplate(
  { embedding, weight }: CorrectedObservation,
  person: Person,
  gallery: Gallery,
  thresholds: Thresholds,
): AcceptedCorrection | RefusedCorrection {
  const enrol = `enrol photos instead: roomkin enrol "${person.name}" --photos PATH`;
  if (embedding === null || weight < goodWeight) {
    const figures = `the observation has the weight ${weight.toFixed(2)}, ${goodWeight.toFixed(2)} needed`;
    const advice = 'choose one that is larger, sharper, better lit or less turned';
    return { refused: `${figures}: ${advice}`, withoutFigures: `the observation is too poor: ${advice}` };
  }
  if (person.templates.some(({ vector }) => similarity(vector, embedding) > duplicateAbove))
    return { embedding, known: true };
  const photos = photosOnly(person);
  if (photos.templates.length === 0) return refusal(`${person.name} has no photo of this model: enrol again`);
  const negative = negativeTemplateOf(embedding, person, personSimilarity(embedding, photos) ?? -1);
  if (negative !== null) {
    const advice = `if it is ${person.name}, run roomkin correct --undo ${negative.id} first`;
    return refusal(`an earlier correction marked a similar face as not ${person.name}: ${advice}`);
  }
  const rivals = gallery.people.filter((other) => {
    // A person whose negative template matches this face does not compete for it.
    const score = personSimilarity(embedding, other);
    return other.id !== person.id && (score === null || negativeTemplateOf(embedding, other, score) === null);
  });
  const match = identify(
    embedding,
    { ...gallery, people: [photos, ...rivals.map(photosOnly)] },
    { ...thresholds, threshold: thresholds.threshold - learnedBelow, strangerBelow: -1 },
  );
  if (match.person !== person.id) {
    const other = gallery.people.find(({ id }) => id === match.best && id !== person.id);
    const names = new Map(gallery.people.map(({ id, name }) => [id, name]));
    const why =
      other === undefined
        ? reasonText(match.reason, names)
        : `it is closer to ${other.name} (${match.similarity!.toFixed(2)})`;
    const fact = `the photos of ${person.name} do not clearly match it`;
    return { refused: `${fact}: ${why}; ${enrol}`, withoutFigures: `${fact}: ${enrol}` };
  }
  return refuseWhenFull(person, photos) ?? { embedding, known: false };
}

/** The person with the templates from photos only, without those that corrections added. */
function photosOnly(person: Person): Person {
  return { ...person, templates: person.templates.filter(({ corrected }) => !corrected) };
}

function refuseWhenFull({ name, templates }: Person, photos: Person): RefusedCorrection | null {
  const observations = templates.length - photos.templates.length;
  if (observations >= Math.min(mostObservations, photos.templates.length)) {
    const figures = `${name} has ${observations} templates from the camera and ${photos.templates.length} photos, more are not safe`;
    return refusal(`${figures}: enrol more photos, or undo an older correction with roomkin correct --undo`);
  }
  if (templates.length < mostTemplates) return null;
  return refusal(
    `${name} has ${templates.length} templates, which is the maximum: disable one with roomkin people --disable`,
  );
}
