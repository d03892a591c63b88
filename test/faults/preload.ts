// Faults of the machine that a test may switch on while a daemon runs: a wall clock that is set, and a slow disk. A small library
// (preload.c) brings them about, because a test must not set the clock of the machine or slow its disk down.
import { spawnSync } from 'node:child_process';
import { closeSync, openSync, realpathSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/base/files.js';

/** For tap's `skip`: the reason, or false. */
export const noPreload: string | false =
  spawnSync('cc', ['--version'], { stdio: 'ignore' }).status === 0 ? false : 'needs a C compiler (cc)';

export interface MachineFaults {
  /** How far the wall clock is ahead, milliseconds; negative: behind. */
  readonly clockOffsetMs?: number;
  /** How long fsync(2) and fdatasync(2) take in addition, milliseconds. */
  readonly syncMs?: number;
  /** How long each write takes in addition, milliseconds. */
  readonly writeMs?: number;
}

export interface Machine {
  /** Environment of the daemon. */
  readonly env: NodeJS.ProcessEnv;
  /** Takes effect at once. What is not given is as usual. */
  set(faults: MachineFaults): void;
}

/** Compiles the library in `folder`. Only files below `disk` are slow. */
export function faultyMachine(folder: string, disk: string): Machine {
  const library = join(folder, 'preload.so');
  const source = join(packageRoot, 'test', 'faults', 'preload.c');
  const { status, stderr } = spawnSync('cc', ['-O1', '-shared', '-fPIC', '-o', library, source, '-ldl'], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`preload.c does not compile: ${stderr}`);
  const control = join(folder, 'faults');
  const bytes = ({ clockOffsetMs = 0, syncMs = 0, writeMs = 0 }: MachineFaults): Buffer =>
    Buffer.from(new BigInt64Array([clockOffsetMs, syncMs, writeMs].map(BigInt)).buffer);
  writeFileSync(control, bytes({}));
  return {
    env: { LD_PRELOAD: library, ROOMKIN_FAULTS: control, ROOMKIN_FAULTS_DISK: realpathSync(disk) },
    set(faults) {
      const file = openSync(control, 'r+');
      writeSync(file, bytes(faults), 0, 24, 0);
      closeSync(file);
    },
  };
}
