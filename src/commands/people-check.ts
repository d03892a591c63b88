// roomkin people --check: which photos do harm, why, and what to type about them.
import { checkGallery, type GalleryFault } from '../domain/gallery-check.js';
import { recognitionOptions } from '../recognition-options.js';
import type { PersonRecord } from '../store/store.js';
import type { CommandIo } from './command.js';
import { configuredSpace, openGallery } from './parts.js';
import { count, wrap } from './rows.js';

/** Errors: CONFIG_*, MODEL_MISSING, DATABASE. */
export function checkPeople(io: CommandIo): void {
  const space = configuredSpace(io);
  const { look } = recognitionOptions(io.config());
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
