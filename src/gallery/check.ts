// Finds faulty photos of a gallery: duplicates, photos unlike their own person, and photos too close to another person.
import { duplicateAbove, outliers } from './enrolment.js';
import type { Thresholds } from './identify.js';
import { misplaced } from './misplaced.js';
import type { Gallery, Person, PersonId, Template } from './person.js';
import { negativeTemplateOf, personSimilarity, similarity } from './similarity.js';

/**
 * `twice`: the same photo is also stored for `other`, who may be the same person. `unlike`: the photo is unlike the other photos of its
 * person. `confusable`: as a probe it would get the name of `other` or be ambiguous. `rejected`: it is closer to a negative template of
 * its person than to their other photos.
 */
export interface GalleryFault {
  readonly kind: 'twice' | 'unlike' | 'confusable' | 'rejected';
  readonly person: PersonId;
  /** Id of the photo's template. */
  readonly template: number;
  readonly other: PersonId | null;
  /** Id of the duplicate; null unless `kind` is `twice`. */
  readonly otherTemplate: number | null;
  /** Id of the correction that rejects this photo; null unless `kind` is `rejected`. */
  readonly correction: number | null;
  /** Similarity to the duplicate, to the other photos of its person, to `other` or to the negative template. */
  readonly similarity: number;
}

/** The faults in the order of the gallery, for each photo only the worst. `single`: the thresholds for a single observation. */
export function checkGallery(
  gallery: Gallery,
  single: Pick<Thresholds, 'threshold' | 'margin'>,
): readonly GalleryFault[] {
  const checked: { readonly person: PersonId; readonly template: Template }[] = [];
  const faults: GalleryFault[] = [];
  // Photos of one person among those of another draw their centre away, so that right photos would seem wrong.
  const strays = new Set(
    misplaced(gallery.people.map(({ templates }) => ({ photos: templates }))).map(({ photo }) => photo),
  );
  const people = gallery.people.map((person) => {
    return { ...person, templates: person.templates.filter((template) => !strays.has(template)) };
  });
  for (const [index, person] of gallery.people.entries()) {
    const sorted = people[index]!;
    const unusual = new Set([...outliers(sorted.templates), ...strays]);
    for (const template of person.templates) {
      const fault =
        duplicate(person, template, checked) ??
        confusable(sorted, template, people, single) ??
        rejected(sorted, template) ??
        (unusual.has(template) ? unlike(sorted, template) : null);
      if (fault !== null) faults.push(fault);
      checked.push({ person: person.id, template });
    }
  }
  return faults;
}

function duplicate(
  { id }: Person,
  template: Template,
  checked: readonly { readonly person: PersonId; readonly template: Template }[],
): GalleryFault | null {
  for (const earlier of checked) {
    const alike = similarity(earlier.template.vector, template.vector);
    if (alike <= duplicateAbove) continue;
    const { person: other, template: first } = earlier;
    return { ...fault('twice', id, template, alike), other, otherTemplate: first.id };
  }
  return null;
}

/** Compares the photo as a probe with its own person without it and with everybody else. */
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
  const negative = own === null ? null : negativeTemplateOf(template.vector, person, own);
  if (negative === null) return null;
  const alike = similarity(template.vector, negative.vector);
  return { ...fault('rejected', person.id, template, alike), correction: negative.id };
}

function unlike(person: Person, template: Template): GalleryFault {
  const alike = ownSimilarity(person, template) ?? 0;
  return fault('unlike', person.id, template, alike);
}

function fault(kind: GalleryFault['kind'], person: PersonId, { id }: Template, alike: number): GalleryFault {
  return { kind, person, template: id, other: null, otherTemplate: null, correction: null, similarity: alike };
}

/** Similarity to the person's other photos; null if this is the only one. */
function ownSimilarity({ templates }: Person, template: Template): number | null {
  return personSimilarity(template.vector, { templates: templates.filter((other) => other !== template) });
}
