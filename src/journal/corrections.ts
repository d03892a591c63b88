// What somebody may say about an observation: that it is not a person, or that it is. Pure guards, so that neither one slip nor many
// small steps can take a person's face away or lead it to somebody else's.
//
// Invariant: what an observation may teach depends on photos alone, never on observations that were learned before: the thousandth correction
// reaches no further than the first.
import { duplicateAbove, mostTemplates } from '../gallery/enrolment.js';
import { identify, type Thresholds } from '../gallery/identify.js';
import type { Gallery, Person, Template } from '../gallery/person.js';
import { reasonText } from '../gallery/reason-text.js';
import { negativeTemplateOf, personSimilarity, similarity } from '../gallery/similarity.js';
import type { DecidedObservation } from '../recognition/observation.js';
import { goodWeight } from '../vision/quality-gate.js';

type Seen = Pick<DecidedObservation, 'embedding' | 'weight'>;

/** A sentence's end that says why, with the figures and what to do instead. */
export interface Refused {
  readonly refused: string;
}

/** What an observation teaches; `known` where it teaches nothing new. */
export interface Taught {
  readonly embedding: Float32Array;
  readonly known: boolean;
}

/**
 * From here on a face is the person's own. Of observations that were named rightly 92 % are above with three photos (74 % with one), of those
 * named wrongly 0.5 % (100 people, shipped thresholds).
 */
const ownFrom = 0.7;

/**
 * So far below the threshold of one observation a face may be learned: of good observations that were missed 41 % are in this range, of
 * strangers' observations 0.25 % are above its lower end, per person (100 people, 1 to 5 photos).
 */
const learnedBelow = 0.05;

/** Observations of the camera among the templates of a person at most; never more than there are photos. */
const mostObservations = 20;

/**
 * Whether `observation` may be kept as a face that is not `person`. Refused where it would take the person's own face away: too like them, or
 * nearer to one of their photos than the others are.
 */
export function mayBecomeNegative({ embedding, weight }: Seen, person: Person): Taught | Refused {
  if (embedding === null || weight <= 0)
    return { refused: 'the observation was too poor to count, so it named nobody: choose one that did' };
  const score = personSimilarity(embedding, person);
  if (score === null) return { refused: `${person.name} has no photo of this model: enrol again` };
  const own = person.templates.filter((template) => takenAway(person, template, embedding));
  if (own.length > 0 || score >= ownFrom) {
    const told = own.length > 0 ? own : [nearest(embedding, person.templates)];
    const photos = told.map(({ id }) => id).join(', ');
    const figures = `it is ${score.toFixed(2)} like ${person.name} and ${photos.includes(',') ? 'photos' : 'photo'} ${photos}`;
    const advice = 'if it is somebody else, enrol them too, or see roomkin people --check';
    return { refused: `${figures}, so ${person.name} would lose the name too: ${advice}` };
  }
  const known = (person.negativeTemplates ?? []).some(({ vector }) => similarity(vector, embedding) > duplicateAbove);
  return { embedding, known };
}

/** Whether `template`, as a look at its own person, would be refused the name once `face` is not them. */
function takenAway(person: Person, template: Template, face: Float32Array): boolean {
  const rest = { templates: person.templates.filter((other) => other !== template) };
  const score = personSimilarity(template.vector, rest);
  return (
    score !== null &&
    negativeTemplateOf(template.vector, { negativeTemplates: [{ id: 0, vector: face }] }, score) !== null
  );
}

function nearest(face: Float32Array, templates: readonly Template[]): Template {
  return templates.reduce((best, one) => (similarity(face, one.vector) > similarity(face, best.vector) ? one : best));
}

/**
 * Whether `observation` may become a template of `person`: a good one that is theirs by the photos, or nearly. `gallery` carries what
 * each person needs (see calibration.ts), `thresholds` are those of one observation.
 */
export function mayBecomeTemplate(
  { embedding, weight }: Seen,
  person: Person,
  gallery: Gallery,
  thresholds: Thresholds,
): Taught | Refused {
  const enrol = `enrol photos instead: roomkin enrol "${person.name}" --photos PATH`;
  if (embedding === null || weight < goodWeight) {
    const counted = `the observation counts ${weight.toFixed(2)}, ${goodWeight.toFixed(2)} needed`;
    return { refused: `${counted}: choose one that is larger, sharper, better lit or less turned` };
  }
  if (person.templates.some(({ vector }) => similarity(vector, embedding) > duplicateAbove))
    return { embedding, known: true };
  const photos = byPhotos(person);
  if (photos.templates.length === 0) return { refused: `${person.name} has no photo of this model: enrol again` };
  const rejection = negativeTemplateOf(embedding, person, personSimilarity(embedding, photos) ?? -1);
  if (rejection !== null) {
    const advice = `roomkin correct --undo ${rejection.id} first, if it is`;
    return { refused: `a face like it was said not to be ${person.name}: ${advice}` };
  }
  const rivals = gallery.people.filter((one) => {
    // Who was said not to be this face does not compete for it.
    const score = personSimilarity(embedding, one);
    return one.id !== person.id && (score === null || negativeTemplateOf(embedding, one, score) === null);
  });
  const found = identify(
    embedding,
    { ...gallery, people: [photos, ...rivals.map(byPhotos)] },
    { ...thresholds, threshold: thresholds.threshold - learnedBelow, strangerBelow: -1 },
  );
  if (found.person !== person.id) {
    const other = gallery.people.find(({ id }) => id === found.best && id !== person.id);
    const names = new Map(gallery.people.map(({ id, name }) => [id, name]));
    const why =
      other === undefined
        ? reasonText(found.reason, names)
        : `it is nearer to ${other.name} (${found.similarity!.toFixed(2)})`;
    return { refused: `by the photos of ${person.name} it is not clearly ${person.name}: ${why}; ${enrol}` };
  }
  return room(person, photos) ?? { embedding, known: false };
}

/** The person as enrolled, without what the camera taught. */
function byPhotos(person: Person): Person {
  return { ...person, templates: person.templates.filter(({ corrected }) => !corrected) };
}

function room({ name, templates }: Person, photos: Person): Refused | null {
  const observations = templates.length - photos.templates.length;
  if (observations >= Math.min(mostObservations, photos.templates.length)) {
    const figures = `${name} has ${observations} observations of the camera for ${photos.templates.length} photos, more are not safe`;
    return { refused: `${figures}: enrol more photos, or roomkin correct --undo an older one` };
  }
  if (templates.length < mostTemplates) return null;
  return {
    refused: `${name} has ${templates.length} templates, the most there can be: roomkin people --disable one of them`,
  };
}
