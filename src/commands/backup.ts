// roomkin export and import: a backup of the gallery in one encrypted file, and its restoration.

import { readFileSync } from 'node:fs';
import { fail } from '../base/errors.js';
import { writeNewFile } from '../base/files.js';
import { openBackup, restoreArchive, sealBackup, writeArchive } from '../store/archive.js';
import type { CommandIo } from './command.js';
import { openGallery } from './parts.js';
import { readPassphrase } from './prompts.js';
import { count } from './rows.js';
import type { Given } from './verbs.js';

export async function exportGallery({ file, passphraseFile }: Given<'export'>, io: CommandIo): Promise<void> {
  using store = openGallery(io);
  const passphrase = await readPassphrase(io, passphraseFile, true, 'export');
  writeNewFile(file, sealBackup(writeArchive(store), passphrase));
  const people = store.people().length;
  io.out(
    `${people === 1 ? '1 person is' : `${people} people are`} in ${file}: keep the file and its passphrase in different places`,
  );
  io.document({ file, people });
}

// Import.

export async function importGallery({ file, passphraseFile, replace }: Given<'import'>, io: CommandIo): Promise<void> {
  const bytes = read(file);
  using store = openGallery(io);
  const passphrase = await readPassphrase(io, passphraseFile, false, 'import');
  const result = restoreArchive(store, openBackup(bytes, passphrase, file), file, replace);
  for (const { person, name, templates } of result.people) io.out(`${name} (${person}): ${count(templates, 'photo')}`);
  for (const name of result.kept)
    io.out(`${name} is enrolled already and does not change (--replace uses the one of ${file})`);
  if (result.strangers > 0) io.out(`${count(result.strangers, 'face')} of unknown people`);
  io.document(result);
}

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
