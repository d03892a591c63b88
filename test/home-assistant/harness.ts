// A real Home Assistant with a real Mosquitto, driven by the tools in `tools/ha` of the shared folder. They are not part of this
// repository: ROOMKIN_SHARED or `../shared` names the folder. With ROOMKIN_HA_SECURE=5 or 4 rooms and Home Assistant use MQTT 5
// or 3.1.1 over TLS, each with its own user and the access list of deploy/mosquitto.
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { packageRoot } from '../../src/base/files.js';
import type { Listener } from '../helpers/brokers.js';
import { guardBroker, type RoomLogin } from './guarded-broker.js';

const tools = resolve(process.env['ROOMKIN_SHARED'] ?? join(packageRoot, '..', 'shared'), 'tools', 'ha');

/** Why these tests cannot run here, or false. */
export const withoutHomeAssistant: string | false = existsSync(join(tools, 'ha_harness.py'))
  ? false
  : `no Home Assistant tools at ${tools} (set ROOMKIN_SHARED)`;

/** The MQTT version to use with the guarded listener; null uses the open listener. */
export const secureProtocol: 4 | 5 | null = securityFrom(process.env['ROOMKIN_HA_SECURE']);

/** Conditions that the harness can check; see the README of the tools. Lines about roomkin in Home Assistant's log always fail. */
export type Spec = Readonly<Record<string, unknown>>;

export interface HomeAssistant {
  readonly version: string;
  /** For observers: no password, no access list. */
  readonly mqttUrl: string;
  /** How the room or user `name` logs in. */
  login(name: string): RoomLogin;
  /** Polls until all of `spec` holds. Throws with the conditions that do not hold. */
  expect(spec: Spec): Promise<void>;
  /** The state of one entity now; null if it does not exist. */
  state(entity: string): Promise<string | null>;
  /** Calls a service, like a person who uses a control. */
  call(service: string, data: Spec): Promise<void>;
  /** Imports the blueprints of this repository and makes automations of them, in place of those made before. */
  useBlueprints(automations: readonly BlueprintUse[]): Promise<void>;
  /** What Assist answers. */
  ask(text: string, language: string): Promise<string>;
  /** Fires an event, like the app of a phone. */
  fire(event: string, data: Spec): Promise<void>;
  stop(): Promise<void>;
  /** Starts it again, with the same packages. */
  start(): Promise<void>;
  stopBroker(): Promise<void>;
  startBroker(options?: { readonly wipe?: boolean }): Promise<void>;
  /** Stops both. The folder with the logs stays. */
  down(): Promise<void>;
  readonly folder: string;
}

export interface BlueprintUse {
  /** Entity id of the automation, without `automation.`. */
  readonly name: string;
  /** File name in blueprints/automation/roomkin, without its ending. */
  readonly blueprint: string;
  readonly input: Spec;
}

/** Messages about Home Assistant's own connection while a test stops the broker. They are not about roomkin. */
const ownConnection = 'The connection was lost|Failed to connect to MQTT|Unable to connect|failed to receive on socket';
/** When a device goes, Home Assistant empties its topic once more for each entity that is disabled, and warns about its own message. */
const ownCleanUp = 'No device components to cleanup';
const logWithout = [
  `^(?!.*(${ownConnection}|${ownCleanUp})).*(WARNING|ERROR).*mqtt`,
  'Error doing job',
  `^(?!.*${ownCleanUp}).*roomkin`,
  '(WARNING|ERROR).*(automation|template|blueprint|intent_script|conversation)',
];

/**
 * Installs the version if it is missing (minutes), and starts it with `packages`, YAML files of configuration. `otherDevices`:
 * topics of other devices that Home Assistant may use.
 */
