// Programs that a release needs, and their errors.
import { spawnSync } from 'node:child_process';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The checkout. */
export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** Debian's package for each program that is not part of every system. */
const packageOf = {
  'aarch64-linux-gnu-g++': 'g++-aarch64-linux-gnu',
  'aarch64-linux-gnu-gcc': 'gcc-aarch64-linux-gnu',
  'aarch64-linux-gnu-objdump': 'binutils-aarch64-linux-gnu',
  'aarch64-linux-gnu-strip': 'binutils-aarch64-linux-gnu',
  'dpkg-deb': 'dpkg',
  gcc: 'gcc',
  'g++': 'g++',
  git: 'git',
  mmdebstrap: 'mmdebstrap',
  objdump: 'binutils',
  strip: 'binutils',
  xz: 'xz-utils',
};

/** The standard output of a program. Throws an Error with what it printed. */
export function run(program, args, options = {}) {
  const { error, status, stdout, stderr } = spawnSync(program, args, {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 1 << 27,
    ...options,
  });
  if (error?.code === 'ENOENT') {
    const name = packageOf[program] ?? program;
    throw new Error(`there is no ${program}: sudo apt-get install ${name}`);
  }
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${program} ended with ${status}: ${(stderr || stdout).trim().slice(-2000)}`);
  return stdout;
}
