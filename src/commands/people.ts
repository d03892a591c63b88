// roomkin people: everybody who is enrolled, and whether the configured model can recognise them; with --check, which of their
// photos do harm.
import { checkGallery, type GalleryFault } from '../domain/gallery-check.js';
import { recognitionOptions } from '../recognition-options.js';
import type { PersonRecord } from '../store/store.js';
import { exactly, parseArguments } from './arguments.js';
import type { Command, CommandIo } from './command.js';
import { configuredSpace, openGallery } from './parts.js';
import { wrap } from './rows.js';

export const command: Command = {
  usage: 'people [--check]',
  summary: 'List who is enrolled, or check their photos.',
  async run(argv, io) {
    const { values, positionals } = parseArguments(argv, command.usage, { check: { type: 'boolean', default: false } });
    exactly(positionals, 0, command.usage);
    if (values.check) check(io);
    else list(io);
  },
};

function list(io: CommandIo): void {
  const space = configuredSpace(io);
  using store = openGallery(io);
  const opened = store.gallery(space);
  const people = store.people().map(({ id, name, createdAtMs, templates }) => ({
    person: id,
    name,
    templates: templates.length,
    /** Those that the configured model can compare. */
    usable: opened.people.find((person) => person.id === id)?.templates.length ?? 0,
    since: new Date(createdAtMs).toISOString(),
  }));
  if (people.length === 0) io.out('Nobody is enrolled: roomkin enrol NAME --photos PATH...');
  const width = Math.max(...people.map(({ name, person }) => name.length + person.length + 3));
  for (const { person, name, templates, usable, since } of people) {
    const looks = usable === templates ? `${usable} looks` : `${usable} of ${templates} looks usable`;
    const advice = usable === 0 ? ': enrol again, the model has changed' : '';
    io.out(`${`${name} (${person})`.padEnd(width)}  ${looks}, since ${since.slice(0, 10)}${advice}`);
  }
  if (opened.strangers.length > 0) io.out(`Besides ${opened.strangers.length} faces of strangers, to tell them apart`);
  io.document({ space, people, strangers: opened.strangers.length });
}

function check(io: CommandIo): void {
  const space = configuredSpace(io);
  const { look } = recognitionOptions(io.config());
  using store = openGallery(io);
  const gallery = store.gallery(space);
  const people = store.people();
  const faults = checkGallery(gallery, look);
  const photos = gallery.people.reduce((sum, person) => sum + person.templates.length, 0);
  io.document({ space, people: gallery.people.length, photos, faults });
  for (const fault of faults) {
    wrap(`- ${describe(fault, people)}`, Math.min(io.columns, 80) - 2).forEach((line, i) => {
      io.out(i === 0 ? line : `  ${line}`);
    });
  }
  const checked = `${photos} photos of ${gallery.people.length} people`;
  io.out(faults.length === 0 ? `${checked}: nothing wrong` : `${checked}; roomkin show NAME lists a person's photos`);
}

function describe(
  { kind, person, template, other, similarity }: GalleryFault,
  people: readonly PersonRecord[],
): string {
  const name = (id: string | null): string => people.find((one) => one.id === id)?.name ?? '';
  const { quality, createdAtMs } = people.flatMap(({ templates }) => templates).find(({ id }) => id === template)!;
  const day = new Date(createdAtMs).toISOString().slice(0, 10);
  const photo = `Photo ${template} of ${name(person)} (${day}, eyes ${Math.round(quality.eyesPx)} px)`;
  const alike = similarity.toFixed(2);
  if (kind === 'unlike') return `${photo} is unlike the others (${alike}): perhaps somebody else is on it`;
  if (kind === 'confusable') return `${photo} could be taken for ${name(other)} (${alike}): better one that could not`;
  return person === other ? `${photo} is kept twice` : `${photo} is also kept as ${name(other)}: one of them is wrong`;
}
