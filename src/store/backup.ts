// A backup is one file that only its passphrase opens: a line that says how, then the sealed gallery. Nothing in it depends on
// the key file, so that it can be brought back on another card.
import { randomBytes, scryptSync } from 'node:crypto';
import { fail } from '../base/errors.js';
import { seal, unseal } from './seal.js';

/** First line of a backup. The numbers of scrypt are part of the version, so that a hostile file cannot ask for more. */
const magic = 'roomkin-backup 1 scrypt-32768-8-3 aes-256-gcm\n';
const saltBytes = 16;

export const leastPassphrase = 10;

/** Seals `text`. Errors: USAGE for a passphrase of less than 10 characters. */
export function sealBackup(text: string, passphrase: string): Buffer {
  if ([...passphrase].length < leastPassphrase)
    throw fail('USAGE', `the passphrase needs ${leastPassphrase} characters at least: five random words are good`);
  const salt = randomBytes(saltBytes);
  const sealed = seal(stretch(passphrase, salt), Buffer.from(text, 'utf8'), [magic]);
  return Buffer.concat([Buffer.from(magic), salt, sealed]);
}

/** The text of a backup; `file` is only named. Errors: BACKUP_REFUSED. */
export function openBackup(bytes: Buffer, passphrase: string, file: string): string {
  if (!bytes.subarray(0, magic.length).equals(Buffer.from(magic))) {
    const why =
      bytes.toString('latin1', 0, 15) === 'roomkin-backup '
        ? 'is of a newer roomkin: upgrade'
        : 'is not a backup of roomkin';
    throw fail('BACKUP_REFUSED', `${file} ${why}`);
  }
  const salt = bytes.subarray(magic.length, magic.length + saltBytes);
  const opened = unseal(stretch(passphrase, salt), bytes.subarray(magic.length + saltBytes), [magic]);
  if (!opened) throw fail('BACKUP_REFUSED', `${file} does not open: the passphrase is wrong or the file is damaged`);
  return opened.toString('utf8');
}

// 32 MiB and about 0.3 s on a desktop, 1 to 2 s on a Pi (OWASP password storage: N=2^15, r=8, p=3).
function stretch(passphrase: string, salt: Uint8Array): Buffer {
  return scryptSync(passphrase.normalize('NFC'), salt, 32, { N: 32768, r: 8, p: 3, maxmem: 64 * 2 ** 20 });
}
