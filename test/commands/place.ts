// A temporary folder with a configuration and a store for tests of verbs; it is removed after the test.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { packageRoot } from '../../src/base/files.js';
import { type CliResult, runVerb } from '../helpers/cli.js';

const folder = mkdtempSync(join(tmpdir(), 'roomkin-verbs-'));
t.teardown(() => rmSync(folder, { recursive: true }));

/** A path in the folder. */
export const at = (...names: string[]): string => join(folder, ...names);

/** One of the sample pictures (1 to 6) of a package: groups of people in rooms. */
export const sample = (number: number): string =>
  join(packageRoot, 'node_modules', '@vladmandic', 'face-api', 'demo', `sample${number}.jpg`);

/** Writes a configuration with this store directory and returns its path. */
export function writeConfig(name: string, directory: string): string {
  const text = `[room]\nid = "office"\n[mqtt]\nurl = "mqtt://127.0.0.1:1"\n[store]\ndirectory = "${directory}"\n`;
  writeFileSync(at(name), text);
  return at(name);
}

const config = writeConfig('config.toml', at('store'));

/** `roomkin ...args` with this configuration. */
export const roomkin = (...args: string[]): Promise<CliResult> => runVerb([...args, '--config', config]);

/** The same with `--json`, its document parsed. */
export async function json(
  ...args: string[]
): Promise<{ code: number | null; document: ReturnType<typeof JSON.parse> }> {
  const { code, stdout } = await roomkin(...args, '--json');
  return { code, document: JSON.parse(stdout) };
}

/** The error lines, without progress. */
export const errors = ({ stderr }: CliResult): string[] =>
  stderr.split('\n').filter((line) => line.startsWith('roomkin: '));

/** The names of the enrolled people. */
export const names = async (): Promise<string[]> =>
  (await json('people')).document.people.map(({ name }: { name: string }) => name);
