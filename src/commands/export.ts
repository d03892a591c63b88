// roomkin export: the gallery as one encrypted file, for another card or another day.
import { writeNewFile } from '../base/files.js';
import { sealBackup, writeArchive } from '../store/archive.js';
import { exactly, parseArguments } from './arguments.js';
import type { Command } from './command.js';
import { openGallery } from './parts.js';
import { readPassphrase } from './prompts.js';

export const command: Command = {
  usage: 'export FILE [--passphrase-file FILE]',
  summary: 'Back the gallery up into an encrypted file.',
  async run(argv, io) {
    const { values, positionals } = parseArguments(argv, command.usage, { 'passphrase-file': { type: 'string' } });
    const [file = ''] = exactly(positionals, 1, command.usage);
    using store = openGallery(io);
    const passphrase = await readPassphrase(io, values['passphrase-file'], true, command.usage);
    writeNewFile(file, sealBackup(writeArchive(store), passphrase));
    const people = store.people().length;
    io.out(`${people} people are in ${file}: keep it and its passphrase apart`);
    io.document({ file, people });
  },
};
