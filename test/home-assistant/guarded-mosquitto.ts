// Runs in front of Mosquitto each time the tools start it: `guarded-mosquitto.js DOOR CONFIGURATION`. Adds the door to their
// configuration, and sends a Home Assistant that was not started yet through it.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Door } from './guarded-broker.js';

interface Entries {
  readonly data: { readonly entries: readonly { readonly domain: string; data: Readonly<Record<string, unknown>> }[] };
}

const read = <T>(file: string): T => JSON.parse(readFileSync(file, 'utf8')) as T;
const [doorFile = '', configuration = ''] = process.argv.slice(2);
const door = read<Door>(doorFile);
const listener = readFileSync(join(door.folder, 'listener.conf'), 'utf8');
// Else the password file would be asked for at the open door as well.
const text = `per_listener_settings true\n${readFileSync(configuration, 'utf8')}${listener}`;
writeFileSync(join(door.folder, 'mosquitto.conf'), text);

const { config } = read<{ config: string }>(join(process.env['HA_RUN'] ?? '', 'run.json'));
const file = join(config, '.storage', 'core.config_entries');
const entries = read<Entries>(file);
const entry = entries.data.entries.find(({ domain }) => domain === 'mqtt');
if (entry === undefined) throw new Error(`no MQTT entry in ${file}`);
if (entry.data['port'] !== door.port) {
  entry.data = { ...entry.data, ...door.entry };
  writeFileSync(file, JSON.stringify(entries));
}
