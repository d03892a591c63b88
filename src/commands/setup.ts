// roomkin setup: from an installed package to a room that runs. Everything is asked and tried before the first file is written.
import { existsSync, readFileSync } from 'node:fs';
import { fail } from '../base/errors.js';
import { brokerUrl, readBrokerAddress } from '../config/broker-address.js';
import { type Config, parseConfig, parseRooms } from '../config/load.js';
import { idFault } from '../gallery/names.js';
import { tryBroker } from './check/broker.js';
import { findingLines, run as runCheck } from './check.js';
import type { CommandIo } from './command.js';
import { ask, readPassphrase } from './prompts.js';
import { findBrokers } from './setup/brokers.js';
import { type Choices, requireWritable, writeConfiguration } from './setup/configuration.js';
import { admitUser, hasService, startService } from './setup/service.js';
import { type Given, misused } from './verbs.js';

type Options = Given<'setup'>;

const loginAdvice = [
  'The broker wants a user and a password. With the Mosquitto app of Home Assistant, make one of these:',
  '  Settings > People > Users > Add user (any user of Home Assistant can log in), or',
  '  Settings > Apps > Mosquitto broker > Configuration > Logins',
];

export async function run(options: Options, io: CommandIo): Promise<void> {
  const path = io.configPath;
  refuseBadOptions(options);
  requireWritable(path);
  if (!(await mayWrite(path, options, io))) {
    io.out(`${path} stays as it is`);
    return io.document({ written: false, config: path });
  }
  const room = options.room ?? (await askUntil('Id of this room (like living_room): ', idFault, io));
  const name = options.name ?? (io.interactive ? await askName(room, io) : null);
  const url = written(options.mqtt ?? (await askBroker(io)));
  const choices = await tryLogin({ room, name, url }, options, io);
  writeConfiguration(path, choices);
  io.out(`Written: ${path}${choices.login === null ? '' : ', with the password in a file beside it'}`);
  io.document({ written: true, config: path, room: choices.room, broker: choices.url });
  await start(options, io);
}

/** Errors: USAGE. Before any question. */
function refuseBadOptions({ room, name, mqtt, username, passwordFile }: Options): void {
  const refuse = (option: string, why: string | null): void => {
    if (why !== null) throw fail('USAGE', `--${option}: ${why}`);
  };
  if (room !== undefined) refuse('room', idFault(room));
  if (name !== undefined) refuse('name', nameFault(name));
  if (mqtt !== undefined)
    refuse('mqtt', addressFault(mqtt, 'give user and password with --username and --password-file, not in it'));
  if (passwordFile !== undefined && username === undefined) throw misused('setup', '--password-file needs --username');
  if (username !== undefined && username.trim() === '') refuse('username', 'must not be empty');
}

async function mayWrite(path: string, { yes }: Options, io: CommandIo): Promise<boolean> {
  if (!existsSync(path) || yes) return true;
  if (!io.interactive) throw misused('setup', `${path} exists: add --yes to replace it (it is kept as ${path}.old)`);
  const question = `There is a configuration${describeRoom(path)}. Replace it? It is kept as ${path}.old. [y/N] `;
  return /^y(es)?$/i.test((await ask(io, question)).trim());
}

function describeRoom(path: string): string {
  try {
    const ids = parseRooms(readFileSync(path), path).map(({ room }) => room.id);
    return ` of room${ids.length === 1 ? '' : 's'} ${ids.join(', ')}`;
  } catch {
    return ' with errors';
  }
}

/** Asks again until `fault` returns null. Errors: USAGE (no terminal, or it was closed). */
async function askUntil(question: string, fault: (text: string) => string | null, io: CommandIo): Promise<string> {
  if (!io.interactive) throw misused('setup', 'there is no terminal to ask on: give --room and --mqtt');
  for (;;) {
    const answer = (await ask(io, question)).trim();
    if (answer === '' && (process.stdin.readableEnded || process.stdin.destroyed))
      throw fail('USAGE', 'the terminal was closed');
    const why = fault(answer);
    if (why === null) return answer;
    io.out(why);
  }
}

async function askName(room: string, io: CommandIo): Promise<string | null> {
  const shipped = parseConfig(`[room]\nid = ${JSON.stringify(room)}\n`, 'the new configuration').room.name;
  const fault = (text: string): string | null => (text === '' ? null : nameFault(text));
  const answer = await askUntil(`Its name in Home Assistant [${shipped}]: `, fault, io);
  return answer === '' ? null : answer;
}

