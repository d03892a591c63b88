// roomkin export: a backup of the gallery in one encrypted file.
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
  io.out(`${people} people are in ${file}: keep the file and its passphrase in different places`);
  io.document({ file, people });
}
