// roomkin people: everybody who is enrolled, and whether the configured model can recognise them.
import { exactly, parseArguments } from './arguments.js';
import type { Command } from './command.js';
import { configuredSpace, openGallery } from './parts.js';

export const command: Command = {
  usage: 'people',
  summary: 'List who is enrolled.',
  async run(argv, io) {
    exactly(parseArguments(argv, command.usage, {}).positionals, 0, command.usage);
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
    if (opened.strangers.length > 0)
      io.out(`Besides ${opened.strangers.length} faces of strangers, to tell them apart`);
    io.document({ space, people, strangers: opened.strangers.length });
  },
};
