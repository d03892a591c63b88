// The files that `roomkin setup` writes: config.toml, made from config.example.toml, and the password of the broker. Both belong to
// root and are readable for the group of the service. Each is complete or not there.
import { spawnSync } from 'node:child_process';
import { chownSync, copyFileSync, existsSync, fchmodSync, mkdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fail } from '../../base/errors.js';
import { packageRoot, replaceFile } from '../../base/files.js';
import { parseConfig } from '../../config/load.js';

/** What the user chose. */
export interface Choices {
  readonly room: string;
  /** null: made from the id. */
  readonly name: string | null;
  readonly url: string;
  /** null: the broker accepts everybody. */
  readonly login: { readonly username: string; readonly password: string } | null;
}

/** The text of config.toml, with every key and its default. Errors: CONFIG_INVALID. */
export function configurationText({ room, name, url, login }: Choices, passwordFile: string): string {
  const values: [line: RegExp, key: string, value: string | null][] = [
    [/^id = .*$/m, 'id', room],
    [/^#name = .*$/m, 'name', name],
    [/^#url = .*$/m, 'url', url],
    [/^#username = .*$/m, 'username', login?.username ?? null],
    [/^#password_file = .*$/m, 'password_file', login === null ? null : passwordFile],
  ];
  const text = values.reduce(
    // The escapes of JSON are those of TOML. A function, because `$` has a meaning in a replacement text.
    (before, [line, key, value]) =>
      value === null ? before : before.replace(line, () => `${key} = ${JSON.stringify(value)}`),
    readFileSync(join(packageRoot, 'config.example.toml'), 'utf8'),
  );
  parseConfig(text, 'the new configuration');
  return text;
}

export const passwordPath = (configPath: string): string => join(dirname(configPath), 'mqtt-password');

/** Writes the configuration to `path` and the password beside it. An existing configuration is kept as `.old`. Errors: OUTPUT. */
export function writeConfiguration(path: string, choices: Choices): void {
  const text = configurationText(choices, passwordPath(path));
  const group = serviceGroup();
  const had = existsSync(passwordPath(path));
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o750 });
    if (existsSync(path)) {
      copyFileSync(path, `${path}.old`);
      own(`${path}.old`, group);
    }
    // The configuration comes last: until it is there, nothing uses the password.
    const share = (file: number, part: string): void => {
      own(part, group);
      fchmodSync(file, modeFor(group));
    };
    if (choices.login !== null) replaceFile(passwordPath(path), `${choices.login.password}\n`, share);
    replaceFile(path, text, share);
  } catch (cause) {
    if (!had) rmSync(passwordPath(path), { force: true });
    const { code } = cause as NodeJS.ErrnoException;
    const advice = code === 'EACCES' || code === 'EPERM' ? 'run it with sudo' : 'check the disk';
    throw fail('OUTPUT', `${path} cannot be written (${code}): ${advice}`, cause);
  }
}

/** The id of the group `roomkin`; null where there is none, or where this user may not give files away. */
function serviceGroup(): number | null {
  if (process.getuid?.() !== 0) return null;
  const { status, stdout } = spawnSync('getent', ['group', 'roomkin'], { encoding: 'utf8' });
  return status === 0 ? Number(stdout.split(':')[2]) : null;
}

const modeFor = (group: number | null): number => (group === null ? 0o600 : 0o640);

function own(path: string, group: number | null): void {
  if (group !== null) chownSync(path, 0, group);
}

/** Errors: OUTPUT, where `path` can never be written by this user: said before any question is asked. */
export function requireWritable(path: string): void {
  if (process.getuid?.() === 0) return;
  let folder = dirname(path);
  while (!existsSync(folder)) folder = dirname(folder);
  const { uid, mode } = statSync(folder);
  if (uid === process.getuid?.() && (mode & 0o200) !== 0) return;
  throw fail('OUTPUT', `${path} cannot be written by this user: sudo roomkin setup`);
}
