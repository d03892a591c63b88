// roomkin import: brings back what `roomkin export` wrote.
import { readFileSync } from 'node:fs';
import { fail } from '../base/errors.js';
import { openBackup, restoreArchive } from '../store/archive.js';
import { exactly, parseArguments } from './arguments.js';
import type { Command } from './command.js';
import { openGallery } from './parts.js';
import { readPassphrase } from './prompts.js';

export const command: Command = {
  usage: 'import FILE [--passphrase-file FILE] [--replace]',
  summary: 'Bring a backup of the gallery back.',
  async run(argv, io) {
    const { values, positionals } = parseArguments(argv, command.usage, {
      'passphrase-file': { type: 'string' },
      replace: { type: 'boolean', default: false },
    });
    const [file = ''] = exactly(positionals, 1, command.usage);
    const bytes = read(file);
    using store = openGallery(io);
    const passphrase = await readPassphrase(io, values['passphrase-file'], false, command.usage);
    const result = restoreArchive(store, openBackup(bytes, passphrase, file), file, values.replace);
    for (const { person, name, templates } of result.people) io.out(`${name} (${person}): ${templates} looks`);
    for (const name of result.kept)
      io.out(`${name} is here already and stays as it is (--replace takes the one of ${file})`);
    if (result.strangers > 0) io.out(`${result.strangers} faces of strangers`);
    io.document(result);
  },
};

function read(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw fail(
      'BACKUP_REFUSED',
      `${file} cannot be read (${(cause as NodeJS.ErrnoException).code}): check the path`,
      cause,
    );
  }
}
