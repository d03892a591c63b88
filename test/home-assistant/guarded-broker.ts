// A second door into Home Assistant's Mosquitto, as a household that locks its broker has it: TLS, a password for each user, and the
// access list of deploy/mosquitto. Rooms and Home Assistant go through it; only the tests' own onlookers use the open one.
// The tools start `mosquitto` by name and write its configuration themselves, so a program of that name is put before it.
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packageRoot } from '../../src/base/files.js';
import type { BrokerOptions } from '../../src/mqtt/options.js';
import { freePort, mosquittoPath } from '../helpers/brokers.js';
import { makeServerCertificate, passwordLine } from '../helpers/credentials.js';

/** How a room reaches the broker: what its configuration's [mqtt] says beside the defaults. */
export interface RoomLogin {
  readonly url: string;
  readonly mqtt: Partial<Pick<BrokerOptions, 'protocol' | 'username' | 'passwordFile' | 'caFile'>>;
}

export interface GuardedBroker {
  /** Put before PATH, it adds the door. */
  readonly programs: string;
  /** The login of the room or user `name`. */
  login(name: string): RoomLogin;
}

const users = ['kitchen', 'nursery', 'hall', 'homeassistant'];

/** What guarded-mosquitto.ts needs to know. */
export interface Door {
  readonly folder: string;
  readonly port: number;
  /** Of Home Assistant's entry for the broker. */
  readonly entry: Readonly<Record<string, unknown>>;
}

/**
 * Prepares the door in `folder`, to be spoken to in `protocol`. `otherDevices` are topics of other things in the house, which Home
 * Assistant may use as well. Needs `openssl`.
 */
export async function guardBroker(
  folder: string,
  protocol: 4 | 5,
  otherDevices: readonly string[] = [],
): Promise<GuardedBroker> {
  if (mosquittoPath === null) throw new Error('mosquitto is not installed');
  const port = await freePort();
  const certificate = makeServerCertificate(folder);
  const secret = (name: string) => `secret of ${name}`;
  const save = (name: string, text: string) => writeFileSync(join(folder, name), text, { mode: 0o600 });
  save('passwords', users.map((name) => passwordLine(name, secret(name))).join(''));
  for (const name of users) save(`password-${name}`, `${secret(name)}\n`);
  copyFileSync(join(packageRoot, 'deploy', 'mosquitto', 'acl'), join(folder, 'acl'));
  const more = otherDevices.map((topic) => `topic readwrite ${topic}\n`).join('');
  writeFileSync(join(folder, 'acl'), `\nuser homeassistant\n${more}`, { flag: 'a' });
  save(
    'listener.conf',
    `
listener ${port} 127.0.0.1
allow_anonymous false
password_file ${join(folder, 'passwords')}
acl_file ${join(folder, 'acl')}
cafile ${certificate.ca}
certfile ${certificate.cert}
keyfile ${certificate.key}
`,
  );
  const door: Door = {
    folder,
    port,
    entry: {
      port,
      protocol: protocol === 5 ? '5' : '3.1.1',
      username: 'homeassistant',
      password: secret('homeassistant'),
      certificate: readFileSync(certificate.ca, 'utf8'),
    },
  };
  save('door.json', JSON.stringify(door));
  const programs = join(folder, 'bin');
  mkdirSync(programs);
  const prepare = fileURLToPath(new URL('./guarded-mosquitto.js', import.meta.url));
  const script = `#!/bin/sh
set -e
'${process.execPath}' '${prepare}' '${join(folder, 'door.json')}' "$2"
exec '${mosquittoPath}' -c '${join(folder, 'mosquitto.conf')}'
`;
  writeFileSync(join(programs, 'mosquitto'), script, { mode: 0o755 });
  return {
    programs,
    login: (name) => ({
      url: `mqtts://127.0.0.1:${port}`,
      mqtt: { protocol, username: name, passwordFile: join(folder, `password-${name}`), caFile: certificate.ca },
    }),
  };
}
