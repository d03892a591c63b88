// The last step of every enrolment: the checks, then the samples of one person into the gallery, inside the caller's transaction.
import { fail } from '../../base/errors.js';
import { chooseTemplates, tooAlike, unlikeSelf } from '../../gallery/enrolment.js';
import type { Gallery, PersonId } from '../../gallery/person.js';
import type { Changes, NewTemplate } from '../../store/store.js';
import type { CommandIo } from '../command.js';

/** The result of adding one person's samples. */
export interface KeptSamples {
  readonly person: PersonId;
  readonly name: string;
  readonly added: number;
  readonly redundant: number;
  /** Templates in use afterwards. */
  readonly templates: number;
}

export interface Enrolment {
  readonly name: string;
  readonly samples: readonly NewTemplate[];
  readonly space: string;
  /** Enrol in spite of a high similarity to another person. */
  readonly force: boolean;
  /** The word for the samples in messages. */
  readonly what: 'photos' | 'samples';
}

/** Errors: PERSON_TOO_ALIKE, and those of the gallery; nothing is stored then. */
export function keepSamples(changes: Changes, enrolment: Enrolment, log: CommandIo['log']): KeptSamples {
  const { name, samples, space, force, what } = enrolment;
  const person = changes.person(name);
  const gallery = changes.gallery(space);
  const self = gallery.people.find(({ id }) => id === person)!;
  if (!force) refuseTooAlike(enrolment, gallery, person);
  if (unlikeSelf(samples, self))
    log('warning', `the new ${what} do not resemble the enrolled ${self.name}: check that they show ${name}`);
  const { add, redundant, remove } = chooseTemplates(self, samples);
  changes.removeTemplates(remove);
  const added = add.filter((sample) => changes.addTemplate(person, sample)).length;
  const templates = self.templates.length - remove.length + added;
  return { person, name: self.name, added, redundant: redundant.length, templates };
}

/** Errors: PERSON_TOO_ALIKE where the samples could show somebody other than `self`. */
export function refuseTooAlike(
  { name, samples, what }: Pick<Enrolment, 'name' | 'what'> & { readonly samples: readonly { vector: Float32Array }[] },
  gallery: Gallery,
  self: PersonId | null,
): void {
  const other = tooAlike(samples, gallery, self);
  if (other === null) return;
  const sentence = `the ${what} of ${name} look like ${other.name}, who is enrolled`;
  throw fail('PERSON_TOO_ALIKE', `${sentence}; nothing was enrolled (use --force if they are two people)`);
}
