// Child processes that end with this process in every case, kill -9 included: the kernel kills them when their parent dies.
//
// native/child-guard.c does it, where install time had a C compiler, else setpriv of util-linux. systemd's filter of system calls stops
// setpriv, which therefore helps only outside the unit. There systemd itself ends what is left of the service.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { packageRoot } from './files.js';

/** The guard that scripts/build-native.js builds. */
export const guardPath: string = join(packageRoot, 'native', 'build', 'child-guard');

/** The variable in which the guard tells its program whether it runs in the sandbox: `on`, or why not. */
export const sandboxVariable = 'ROOMKIN_SANDBOX';

/** What was found out about the programs that start others: whether each one works here. */
const working = new Map<string, boolean>();

/** The command that starts `argv`, so that it ends with this process where that is possible. It has the same process id. */
export function guarded(argv: readonly string[], guard: string = guardPath): readonly string[] {
  const prefix = [guardedBy(guard), ['setpriv', '--pdeathsig', 'KILL', '--']].find(works) ?? [];
  return [...prefix, ...argv];
}

/**
 * As `guarded`, and without network, other programs and other processes: their system calls fail with EPERM. `argv[0]` is a path. Not
 * sandboxed where the guard is missing; the program finds out from `sandboxVariable`.
 */
export function sandboxed(argv: readonly string[], guard: string = guardPath): readonly string[] {
  return works(guardedBy(guard)) ? [...guardedBy(guard, '--sandbox'), ...argv] : guarded(argv, guard);
}

function guardedBy(guard: string, ...options: readonly string[]): string[] {
  return [guard, String(process.pid), ...options, '--'];
}

/** Tries each program once. Without memory or file descriptors it cannot be tried: it counts as missing, this time. */
function works(prefix: readonly string[]): boolean {
  const [program = '', ...args] = prefix;
  const known = working.get(program);
  if (known !== undefined) return known;
  const { error, status } = spawnSync(program, [...args, '/bin/sh', '-c', ':'], { stdio: 'ignore' });
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  const isMissing = code === 'ENOENT' || code === 'EACCES' || code === 'ENOEXEC';
  if (error === undefined || isMissing) working.set(program, status === 0);
  return status === 0;
}
