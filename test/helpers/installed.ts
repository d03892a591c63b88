// A room as `deploy/install` leaves it: the daemon runs as a user of its own, its state directory is closed to everybody else, and a
// plain user is in its group. Only root can make one.
import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, chmodSync, chownSync, constants, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { packageRoot } from '../../src/base/files.js';
import type { CliResult } from './cli.js';

/** Ids that no system gives to a user. */
const ids = { daemon: 64_901, group: 64_900, plain: 64_902, outsider: 64_903 } as const;

/** `root`: as with sudo. `plain`: in the group of the daemon. `outsider`: not in it. */
export type User = 'root' | 'daemon' | 'plain' | 'outsider';

/** For tap's `skip`: the reason, or false. */
export const withoutUsers: string | false = ((): string | false => {
  if (process.getuid?.() !== 0) return 'only root can run processes as other users';
  for (let folder = packageRoot; folder !== '/'; folder = dirname(folder))
    if ((statSync(folder).mode & 0o005) !== 0o005) return `other users may not read ${folder}`;
  return ['/usr/bin/setpriv', '/bin/setpriv'].some(isProgram) ? false : 'setpriv (util-linux) is not installed';
})();

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

const cliPath = fileURLToPath(new URL('../../src/cli.js', import.meta.url));
const start = 'import(process.argv[1]).then(({ main }) => main(process.argv.slice(2)))';

export interface Installed {
  readonly config: string;
  readonly store: string;
  /** A folder that everybody may read and write. */
  readonly open: string;
  /** A shell script that is `roomkin`, and its environment. */
  readonly program: string;
  readonly env: NodeJS.ProcessEnv;
  /** `command` as it is started as `user`. */
  as(user: User, command: readonly string[]): readonly string[];
  spawn(user: User, args: readonly string[], env?: NodeJS.ProcessEnv): ChildProcess;
  roomkin(user: User, ...args: readonly string[]): Promise<CliResult>;
  /** Starts the daemon and waits until it answers. */
  startDaemon(): Promise<ChildProcess>;
}

/**
 * Prepares the folders below `folder`. `lines`: of the configuration, besides `[store]` and `[service] control_socket`. `daemonEnv`:
 * what the daemon has besides the environment of the test.
 */
export function installed(folder: string, lines: string, daemonEnv: NodeJS.ProcessEnv = {}): Installed {
  const [etc, store, runtime, open] = ['etc', 'var', 'run', 'open'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
    string,
  ];
  chmodSync(folder, 0o755);
  const make = (path: string, mode: number, uid: number, gid: number): void => {
    mkdirSync(path);
    chownSync(path, uid, gid);
    chmodSync(path, mode);
  };
  make(etc, 0o750, 0, ids.group);
  make(store, 0o700, ids.daemon, ids.group);
  make(runtime, 0o750, ids.daemon, ids.group);
  make(open, 0o777, 0, 0);
  const config = join(etc, 'config.toml');
  writeFileSync(
    config,
    `${lines}\n[store]\ndirectory = "${store}"\n[service]\ncontrol_socket = "${join(runtime, 'lab.sock')}"\n`,
  );
  chownSync(config, 0, ids.group);
  chmodSync(config, 0o640);

  const room: Installed = {
    config,
    store,
    open,
    program: `#!/bin/sh\nexec '${process.execPath}' -e "${start}" -- '${cliPath}' "$@"\n`,
    // Coverage is written to a folder that these users may not write.
    env: { ...process.env, ROOMKIN_CONFIG: config, HOME: open, NODE_OPTIONS: '', NODE_V8_COVERAGE: undefined },
    as(user, command) {
      const groups = user === 'plain' ? `--groups=${ids.group}` : '--clear-groups';
      const gid = user === 'daemon' ? ids.group : ids[user === 'root' ? 'group' : user];
      const change = [
        'setpriv',
        `--reuid=${user === 'root' ? 0 : ids[user]}`,
        `--regid=${gid}`,
        groups,
        '--inh-caps=-all',
      ];
      // tap gives every child its loaders, which write to a folder of the user who tests.
      const bare = ['env', '--unset=NODE_OPTIONS', '--unset=NODE_V8_COVERAGE', ...command];
      return user === 'root' ? command : [...change, ...bare];
    },
    spawn(user, args, env = {}) {
      const [program, ...words] = room.as(user, [process.execPath, '-e', start, '--', cliPath, ...args]);
      return spawn(program!, words, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...room.env, ...env }, cwd: open });
    },
    async roomkin(user, ...args) {
      const child = room.spawn(user, args);
      const written = { stdout: '', stderr: '' };
      for (const name of ['stdout', 'stderr'] as const)
        child[name]!.setEncoding('utf8').on('data', (text: string) => {
          written[name] += text;
        });
      const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
      return { code, ...written };
    },
    async startDaemon() {
      const daemon = room.spawn('daemon', ['run'], daemonEnv);
      let log = '';
      daemon.stderr?.setEncoding('utf8').on('data', (text: string) => {
        log += text;
      });
      daemon.stdout?.resume();
      for (let tries = 0; tries < 600; tries++) {
        if (daemon.exitCode !== null) throw new Error(`the daemon ended with ${daemon.exitCode}: ${log}`);
        if (readdirSync(runtime).length > 0) return daemon;
        await wait(50);
      }
      daemon.kill('SIGKILL');
      throw new Error(`the daemon did not start: ${log}`);
    },
  };
  return room;
}
