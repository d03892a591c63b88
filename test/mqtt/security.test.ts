// Passwords and TLS with a real Mosquitto and generated certificates.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { packageRoot } from '../../src/base/files.js';
import type { RoomCommand } from '../../src/mqtt/commands.js';
import { passwordCredential } from '../../src/mqtt/options.js';
import { listenTo, type Mosquitto, startMosquitto, waitFor, withoutMosquitto } from '../helpers/brokers.js';
import { passwordLine } from '../helpers/credentials.js';
import { lines, roomPublisher } from './room.js';

if (withoutMosquitto) {
  t.plan(0, withoutMosquitto);
  process.exit(0);
}

const folder = mkdtempSync(join(tmpdir(), 'roomkin-security-'));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));
const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text, { mode: 0o600 });
  return join(folder, name);
};
const openssl = (...words: readonly string[]) => execFileSync('openssl', words, { cwd: folder, stdio: 'pipe' });
async function guarded(): Promise<Mosquitto> {
  return startMosquitto({
    files: {
      passwords: passwordLine('kitchen', 'pässword'),
      acl: 'user kitchen\ntopic readwrite room/kitchen/#\ntopic read homeassistant/status\n',
    },
    lines: ['allow_anonymous false', 'password_file FOLDER/passwords', 'acl_file FOLDER/acl'],
  });
}

t.test('the password comes from the settings, a file or a systemd credential', async (t) => {
  await using host = await guarded();
  const settings = [
    { password: 'pässword' },
    { passwordFile: file('with-newline', 'pässword\n') },
    { passwordFile: file('without-newline', 'pässword'), password: 'wrong' },
    {},
  ];
  for (const setting of settings) {
    if (Object.keys(setting).length === 0) {
      file(passwordCredential, 'pässword\n');
      process.env['CREDENTIALS_DIRECTORY'] = folder;
    }
    await using room = roomPublisher(host.url, { mqtt: { username: 'kitchen', ...setting } });
    room.start();
    await waitFor(() => room.status().connected);
    t.pass(Object.keys(setting).join());
  }
  delete process.env['CREDENTIALS_DIRECTORY'];
});

t.test('a wrong password is logged once and retried, and a corrected file is used without a restart', async (t) => {
  await using host = await guarded();
  for (const protocol of [5, 4] as const) {
    const passwordFile = file('password', 'wrong');
    const { log, all } = lines();
    await using room = roomPublisher(host.url, { mqtt: { username: 'kitchen', passwordFile, protocol }, log });
    room.start();
    await waitFor(() => room.status().fault !== null);
    t.match(room.status().fault, /not allowed to connect|wrong user/);
    t.equal(room.status().protocol, protocol === 5 ? '5' : '3.1.1', 'a refusal does not change the MQTT version');
    await waitFor(() => all.filter((line) => line.includes('no connection')).length >= 3);
    t.equal(all.filter((line) => line.startsWith('warning')).length, 1);
    file('password', 'pässword');
    await waitFor(() => room.status().connected);
    t.notMatch(all.join('\n'), /pässword|wrong$/m, 'no secret in the log');
  }
});

t.test('a refusal by the ACL is logged, and the rest works', async (t) => {
  await using host = await guarded();
  const { log, all } = lines();
  await using room = roomPublisher(host.url, { mqtt: { username: 'kitchen', password: 'pässword' }, log });
  room.start();
  await waitFor(() => all.some((line) => line.includes('homeassistant/device/roomkin/kitchen/config')));
  t.match(
    all.filter((line) => line.startsWith('warning')),
    [/refused a message|does not let this room subscribe/],
  );
  await waitFor(() => room.status().connected);
  t.equal(room.status().connects, 1);
});

