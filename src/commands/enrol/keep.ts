// The last steps of every enrolment: the templates are chosen, which may take seconds, then the checks are made and the samples of one
// person added inside the caller's transaction, which must be short: the privacy switch of the daemon writes the same database.
import { fail } from '../../base/errors.js';
import { type Choice, chooseTemplates, mostTemplates, tooAlike, unlikeSelf } from '../../gallery/enrolment.js';
import { foldName } from '../../gallery/names.js';
import type { Gallery, PersonId, Template } from '../../gallery/person.js';
import type { Changes, NewTemplate, Store } from '../../store/store.js';
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

/** From so many pictures on the choice takes long enough to show its progress. */
const manySamples = 100;

/** What was chosen before the transaction, and from which templates of the person. */
export interface ChosenSamples {
  readonly choice: Choice<NewTemplate>;
  readonly basis: string;
}

/** Chooses among the samples and the present templates of the person. Call it outside of a transaction. */
export function chooseSamples(
  store: Pick<Store, 'people' | 'gallery'>,
  { name, samples, space }: Pick<Enrolment, 'name' | 'samples' | 'space'>,
  io: Pick<CommandIo, 'progress'>,
): ChosenSamples {
  const id = store.people().find((person) => foldName(person.name) === foldName(name))?.id;
  const templates = store.gallery(space).people.find((person) => person.id === id)?.templates ?? [];
  const progress = (share: number): void => {
    if (samples.length < manySamples) return; // chosen at once
    io.progress(`choosing among ${samples.length} pictures of ${name}: ${Math.round(100 * share)} %`);
  };
  return { choice: chooseTemplates({ templates }, samples, mostTemplates, progress), basis: idsOf(templates) };
}

/** The choice for the present templates, which another process may have changed since: then only the chosen samples compete again. */
function presentChoice({ choice, basis }: ChosenSamples, templates: readonly Template[]): Choice<NewTemplate> {
  if (basis === idsOf(templates)) return choice;
  const again = chooseTemplates({ templates }, choice.add);
  return { ...again, redundant: [...choice.redundant, ...again.redundant] };
}

const idsOf = (templates: readonly Template[]): string => templates.map(({ id }) => id).join();

/** Errors: PERSON_TOO_ALIKE, and those of the gallery; nothing is stored then. */
export function keepSamples(
  changes: Changes,
  enrolment: Enrolment,
  chosen: ChosenSamples,
  log: CommandIo['log'],
): KeptSamples {
  const { name, samples, space, force, what } = enrolment;
  const person = changes.person(name);
  const gallery = changes.gallery(space);
  const self = gallery.people.find(({ id }) => id === person)!;
  if (!force) refuseTooAlike(enrolment, gallery, person);
  if (unlikeSelf(samples, self))
    log('warning', `the new ${what} do not resemble the enrolled ${self.name}: check that they show ${name}`);
  const { add, redundant, remove } = presentChoice(chosen, self.templates);
  changes.removeTemplates(remove);
  // A photo of an older gallery gets the name of its file when it is enrolled again.
  changes.nameFiles(person, redundant);
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