function nameFault(text: string): string | null {
  return /^[^\p{Cc}\u2028\u2029]{1,64}$/u.test(text) ? null : 'use 1 to 64 characters, no control characters';
}

const loginIsAsked = 'leave user and password out: they are asked for';

function addressFault(text: string, loginCure: string): string | null {
  const address = readBrokerAddress(text, loginCure);
  return 'fault' in address ? address.fault : null;
}

/** An address without faults in the form that is written into the configuration. */
function written(text: string): string {
  const address = readBrokerAddress(text);
  if ('fault' in address) throw fail('USAGE', `--mqtt: ${address.fault}`);
  return brokerUrl(address);
}

async function askBroker(io: CommandIo): Promise<string> {
  if (!io.interactive) throw misused('setup', 'there is no terminal to ask on: give --room and --mqtt');
  io.progress('looking for brokers in the network...');
  const found = await findBrokers(io.signal);
  io.progress('');
  found.forEach(({ url, source }, index) => {
    io.out(`  ${index + 1}  ${url}   (${source})`);
  });
  const [first] = found;
  if (first === undefined) io.out('No broker was found in the network.');
  const question =
    first === undefined ? 'Address of the broker: ' : `Broker, as a number or an address [${first.url}]: `;
  const chosen = (answer: string): string => (answer === '' ? first?.url : found[Number(answer) - 1]?.url) ?? answer;
  return chosen(await askUntil(question, (answer) => addressFault(chosen(answer), loginIsAsked), io));
}

/** Connects as the daemon will. Errors: BROKER, USAGE; on a terminal it asks again instead. */
async function tryLogin(room: Omit<Choices, 'login'>, options: Options, io: CommandIo): Promise<Choices> {
  let { url } = room;
  let { username, passwordFile } = options;
  for (;;) {
    const login =
      username === undefined
        ? null
        : {
            username,
            password: await readPassphrase(
              io,
              passwordFile,
              false,
              'setup',
              `Password of ${username}: `,
              '--password-file FILE',
            ),
          };
    io.progress('waiting for the broker...');
    const { finding, wantsLogin } = await tryBroker(trial({ ...room, url, login }), false);
    io.progress('');
    io.signal.throwIfAborted();
    if (finding.state !== 'fail') {
      for (const line of findingLines(finding, io.columns)) io.out(line);
      return { ...room, url, login };
    }
    const sentence = `${finding.found}${finding.advice === null ? '' : `: ${finding.advice}`}`;
    if (!io.interactive) throw fail('BROKER', `${sentence}; nothing was written`);
    io.out(sentence);
    if (wantsLogin) {
      for (const line of loginAdvice) io.out(line);
      username = await askUntil('User at the broker: ', (text) => (text === '' ? 'a name is needed' : null), io);
      passwordFile = undefined;
    } else {
      const fault = (answer: string): string | null => (answer === '' ? null : addressFault(answer, loginIsAsked));
      url = written((await askUntil(`Broker [${url}]: `, fault, io)) || url);
    }
  }
}

/** The settings of the daemon, with the password that is not in its file yet. */
function trial({ room, url, login }: Omit<Choices, 'name'>): Config {
  const text = `[room]\nid = ${JSON.stringify(room)}\n[mqtt]\nurl = ${JSON.stringify(url)}\n`;
  const config = parseConfig(text, 'the new configuration');
  const { username = null, password = null } = login ?? {};
  return { ...config, mqtt: { ...config.mqtt, username, password } };
}

async function start({ withoutStart }: Options, io: CommandIo): Promise<void> {
  if (withoutStart || !hasService()) {
    io.out('Start it with: sudo systemctl enable --now roomkin   (without systemd: roomkin run)');
    return;
  }
  io.progress('starting the service; the models load (3 minutes at most)...');
  const isReady = await startService(io.signal);
  io.progress('');
  const user = admitUser();
  if (user !== null) io.out(`${user} may ask the daemon without sudo after the next login.`);
  if (!isReady) io.out('The service did not become ready: sudo journalctl -u roomkin says why.');
  // The configuration and the service are what check examines, not what this process knows.
  await runCheck({ privacy: false }, { ...io, document: () => {} });
  io.out('');
  io.out('Next: sudo roomkin enrol NAME --live (or --photos PATH), then roomkin watch');
}