t.test('with the access list in deploy a room publishes only for itself', async (t) => {
  const acl = readFileSync(join(packageRoot, 'deploy', 'mosquitto', 'acl'), 'utf8');
  const users = ['kitchen', 'hall', 'homeassistant'];
  const passwords = users.map((user) => passwordLine(user, `secret of ${user}`)).join('');
  await using host = await startMosquitto({
    files: { passwords, acl },
    lines: ['allow_anonymous false', 'password_file FOLDER/passwords', 'acl_file FOLDER/acl'],
  });
  const login = (username: string) => ({ username, password: `secret of ${username}` });
  await using home = await listenTo(host.url, login('homeassistant'));
  await using hall = await listenTo(host.url, login('hall'));
  const { log, all } = lines();
  const commands: RoomCommand[] = [];
  await using room = roomPublisher(host.url, { mqtt: login('kitchen'), log });
  room.onCommand((command) => commands.push(command));
  room.start();
  room.camera(true);
  await home.until('room/kitchen/camera', 'online');
  t.match(home.of('homeassistant/device/roomkin/kitchen/config').at(-1), /Kitchen presence/);
  room.sendLeases({ watching: true, strangers: 0, epoch: 1, acknowledged: new Map(), people: new Map() });
  await waitFor(() => hall.of('household/home/people/kitchen').length > 0);
  t.strictSame(
    [...new Set(hall.messages.map(({ topic }) => topic))].sort(),
    ['household/home/people/kitchen', 'household/home/room/kitchen'],
    'a room receives only the leases and the description of another room',
  );

  const [shared, sealed] = ['household/home/gallery/0123456789abcdef0123456789abcdef', 'sealed'];
  await hall.say(shared, sealed, { retain: true });
  await hall.until(shared, sealed);
  await home.say(shared, 'not ours', { retain: true });

  await hall.say('room/kitchen/status', 'offline', { retain: true });
  await hall.say('room/kitchen/recognition/set', 'OFF');
  await hall.say('household/home/people/kitchen', 'not ours');
  await hall.say('household/home/room/kitchen', '', { retain: true });
  await hall.say('homeassistant/device/roomkin/kitchen/config', '', { retain: true });
  await home.say('room/kitchen/state', '{}', { retain: true });
  await home.say('room/kitchen/leave_after/set', '7');
  await waitFor(() => commands.length > 0);
  t.strictSame(commands, [{ type: 'leave-after', seconds: 7 }]);
  t.equal(home.of('room/kitchen/status').at(-1), 'online');
  t.notOk(hall.of('household/home/people/kitchen').includes('not ours'));
  t.strictSame([hall.of(shared), home.of(shared)], [[sealed], []], 'only rooms read and write shared people');
  t.equal(home.of('room/kitchen/state').length, 1);
  await home.say('homeassistant/status', 'online');
  await waitFor(() => home.of('room/kitchen/status').length === 2);
  t.strictSame(
    all.filter((line) => line.startsWith('warning')),
    [],
  );
});

t.test('TLS connects with valid certificates and explains every other case', async (t) => {
  openssl(
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-days',
    '2',
    '-subj',
    '/CN=House authority',
    '-keyout',
    'ca.key',
    '-out',
    'ca.pem',
  );
  file('names', 'subjectAltName=DNS:broker.house\n');
  for (const name of ['server', 'client']) {
    openssl(
      'req',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-subj',
      `/CN=${name}`,
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.csr`,
    );
    openssl(
      'x509',
      '-req',
      '-days',
      '2',
      '-in',
      `${name}.csr`,
      '-CA',
      'ca.pem',
      '-CAkey',
      'ca.key',
      '-CAcreateserial',
      '-extfile',
      'names',
      '-out',
      `${name}.pem`,
    );
  }
  const pem = (name: string) => readFileSync(join(folder, name), 'utf8');
  const files = Object.fromEntries(['ca.pem', 'server.pem', 'server.key'].map((name) => [name, pem(name)]));
  const lines = [
    'allow_anonymous true',
    'cafile FOLDER/ca.pem',
    'certfile FOLDER/server.pem',
    'keyfile FOLDER/server.key',
  ];
  // `startMosquitto` checks the port with a plain connection, which a TLS listener accepts too.
  await using host = await startMosquitto({ files, lines });
  await using strict = await startMosquitto({ files, lines: [...lines, 'require_certificate true'] });
  const caFile = join(folder, 'ca.pem');
  const tls = (port: number) => `mqtts://127.0.0.1:${port}`;

  await t.test('a broker with a certificate of a private authority', async () => {
    await using room = roomPublisher(tls(host.port), { mqtt: { caFile, servername: 'broker.house' } });
    room.start();
    await waitFor(() => room.status().connected);
  });
  await t.test('a client certificate', async () => {
    const mqtt = {
      caFile,
      servername: 'broker.house',
      certFile: join(folder, 'client.pem'),
      keyFile: join(folder, 'client.key'),
    };
    await using room = roomPublisher(tls(strict.port), { mqtt });
    room.start();
    await waitFor(() => room.status().connected);
  });
  await t.test('verification switched off', async () => {
    await using room = roomPublisher(tls(host.port), { mqtt: { verify: false } });
    room.start();
    await waitFor(() => room.status().connected);
  });
  const faults = [
    ['an unknown authority', tls(host.port), { servername: 'broker.house' }, /mqtt\.ca_file/],
    ['another name', tls(host.port), { caFile }, /mqtt\.servername/],
    ['no client certificate', tls(strict.port), { caFile, servername: 'broker.house' }, /mqtt\.cert_file/],
    ['TLS to a plain port', '', {}, /./],
    ['plain to a TLS port', `mqtt://127.0.0.1:${host.port}`, {}, /./],
  ] as const;
  for (const [name, url, mqtt, why] of faults) {
    await t.test(name, async (t) => {
      await using plain = await startMosquitto();
      await using room = roomPublisher(url || tls(plain.port), { mqtt });
      room.start();
      await waitFor(() => room.status().fault !== null);
      t.match(room.status().fault, why);
      t.comment(room.status().fault);
      t.notOk(room.status().connected);
    });
  }
});
