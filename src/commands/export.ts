// roomkin export: the gallery as one encrypted file, for another card or another day.
import { writeNewFile } from '../base/files.js';
import { sealBackup, writeArchive } from '../store/archive.js';
import type { CommandIo } from './command.js';
import { openGallery } from './parts.js';
import { readPassphrase } from './prompts.js';
import type { Given } from './verbs.js';

export async function run({ file, passphraseFile }: Given<'export'>, io: CommandIo): Promise<void> {
  using store = openGallery(io);
  const passphrase = await readPassphrase(io, passphraseFile, true, 'export');
  writeNewFile(file, sealBackup(writeArchive(store), passphrase));
  const people = store.people().length;
  io.out(`${people} people are in ${file}: keep it and its passphrase apart`);
  io.document({ file, people });
}
