// roomkin rename: another name, the same person: id, topics and entities stay.
import { exactly, parseArguments } from './arguments.js';
import type { Command } from './command.js';
import { openGallery } from './parts.js';

export const command: Command = {
  usage: 'rename NAME NEW-NAME',
  summary: 'Give a person another name; the id stays.',
  async run(argv, io) {
    const [from, to] = exactly(parseArguments(argv, command.usage, {}).positionals, 2, command.usage);
    using store = openGallery(io);
    const { id, name } = store.find(from!);
    store.change((changes) => changes.rename(id, to!));
    const now = store.find(id).name;
    io.out(`${name} is called ${now} now (the id stays ${id})`);
    io.document({ person: id, from: name, name: now });
  },
};
