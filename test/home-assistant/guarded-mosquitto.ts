// Runs before Mosquitto each time the tools start it: `guarded-mosquitto.js LISTENER CONFIGURATION`. Adds the guarded listener to
// the configuration, and configures a Home Assistant that was not started yet to use it.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { GuardedListener } from './guarded-broker.js';

interface Entries {
  readonly data: { readonly entries: readonly { readonly domain: string; data: Readonly<Record<string, unknown>> }[] };
}

const read = <T>(file: string): T => JSON.parse(readFileSync(file, 'utf8')) as T;
const [guardedFile = '', configuration = ''] = process.argv.slice(2);
const guarded = read<GuardedListener>(guardedFile);
const listener = readFileSync(join(guarded.folder, 'listener.conf'), 'utf8');
// Otherwise the password file would apply to the open listener too.
const text = `per_listener_settings true\n${readFileSync(configuration, 'utf8')}${listener}`;
writeFileSync(join(guarded.folder, 'mosquitto.conf'), text);

const { config } = read<{ config: string }>(join(process.env['HA_RUN'] ?? '', 'run.json'));
const file = join(config, '.storage', 'core.config_entries');
const entries = read<Entries>(file);
const entry = entries.data.entries.find(({ domain }) => domain === 'mqtt');
if (entry === undefined) throw new Error(`no MQTT entry in ${file}`);
if (entry.data['port'] !== guarded.port) {
  entry.data = { ...entry.data, ...guarded.entry };
  writeFileSync(file, JSON.stringify(entries));
}
