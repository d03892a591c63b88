// A file system of a few hundred kilobytes in memory, for tests of a full or read-only disk. Only root may mount one.
import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** Why there is no small disk on this machine, for `skip`; false where there is one. */
export const noSmallDisk: string | false =
  process.geteuid?.() === 0 && canMount() ? false : 'needs root and the right to mount a tmpfs';

export interface SmallDisk extends Disposable {
  readonly path: string;
  /** Fills it to the last byte. */
  fill(): void;
  /** Removes what `fill` wrote. */
  free(): void;
  readOnly(isReadOnly: boolean): void;
}

/** Mounts a disk of `kilobytes` at `folder`/disk. */
export function mountSmallDisk(folder: string, kilobytes = 2048): SmallDisk {
  const path = join(folder, 'disk');
  mkdirSync(path);
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${kilobytes}k,mode=0700`, 'roomkin-test', path]);
  const filler = join(path, 'filler');
  const remount = (options: string): void => void execFileSync('mount', ['-o', `remount,${options}`, path]);
  return {
    path,
    fill() {
      const file = openSync(filler, 'a');
      const block = Buffer.alloc(4096);
      try {
        while (statfsSync(path).bavail > 0) writeSync(file, block);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      } finally {
        closeSync(file);
      }
    },
    free: () => rmSync(filler, { force: true }),
    readOnly: (isReadOnly) => remount(isReadOnly ? 'ro' : 'rw'),
    [Symbol.dispose]() {
      execFileSync('umount', ['--lazy', path]);
    },
  };
}

function canMount(): boolean {
  try {
    execFileSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'roomkin-test', '/mnt'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
