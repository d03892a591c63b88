// The options of a container: of the Home Assistant app as a form (options.json), of a plain container as environment variables. Each
// option is a key of config.toml under a name of its own. The rules for the values are those of config.toml.
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { fail, faultsOf, oneLine, RoomkinError } from '../base/errors.js';
import { nearest } from '../base/suggest.js';
import { parseConfig } from '../config/load.js';

type Kind = 'text' | 'number' | 'flag';
export type OptionValue = string | number | boolean;

interface ContainerOption {
  /** The key of config.toml: `section.key`. */
  readonly key: string;
  readonly kind: Kind;
  /** The app gets these from the Supervisor. */
  readonly onlyPlain?: true;
}

export const containerOptions: Readonly<Record<string, ContainerOption>> = {
  room: { key: 'room.id', kind: 'text' },
  room_name: { key: 'room.name', kind: 'text' },
  camera: { key: 'camera.input', kind: 'text' },
  width: { key: 'camera.width', kind: 'number' },
  height: { key: 'camera.height', kind: 'number' },
  framerate: { key: 'camera.framerate', kind: 'number' },
  rotation: { key: 'camera.rotation', kind: 'number' },
  upside_down: { key: 'camera.rotation', kind: 'flag' },
  leave_after_seconds: { key: 'presence.leave_after_seconds', kind: 'number' },
  strangers: { key: 'presence.strangers', kind: 'flag' },
  wrong_names_per_month: { key: 'recognition.wrong_names_per_month', kind: 'number' },
  snapshots: { key: 'privacy.snapshots', kind: 'flag' },
  looks_kept_hours: { key: 'privacy.looks_kept_hours', kind: 'number' },
  names_in_log: { key: 'service.names_in_log', kind: 'flag' },
  log_level: { key: 'service.log_level', kind: 'text' },
  area: { key: 'home_assistant.area', kind: 'text' },
  trackers: { key: 'home_assistant.trackers', kind: 'flag' },
  household: { key: 'household.id', kind: 'text' },
  mqtt_url: { key: 'mqtt.url', kind: 'text', onlyPlain: true },
  mqtt_username: { key: 'mqtt.username', kind: 'text', onlyPlain: true },
  mqtt_password_file: { key: 'mqtt.password_file', kind: 'text', onlyPlain: true },
  mqtt_ca_file: { key: 'mqtt.ca_file', kind: 'text', onlyPlain: true },
};

/** The options by name, without those that are not set. */
export type Options = Readonly<Record<string, OptionValue>>;

/** Where options come from: their names in messages, and which of them exist there. */
export interface Source {
  nameOf(option: string): string;
  readonly known: readonly string[];
}

export const appForm: Source = {
  nameOf: (option) => option,
  known: Object.keys(containerOptions).filter((option) => !containerOptions[option]?.onlyPlain),
};

export const environment: Source = {
  nameOf: (option) => `ROOMKIN_${option.toUpperCase()}`,
  known: Object.keys(containerOptions),
};

/** The variables that are no options: where files are (docs/container.md), and two of `roomkin` itself. */
const places: ReadonlySet<string> = new Set(
  ['CONFIG', 'STATE', 'PEOPLE', 'OPTIONS', 'SUPERVISOR', 'STACK', 'SANDBOX'].map((name) => `ROOMKIN_${name}`),
);

/** The options of the app, from the text of options.json. Errors: CONFIG_INVALID. */
export function optionsOfApp(text: string): Options {
  let form: unknown;
  try {
    form = JSON.parse(text);
  } catch (cause) {
    throw fail('CONFIG_INVALID', 'the options of the app are no JSON: save them again on its page', cause);
  }
  if (typeof form !== 'object' || form === null || Array.isArray(form))
    throw fail('CONFIG_INVALID', 'the options of the app are no list of names and values: save them again on its page');
  return chosen(Object.entries(form), appForm);
}

/** The options of a plain container: the variables ROOMKIN_... of `env`. Errors: CONFIG_INVALID. */
export function optionsOfEnvironment(env: Readonly<Record<string, string | undefined>>): Options {
  const entries = Object.entries(env)
    .filter(([name]) => name.startsWith('ROOMKIN_') && !places.has(name))
    .map(([name, value]): [string, unknown] => [name.slice('ROOMKIN_'.length).toLowerCase(), value]);
  return chosen(entries, environment);
}

