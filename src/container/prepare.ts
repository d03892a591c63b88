// The first step of a container (deploy/container/start): options → configuration. It writes config.toml and the password of the broker,
// both readable by their owner only. The program of the start, not a verb: nobody calls it by hand.

import { existsSync, mkdirSync, readFileSync, realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { fail, faultsOf, RoomkinError, sentenceOf } from '../base/errors.js';
import { replaceFile } from '../base/files.js';
import { printable } from '../base/printable.js';
import { decodeText } from '../base/text.js';
import { defaultConfigPath } from '../config/load.js';
import {
  appForm,
  type Broker,
  configurationText,
  environment,
  optionsOfApp,
  optionsOfEnvironment,
  placesIn,
} from './options.js';
import { brokerOfSupervisor } from './supervisor.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** Returns what was done, as a line for the log. Errors: CONFIG_INVALID, BROKER, OUTPUT. */
export async function prepare(env: Environment): Promise<string> {
  const state = env['ROOMKIN_STATE'] || '/var/lib/roomkin';
  const token = env['SUPERVISOR_TOKEN'];
  if (token) {
    const options = optionsOfApp(readOptions(env['ROOMKIN_OPTIONS'] || '/data/options.json'));
    // Bad options are refused before anything is asked.
    configurationText(options, null, state, appForm);
    const broker = await brokerOfSupervisor(env['ROOMKIN_SUPERVISOR'] || 'http://supervisor', token);
    write(state, configurationText(options, broker, state, appForm), broker.login);
    return `room ${options['room']}, broker ${broker.url} of Home Assistant`;
  }
  const given = env['ROOMKIN_CONFIG'] || (existsSync(defaultConfigPath) ? defaultConfigPath : null);
  if (given !== null) return `the configuration is ${given}`;
  const options = optionsOfEnvironment(env);
  if (options['room'] === undefined)
    throw fail('CONFIG_MISSING', `set ROOMKIN_ROOM and ROOMKIN_CAMERA, or mount a file at ${defaultConfigPath}`);
  write(state, configurationText(options, null, state, environment), null);
  return `room ${options['room']}, configured by the environment`;
}

function readOptions(path: string): string {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw fail('CONFIG_MISSING', `cannot read ${path} (${code}): save the options on the page of the app`, cause);
  }
  const text = decodeText(bytes);
  if (typeof text === 'string') return text;
  throw fail('CONFIG_INVALID', `${path}:${text.line}: ${text.fault}`);
}

/** The password comes first: until the configuration is there, nothing uses it. */
function write(state: string, text: string, login: Broker['login']): void {
  const { config, password, store } = placesIn(state);
  try {
    mkdirSync(store, { recursive: true, mode: 0o700 });
    if (login !== null) replaceFile(password, `${login.password}\n`);
    replaceFile(config, text);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw fail('OUTPUT', `${state} cannot be written (${code}): mount a volume there that the user may write`, cause);
  }
}

async function main(): Promise<void> {
  try {
    process.stderr.write(`${printable(`roomkin: ${await prepare(process.env)}`)}\n`);
  } catch (error) {
    const isKnown = error instanceof RoomkinError;
    process.stderr.write(`${printable(`roomkin: ${isKnown ? error.code : 'INTERNAL'}: ${sentenceOf(error)}`)}\n`);
    if (isKnown) for (const fault of faultsOf(error)) process.stderr.write(`${printable(`  ${fault}`)}\n`);
    process.exitCode = isKnown ? error.exitCode : 70;
  }
}

if (process.argv[1] !== undefined && fileURLToPath(import.meta.url) === realpathSync(process.argv[1])) await main();