export async function startHomeAssistant(
  packages: readonly string[],
  otherDevices: readonly string[] = [],
): Promise<HomeAssistant> {
  const version = process.env['HA_VERSION'] ?? '2025.4.4';
  const folder = mkdtempSync(join(tmpdir(), 'roomkin-ha-'));
  // Every instance of Home Assistant stores its certificates in the temporary folder under the same name.
  const [guardFolder, temporary] = [join(folder, 'guard'), join(folder, 'tmp')];
  for (const subfolder of [guardFolder, temporary]) mkdirSync(subfolder);
  const guard = secureProtocol === null ? null : await guardBroker(guardFolder, secureProtocol, otherDevices);
  const path = [...(guard === null ? [] : [guard.programs]), process.env['PATH']].join(':');
  const env = { ...process.env, HA_RUN: folder, TMPDIR: temporary, PATH: path };
  const harness = (args: readonly string[], input = '') => run(args, input, env);
  await harness(['install', '--ha', version]);
  await harness(['up', '--ha', version, ...packages.flatMap((file) => ['--package', file])]);
  const environment = await harness(['env']);
  const setting = (name: string) => new RegExp(`${name}='?([^'\\s]+)`).exec(environment)?.[1] ?? '';
  const { config } = JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8')) as { config: string };
  cpSync(join(packageRoot, 'examples', 'custom_sentences'), join(config, 'custom_sentences'), { recursive: true });
  const headers = { authorization: `Bearer ${setting('HA_TOKEN')}`, 'content-type': 'application/json' };
  const mqttUrl = `mqtt://127.0.0.1:${setting('MQTT_PORT')}`;
  return {
    version,
    folder,
    mqttUrl,
    login: (name) => guard?.login(name) ?? { url: mqttUrl, mqtt: {} },
    async expect(spec) {
      await harness(['assert', '-'], JSON.stringify({ timeout: 10, log_without: logWithout, ...spec }));
    },
    async state(entity) {
      const answer = await fetch(`${setting('HA_URL')}/api/states/${entity}`, { headers });
      return answer.ok ? ((await answer.json()) as { state: string }).state : null;
    },
    async call(service, data) {
      await harness(['call', service, JSON.stringify(data)]);
    },
    async useBlueprints(automations) {
      cpSync(join(packageRoot, 'blueprints'), join(config, 'blueprints'), { recursive: true });
      const automation = automations.map(({ name, blueprint, input }) => ({
        id: name,
        alias: name,
        use_blueprint: { path: `roomkin/${blueprint}.yaml`, input },
      }));
      // JSON is YAML.
      writeFileSync(join(config, 'packages', 'blueprints.yaml'), JSON.stringify({ automation }));
      await harness(['call', 'automation.reload']);
    },
    async ask(text, language) {
      const body = JSON.stringify({ text, language });
      const answer = await fetch(`${setting('HA_URL')}/api/conversation/process`, { method: 'POST', headers, body });
      const { response } = (await answer.json()) as { response: { speech: { plain: { speech: string } } } };
      return response.speech.plain.speech;
    },
    async fire(event, data) {
      const url = `${setting('HA_URL')}/api/events/${event}`;
      const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(data) });
      if (!answer.ok) throw new Error(`${event}: ${answer.status} ${await answer.text()}`);
    },
    async stop() {
      await harness(['ha', 'stop']);
    },
    async start() {
      await harness(['ha', 'start']);
    },
    async stopBroker() {
      await harness(['broker', 'stop']);
    },
    async startBroker({ wipe = false } = {}) {
      await harness(['broker', 'start', ...(wipe ? ['--wipe'] : [])]);
    },
    async down() {
      await harness(['down', '--keep']);
    },
  };
}

function securityFrom(value: string | undefined): 4 | 5 | null {
  if (value === undefined || value === '') return null;
  if (value === '4' || value === '5') return value === '4' ? 4 : 5;
  throw new Error(`ROOMKIN_HA_SECURE is '${value}': set it to 5 or 4`);
}

function run(args: readonly string[], input: string, env: NodeJS.ProcessEnv): Promise<string> {
  return new Promise((resolveOutput, reject) => {
    const child = spawn('python3', [join(tools, 'ha_harness.py'), ...args], { env });
    let output = '';
    const gather = (chunk: Buffer) => {
      output += chunk.toString();
    };
    child.stdout.on('data', gather);
    child.stderr.on('data', gather);
    child.once('error', reject);
    child.once('close', (status) =>
      status === 0 ? resolveOutput(output) : reject(new Error(`${args[0]}: ${output.trim()}`)),
    );
    child.stdin.end(input);
  });
}

/** Adds a light that Home Assistant discovers over MQTT. It assumes that every command succeeds. */
export async function addLight(listener: Listener, name: string): Promise<void> {
  const config = {
    name: null,
    uniq_id: `light_${name}`,
    obj_id: name,
    def_ent_id: `light.${name}`,
    cmd_t: `lamp/${name}/set`,
    bri_cmd_t: `lamp/${name}/brightness/set`,
    dev: { ids: [`lamp_${name}`], name },
    o: { name: 'test' },
  };
  await listener.say(`homeassistant/light/${name}/config`, JSON.stringify(config), { retain: true });
}