/** An empty value is an option that is not set. */
function chosen(entries: readonly (readonly [string, unknown])[], source: Source): Options {
  const options: Record<string, OptionValue> = {};
  const faults: string[] = [];
  for (const [option, value] of entries) {
    const kind = source.known.includes(option) ? containerOptions[option]?.kind : undefined;
    if (kind === undefined) {
      const guess = nearest(option, source.known);
      const advice = guess ? `did you mean ${source.nameOf(guess)}?` : 'see its documentation';
      faults.push(`${source.nameOf(option)}: there is no such option; ${advice}`);
    } else if (value !== null && value !== undefined && value !== '') {
      const result = converted(value, kind);
      if (result === null) faults.push(`${source.nameOf(option)}: ${wanted[kind]}`);
      else options[option] = result;
    }
  }
  refuse(faults);
  return options;
}

const wanted: Readonly<Record<Kind, string>> = {
  text: 'must be a text',
  number: 'must be a number',
  flag: 'must be true or false',
};

/** Environment variables are texts. null: not a value of this kind. */
function converted(value: unknown, kind: Kind): OptionValue | null {
  if (kind === 'text') return typeof value === 'string' ? value : null;
  if (kind === 'number') {
    const amount = typeof value === 'string' && /^\d+(\.\d+)?$/.test(value) ? Number(value) : value;
    return typeof amount === 'number' && Number.isFinite(amount) ? amount : null;
  }
  if (value === 'true' || value === 'false') return value === 'true';
  return typeof value === 'boolean' ? value : null;
}

export interface Broker {
  readonly url: string;
  /** null: the broker accepts everybody. */
  readonly login: { readonly username: string; readonly password: string } | null;
}

/** The paths of what a container writes, below the folder `state`. */
export const placesIn = (state: string) => ({
  config: join(state, 'config.toml'),
  password: join(state, 'mqtt-password'),
  store: join(state, 'store'),
});

/**
 * The text of config.toml for `options`. `broker` is that of the Supervisor; null: the options name one. Errors: CONFIG_INVALID, one line
 * per fault, with the names that the options have in `source`.
 */
export function configurationText(options: Options, broker: Broker | null, state: string, source: Source): string {
  const { config, password, store } = placesIn(state);
  if (options['rotation'] !== undefined && options['upside_down'] !== undefined)
    refuse([`${source.nameOf('upside_down')}: remove it, ${source.nameOf('rotation')} is set`]);
  const values: [key: string, value: OptionValue][] = [
    // Cameras of other machines and webcams: the image has no libcamera.
    ['camera.source', isFolder(options['camera']) ? 'replay' : 'ffmpeg'],
    ...Object.entries(options).map(([option, value]): [string, OptionValue] => {
      const { key } = containerOptions[option]!;
      return [key, option === 'upside_down' ? (value === true ? 180 : 0) : value];
    }),
    ...brokerValues(broker, password),
    ['store.directory', store],
  ];
  const sections = new Map<string, string[]>([['room', []]]);
  for (const [path, value] of values) {
    const [section = '', key] = path.split('.');
    // The escapes of JSON are those of TOML.
    sections.set(section, [...(sections.get(section) ?? []), `${key} = ${JSON.stringify(value)}`]);
  }
  const head = '# Written at each start of the container, from its options. Changes to this file are lost.\n';
  const text = head + [...sections].map(([section, lines]) => `\n[${section}]\n${lines.join('\n')}\n`).join('');
  try {
    parseConfig(text, config);
  } catch (error) {
    if (!(error instanceof RoomkinError)) throw error;
    refuse(faultsOf(error).map((fault) => withOptionName(fault, source)));
    throw error;
  }
  return text;
}

function brokerValues(broker: Broker | null, passwordFile: string): [string, OptionValue][] {
  if (broker === null) return [];
  const { url, login } = broker;
  if (login === null) return [['mqtt.url', url]];
  return [
    ['mqtt.url', url],
    ['mqtt.username', login.username],
    ['mqtt.password_file', passwordFile],
  ];
}

function isFolder(path: OptionValue | undefined): boolean {
  return typeof path === 'string' && (statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false);
}

/** `/data/config.toml:5: room.id: use 1 to 32 ...` → `room: use 1 to 32 ...`. */
function withOptionName(fault: string, source: Source): string {
  const [, key = '', text = ''] = /^.*?:\d+: ([\w.]+): (.*)$/.exec(fault) ?? ['', '', fault];
  const option = Object.keys(containerOptions).find((name) => containerOptions[name]?.key === key);
  if (option === undefined) return fault;
  return oneLine(`${source.nameOf(option)}: ${text}`);
}

function refuse(faults: readonly string[]): void {
  if (faults.length === 0) return;
  const sentence = `${faults.length === 1 ? '1 option' : `${faults.length} options`} cannot be used, nothing was started`;
  throw fail('CONFIG_INVALID', sentence, faults);
}
