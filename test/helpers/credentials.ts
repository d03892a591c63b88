// Credentials of a test broker: lines of its password file, and a server certificate of a private authority.
import { execFileSync } from 'node:child_process';
import { pbkdf2Sync, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A line of Mosquitto's password file (PBKDF2, format 7), so that mosquitto_passwd is not needed. */
export function passwordLine(user: string, password: string): string {
  const salt = randomBytes(12);
  const hash = pbkdf2Sync(password, salt, 101, 64, 'sha512');
  return `${user}:$7$101$${salt.toString('base64')}$${hash.toString('base64')}\n`;
}

/** PEM files. */
export interface ServerCertificate {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** An authority and its certificate for a server on 127.0.0.1, valid for two days, as files in `folder`. Needs `openssl`. */
export function makeServerCertificate(folder: string): ServerCertificate {
  const openssl = (command: string) => execFileSync('openssl', command.split(' '), { cwd: folder, stdio: 'pipe' });
  openssl('req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=House -keyout ca.key -out ca.pem');
  openssl('req -newkey rsa:2048 -nodes -subj /CN=broker -keyout broker.key -out broker.csr');
  writeFileSync(join(folder, 'names'), 'subjectAltName=IP:127.0.0.1\n');
  openssl('x509 -req -days 2 -in broker.csr -CA ca.pem -CAkey ca.key -CAcreateserial -extfile names -out broker.pem');
  return { ca: join(folder, 'ca.pem'), cert: join(folder, 'broker.pem'), key: join(folder, 'broker.key') };
}
