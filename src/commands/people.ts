// roomkin people: everybody who is enrolled, and whether the configured model can recognise them. With --check it lists photos that
// cause errors; --disable and --enable take photos out of use and back by their numbers.
import { recognitionOptions } from '../config/parts.js';
import { checkGallery, type GalleryFault } from '../gallery/check.js';
import type { PersonRecord } from '../store/store.js';
import type { CommandIo } from './command.js';
import { configuredSpace, openGallery } from './parts.js';
import { count, wrap } from './rows.js';
import { type Given, misused } from './verbs.js';

export async function run(given: Given<'people'>, io: CommandIo): Promise<void> {
  const { check } = given;
  // --set-aside and --put-back are the old names.
  const disable = given.disable || given.setAside;
  const enable = given.enable || given.putBack;
  if ([check, disable, enable].filter(Boolean).length > 1)
    throw misused('people', '--check, --disable and --enable cannot be combined');
  const photos = [...new Set(given.id)];
  if (disable || enable) {
    if (photos.length === 0) throw misused('people', 'an ID is needed');
    return changeUse(photos, disable, io);
  }
  if (photos.length > 0) throw misused('people', '--disable or --enable is needed with an ID');
  if (check) checkPeople(io);
  else list(io);
}

function list(io: CommandIo): void {
  const space = configuredSpace(io);
  using store = openGallery(io);
  const gallery = store.gallery(space);
  const people = store.people().map(({ id, name, createdAtMs, templates }) => {
    const inUse = templates.filter(({ setAsideAtMs }) => setAsideAtMs === null).length;
    return {
      person: id,
      name,
      templates: inUse,
      /** Those that the configured model can compare. */
      usable: gallery.people.find((person) => person.id === id)?.templates.length ?? 0,
      setAside: templates.length - inUse,
      since: new Date(createdAtMs).toISOString(),
    };
  });
  if (people.length === 0) io.out('Nobody is enrolled: roomkin enrol NAME --photos PATH...');
  const width = Math.max(...people.map(({ name, person }) => name.length + person.length + 3));
  for (const { person, name, templates, usable, setAside: disabled, since } of people) {
    const photos = usable === templates ? count(usable, 'photo') : `${usable} of ${count(templates, 'photo')} usable`;
    const besides = disabled > 0 ? `, ${disabled} disabled` : '';
    const advice = usable === 0 ? ': enrol again, the model has changed' : '';
    io.out(`${`${name} (${person})`.padEnd(width)}  ${photos}${besides}, since ${since.slice(0, 10)}${advice}`);
  }
  if (gallery.cohort.length > 0)
    io.out(`In addition ${count(gallery.cohort.length, 'face')} of unknown people, for comparison`);
  io.document({ space, people, strangers: gallery.cohort.length });
}

// roomkin people --disable and --enable: all photos that were named, or none.

/** Errors: PHOTO_UNKNOWN, PHOTO_NEEDED, DATABASE. */
function changeUse(ids: readonly number[], disable: boolean, io: CommandIo): void {
  using store = openGallery(io);
  store.change((changes) => (disable ? changes.disable(ids) : changes.enable(ids)));
  const photos = store.people().flatMap(({ id: person, name, templates }) => {
    const changed = templates.filter(({ id }) => ids.includes(id)).map(({ id }) => id);
    if (changed.length === 0) return [];
    const inUse = templates.filter(({ setAsideAtMs }) => setAsideAtMs === null).length;
    const numbers = `${changed.length === 1 ? 'photo' : 'photos'} ${changed.join(', ')}`;
    io.out(`${name}: ${numbers} ${disable ? 'disabled' : 'enabled'}, ${inUse} in use`);
    return changed.map((id) => ({ id, person, name }));
  });
  if (disable) io.out(`  roomkin people --enable ${ids.join(' ')} reverts this`);
  io.document({ setAside: disable, photos });
}

// roomkin people --check: which photos cause errors, why, and what to type.

/** Errors: CONFIG_*, MODEL_MISSING, DATABASE. */
function checkPeople(io: CommandIo): void {
  const space = configuredSpace(io);
  const { single } = recognitionOptions(io.config());
  using store = openGallery(io);
  const gallery = store.gallery(space);
  const people = store.people();
  const faults = checkGallery(gallery, single);
  const photos = gallery.people.reduce((sum, person) => sum + person.templates.length, 0);
  io.document({ space, people: gallery.people.length, photos, faults });
  const columns = Math.min(io.columns, 80);
  for (const fault of faults) {
    wrap(`- ${describe(fault, people)}`, columns - 2).forEach((line, i) => {
      io.out(i === 0 ? line : `  ${line}`);
    });
  }
  const checked = `${count(photos, 'photo')} of ${gallery.people.length === 1 ? '1 person' : `${gallery.people.length} people`}`;
  io.out(
    faults.length === 0 ? `${checked}: no problem found` : `${checked}; roomkin show NAME lists a person's photos`,
  );
  if (faults.length > 0) for (const line of advice(faults, columns)) io.out(line);
}

/**
 * The command that disables the photos, broken into lines for the terminal. A photo that two people have is left out: only the
 * user knows whose it is.
 */
function advice(faults: readonly GalleryFault[], columns: number): string[] {
  const clear = faults.filter(({ person, other, kind }) => kind !== 'twice' || other === person);
  const ids = clear.length === 0 ? ['ID...'] : clear.map(({ template }) => String(template));
  const command = wrap(`roomkin people --disable ${ids.join(' ')}`, columns - 4);
  return [
    'To stop using them (--enable reverts it):',
    ...command.map((line, i) => `  ${line}${i < command.length - 1 ? ' \\' : ''}`),
  ];
}

function describe(
  { kind, person, template, other, otherTemplate, correction, similarity }: GalleryFault,
  people: readonly PersonRecord[],
): string {
  const name = (id: string | null): string => people.find((candidate) => candidate.id === id)?.name ?? '';
  const { quality, createdAtMs } = people.flatMap(({ templates }) => templates).find(({ id }) => id === template)!;
  const day = new Date(createdAtMs).toISOString().slice(0, 10);
  const photo = `Photo ${template} of ${name(person)} (${day}, eyes ${Math.round(quality.eyesPx)} px)`;
  const alike = `similarity ${similarity.toFixed(2)}`;
  if (kind === 'unlike') return `${photo} does not resemble the others (${alike}): perhaps it shows somebody else`;
  if (kind === 'rejected')
    return `${photo} resembles a face that is not ${name(person)} (${alike}): the photo or correction ${correction} is wrong`;
  if (kind === 'confusable')
    return `${photo} could be taken for ${name(other)} (${alike}): replace it by a photo that could not`;
  if (person === other) return `${photo} is enrolled twice, also as photo ${otherTemplate}`;
  return `${photo} is also enrolled as photo ${otherTemplate} of ${name(other)}: disable the wrong one`;
}
