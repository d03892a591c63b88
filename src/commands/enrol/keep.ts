// The last step of every enrolment: the guards, then the looks of one person into the gallery, inside the caller's transaction.
import { fail } from '../../base/errors.js';
import { chooseTemplates, tooAlike, unlikeSelf } from '../../gallery/enrolment.js';
import type { Gallery, PersonId } from '../../gallery/person.js';
import type { Changes, NewTemplate } from '../../store/store.js';
import type { CommandIo } from '../command.js';

/** What became of one person's looks. */
export interface KeptSamples {
  readonly person: PersonId;
  readonly name: string;
  readonly added: number;
  readonly redundant: number;
  readonly templates: number;
}

export interface Enrolment {
  readonly name: string;
  readonly looks: readonly NewTemplate[];
  readonly space: string;
  /** Two people may be as alike as they are. */
  readonly force: boolean;
  /** What the looks are called: "photos". */
  readonly what: string;
}

/** Errors: PERSON_TOO_ALIKE, and those of the gallery; nothing is kept then. */
export function keepSamples(changes: Changes, enrolment: Enrolment, log: CommandIo['log']): KeptSamples {
  const { name, looks, space, force, what } = enrolment;
  const person = changes.person(name);
  const gallery = changes.gallery(space);
  const self = gallery.people.find(({ id }) => id === person)!;
  if (!force) refuseTooAlike(enrolment, gallery, person);
  if (unlikeSelf(looks, self))
    log('warning', `the new ${what} look unlike the ${self.name} who is enrolled: is it ${name}?`);
  const { add, redundant, remove } = chooseTemplates(self, looks);
  changes.removeTemplates(remove);
  const added = add.filter((look) => changes.addTemplate(person, look)).length;
  const templates = self.templates.length - remove.length + added;
  return { person, name: self.name, added, redundant: redundant.length, templates };
}

/** Errors: PERSON_TOO_ALIKE where the looks could be those of somebody other than `self`. */
export function refuseTooAlike(
  { name, looks, what }: Pick<Enrolment, 'name' | 'what'> & { readonly looks: readonly { vector: Float32Array }[] },
  gallery: Gallery,
  self: PersonId | null,
): void {
  const other = tooAlike(looks, gallery, self);
  if (other === null) return;
  const sentence = `the ${what} of ${name} look like ${other.name}, who is enrolled`;
  throw fail('PERSON_TOO_ALIKE', `${sentence}; nothing was enrolled (--force, if they are two people)`);
}
