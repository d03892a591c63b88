// roomkin people: everybody who is enrolled, and whether the configured model can recognise them; with --check, which of their
// photos do harm. Such photos are set aside and put back by their numbers.
import { recognitionOptions } from '../config/parts.js';
import { checkGallery, type GalleryFault } from '../gallery/check.js';
import type { PersonRecord } from '../store/store.js';
import type { CommandIo } from './command.js';
import { configuredSpace, openGallery } from './parts.js';
import { count, wrap } from './rows.js';
import { type Given, misused } from './verbs.js';

export async function run({ id: ids, check, setAside, putBack }: Given<'people'>, io: CommandIo): Promise<void> {
  if ([check, setAside, putBack].filter(Boolean).length > 1) throw misused('people', 'one thing at a time');
  const photos = [...new Set(ids)];
  if (setAside || putBack) {
    if (photos.length === 0) throw misused('people', 'an ID is needed');
    return changeUse(photos, setAside, io);
  }
  if (photos.length > 0) throw misused('people', '--set-aside or --put-back is needed with an ID');
  if (check) checkPeople(io);
  else list(io);
}

function list(io: CommandIo): void {
  const space = configuredSpace(io);
  using store = openGallery(io);
  const opened = store.gallery(space);
  const people = store.people().map(({ id, name, createdAtMs, templates }) => {
    const inUse = templates.filter(({ setAsideAtMs }) => setAsideAtMs === null).length;
    return {
      person: id,
      name,
      templates: inUse,
      /** Those that the configured model can compare. */
      usable: opened.people.find((person) => person.id === id)?.templates.length ?? 0,
      setAside: templates.length - inUse,
      since: new Date(createdAtMs).toISOString(),
    };
  });
  if (people.length === 0) io.out('Nobody is enrolled: roomkin enrol NAME --photos PATH...');
  const width = Math.max(...people.map(({ name, person }) => name.length + person.length + 3));
  for (const { person, name, templates, usable, setAside: aside, since } of people) {
    const looks = usable === templates ? `${usable} looks` : `${usable} of ${templates} looks usable`;
    const besides = aside > 0 ? `, ${aside} set aside` : '';
    const advice = usable === 0 ? ': enrol again, the model has changed' : '';
    io.out(`${`${name} (${person})`.padEnd(width)}  ${looks}${besides}, since ${since.slice(0, 10)}${advice}`);
  }
  if (opened.cohort.length > 0) io.out(`Besides ${opened.cohort.length} faces of strangers, to tell them apart`);
  io.document({ space, people, strangers: opened.cohort.length });
}

// roomkin people --set-aside and --put-back: photos out of use and back, all that were named or none.

/** Errors: PHOTO_UNKNOWN, PHOTO_NEEDED, DATABASE. */
function changeUse(ids: readonly number[], aside: boolean, io: CommandIo): void {
  using store = openGallery(io);
  store.change((changes) => (aside ? changes.disable(ids) : changes.enable(ids)));
  const photos = store.people().flatMap(({ id: person, name, templates }) => {
    const mine = templates.filter(({ id }) => ids.includes(id)).map(({ id }) => id);
    if (mine.length === 0) return [];
    const inUse = templates.filter(({ setAsideAtMs }) => setAsideAtMs === null).length;
    const numbers = `${mine.length === 1 ? 'photo' : 'photos'} ${mine.join(', ')}`;
    io.out(`${name}: ${numbers} ${aside ? 'set aside' : 'put back'}, ${inUse} in use`);
    return mine.map((id) => ({ id, person, name }));
  });
  if (aside) io.out(`  roomkin people --put-back ${ids.join(' ')} takes ${ids.length === 1 ? 'it' : 'them'} in again`);
  io.document({ setAside: aside, photos });
}

// roomkin people --check: which photos do harm, why, and what to type about them.

/** Errors: CONFIG_*, MODEL_MISSING, DATABASE. */
function checkPeople(io: CommandIo): void {
  const space = configuredSpace(io);
  const { single: look } = recognitionOptions(io.config());
  using store = openGallery(io);
  const gallery = store.gallery(space);
  const people = store.people();
  const faults = checkGallery(gallery, look);
  const photos = gallery.people.reduce((sum, person) => sum + person.templates.length, 0);
  io.document({ space, people: gallery.people.length, photos, faults });
  const columns = Math.min(io.columns, 80);
  for (const fault of faults) {
    wrap(`- ${describe(fault, people)}`, columns - 2).forEach((line, i) => {
      io.out(i === 0 ? line : `  ${line}`);
    });
  }
  const checked = `${count(photos, 'photo')} of ${gallery.people.length === 1 ? '1 person' : `${gallery.people.length} people`}`;
  io.out(faults.length === 0 ? `${checked}: nothing wrong` : `${checked}; roomkin show NAME lists a person's photos`);
  if (faults.length > 0) for (const line of advice(faults, columns)) io.out(line);
}

/** The command that leaves out what is named, cut where a terminal line ends; of two people's one photo only users know whose. */
function advice(faults: readonly GalleryFault[], columns: number): string[] {
  const clear = faults.filter(({ person, other, kind }) => kind !== 'twice' || other === person);
  const ids = clear.length === 0 ? ['ID...'] : clear.map(({ template }) => String(template));
  const command = wrap(`roomkin people --set-aside ${ids.join(' ')}`, columns - 4);
  return [
    'To leave them out (--put-back takes them in again):',
    ...command.map((line, i) => `  ${line}${i < command.length - 1 ? ' \\' : ''}`),
  ];
}

function describe(
  { kind, person, template, other, otherTemplate, correction, similarity }: GalleryFault,
  people: readonly PersonRecord[],
): string {
  const name = (id: string | null): string => people.find((one) => one.id === id)?.name ?? '';
  const { quality, createdAtMs } = people.flatMap(({ templates }) => templates).find(({ id }) => id === template)!;
  const day = new Date(createdAtMs).toISOString().slice(0, 10);
  const photo = `Photo ${template} of ${name(person)} (${day}, eyes ${Math.round(quality.eyesPx)} px)`;
  const alike = similarity.toFixed(2);
  if (kind === 'unlike') return `${photo} is unlike the others (${alike}): perhaps somebody else is on it`;
  if (kind === 'rejected')
    return `${photo} is like a face said not to be ${name(person)} (${alike}): one is wrong, photo or correction ${correction}`;
  if (kind === 'confusable') return `${photo} could be taken for ${name(other)} (${alike}): better one that could not`;
  if (person === other) return `${photo} is kept twice, also as ${otherTemplate}`;
  return `${photo} is also kept as photo ${otherTemplate} of ${name(other)}: set the wrong one of them aside`;
}
