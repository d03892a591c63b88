// A second, guarded listener of Home Assistant's Mosquitto, as in a household with a secured broker: TLS, a password for each user,
// and the access list of deploy/mosquitto. Rooms and Home Assistant use it; only the observers of the tests use the open listener.
// The tools start `mosquitto` by name and write its configuration, so a program of that name comes before it in PATH.
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packageRoot } from '../../src/base/files.js';
import type { BrokerOptions } from '../../src/mqtt/options.js';
import { freePort, mosquittoPath } from '../helpers/brokers.js';
import { makeServerCertificate, passwordLine } from '../helpers/credentials.js';

/** How a room connects to the broker: the values of [mqtt] that differ from the defaults. */
export interface RoomLogin {
  readonly url: string;
  readonly mqtt: Partial<Pick<BrokerOptions, 'protocol' | 'username' | 'passwordFile' | 'caFile'>>;
}

export interface GuardedBroker {
  /** A folder to put before PATH. It adds the guarded listener. */
  readonly programs: string;
  /** The login of the room or user `name`. */
  login(name: string): RoomLogin;
}

const users = ['kitchen', 'nursery', 'hall', 'homeassistant'];

/** The parameters of guarded-mosquitto.ts. */
export interface GuardedListener {
  readonly folder: string;
  readonly port: number;
  /** Changed values of Home Assistant's configuration entry for the broker. */
  readonly entry: Readonly<Record<string, unknown>>;
}

/**
 * Prepares the guarded listener in `folder`, for MQTT `protocol`. `otherDevices` are topics of other devices, which Home Assistant
 * may use too. Needs `openssl`.
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
  const extraTopics = otherDevices.map((topic) => `topic readwrite ${topic}\n`).join('');
  writeFileSync(join(folder, 'acl'), `\nuser homeassistant\n${extraTopics}`, { flag: 'a' });
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
  const guarded: GuardedListener = {
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
  save('guarded.json', JSON.stringify(guarded));
  const programs = join(folder, 'bin');
  mkdirSync(programs);
  const prepare = fileURLToPath(new URL('./guarded-mosquitto.js', import.meta.url));
  const script = `#!/bin/sh
set -e
'${process.execPath}' '${prepare}' '${join(folder, 'guarded.json')}' "$2"
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
