// What is wrong with the photos of a gallery: twice the same, unlike their own person, nearer to another than is good.
import { duplicateAbove, outliers } from './enrolment.js';
import type { Thresholds } from './identify.js';
import type { Gallery, Person, PersonId, Template } from './person.js';
import { negativeTemplateOf, personSimilarity, similarity } from './similarity.js';

/**
 * `twice`: the same observation is kept a second time, of `other`, who may be the same person. `unlike`: unlike the other photos of its
 * person. `confusable`: as an observation of the room's camera it would be `other`, or it would be open which of the two it is.
 * `rejected`: nearer to a face that was said not to be this person than to the rest of them.
 */
export interface GalleryFault {
  readonly kind: 'twice' | 'unlike' | 'confusable' | 'rejected';
  readonly person: PersonId;
  /** Id of the photo's template. */
  readonly template: number;
  readonly other: PersonId | null;
  /** The photo that is this one a second time; null where it is none. */
  readonly otherTemplate: number | null;
  /** The correction by which this photo is none of its person. */
  readonly correction: number | null;
  /** To the other photo, to the rest of its own person, or to `other`. */
  readonly similarity: number;
}

/** The faults of a gallery in its order; a photo is named once, by the worst of them. `single`: the thresholds for one observation. */
export function checkGallery(
  gallery: Gallery,
  single: Pick<Thresholds, 'threshold' | 'margin'>,
): readonly GalleryFault[] {
  const seen: { readonly person: PersonId; readonly template: Template }[] = [];
  const faults: GalleryFault[] = [];
  for (const person of gallery.people) {
    const odd = new Set(outliers(person.templates));
    for (const template of person.templates) {
      const fault =
        twin(person, template, seen) ??
        confusable(person, template, gallery.people, single) ??
        rejected(person, template) ??
        (odd.has(template) ? unlike(person, template) : null);
      if (fault !== null) faults.push(fault);
      seen.push({ person: person.id, template });
    }
  }
  return faults;
}

function twin(
  { id }: Person,
  template: Template,
  seen: readonly { readonly person: PersonId; readonly template: Template }[],
): GalleryFault | null {
  for (const before of seen) {
    const alike = similarity(before.template.vector, template.vector);
    if (alike <= duplicateAbove) continue;
    const { person: other, template: first } = before;
    return { ...fault('twice', id, template, alike), other, otherTemplate: first.id };
  }
  return null;
}

/** A photo is a look like any other: its own person without it, and everybody else, compete for its name. */
function confusable(
  person: Person,
  template: Template,
  people: readonly Person[],
  single: Pick<Thresholds, 'threshold' | 'margin'>,
): GalleryFault | null {
  const own = ownSimilarity(person, template);
  let worst: GalleryFault | null = null;
  for (const other of people) {
    if (other === person) continue;
    const alike = personSimilarity(template.vector, other) ?? -1;
    const near = alike >= single.threshold && (own === null || alike > own - single.margin);
    if (!near || alike <= (worst?.similarity ?? -1)) continue;
    worst = { ...fault('confusable', person.id, template, alike), other: other.id };
  }
  return worst;
}

function rejected(person: Person, template: Template): GalleryFault | null {
  const own = ownSimilarity(person, template);
  const rejection = own === null ? null : negativeTemplateOf(template.vector, person, own);
  if (rejection === null) return null;
  const alike = similarity(template.vector, rejection.vector);
  return { ...fault('rejected', person.id, template, alike), correction: rejection.id };
}

function unlike(person: Person, template: Template): GalleryFault {
  const alike = ownSimilarity(person, template) ?? 0;
  return fault('unlike', person.id, template, alike);
}

function fault(kind: GalleryFault['kind'], person: PersonId, { id }: Template, alike: number): GalleryFault {
  return { kind, person, template: id, other: null, otherTemplate: null, correction: null, similarity: alike };
}

/** Similarity to the person's other photos; null where this is the only one. */
function ownSimilarity({ templates }: Person, template: Template): number | null {
  return personSimilarity(template.vector, { templates: templates.filter((other) => other !== template) });
}
