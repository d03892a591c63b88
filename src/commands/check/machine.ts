// The machine: Node, clock, temperature and power supply, free disk space.

import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { packageRoot } from '../../base/files.js';
import { readHeat } from '../../control/heat.js';
import { type Finding, failed, ok, warn } from './finding.js';

/** A Pi throttles itself from 80 °C; above 75 °C a warmer day is enough for that. */
const hotCelsius = 75;
const littleDiskBytes = 500e6;
const noDiskBytes = 50e6;

/** Whether roomkin supports this Node and this architecture. */
export function checkNode(version = process.versions.node, architecture: string = process.arch): Finding {
  const { engines } = JSON.parse(readFileSync(`${packageRoot}/package.json`, 'utf8')) as { engines: { node: string } };
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [needMajor = 0, needMinor = 0] = engines.node.replace('>=', '').split('.').map(Number);
  const found = `${version} on ${architecture}`;
  if (major < needMajor || (major === needMajor && minor < needMinor)) {
    return failed('node', found, `roomkin needs Node ${engines.node}: run deploy/install again`);
  }
  if (architecture !== 'arm64' && architecture !== 'x64') {
    return failed(
      'node',
      found,
      'the model runtime supports 64-bit ARM and x86-64 only: use the 64-bit Raspberry Pi OS',
    );
  }
  // From 24.19 on a statement that better-sqlite3 12 frees outside of JavaScript ends the process.
  if (major > 24 || (major === 24 && minor >= 19)) {
    return warn('node', found, 'with better-sqlite3 12 this Node ends roomkin now and then: use Node 20 or 22');
  }
  return ok('node', found);
}

/** Whether the clock is set from the network; otherwise a Pi without a battery clock starts in the past. */
export async function checkClock(program = 'timedatectl'): Promise<Finding> {
  const { stdout } = await runProgram([program, 'show', '--property=NTPSynchronized', '--value']);
  const answer = stdout.trim();
  if (answer === 'yes') return ok('clock', 'set from the network');
  const advice = 'times of events may be wrong: sudo timedatectl set-ntp true, and check the network';
  if (answer === 'no') return warn('clock', 'not set from the network', advice);
  return warn('clock', 'timedatectl does not report whether it is set', 'compare the output of `date` with a watch');
}

/** Temperature and power supply, on boards that report them. */
export async function checkHeat(root = ''): Promise<Finding> {
  const { temperatureCelsius, throttled, underVoltage } = await readHeat(root);
  const found = temperatureCelsius === null ? 'this board does not report it' : `${temperatureCelsius.toFixed(0)} °C`;
  if (underVoltage) return warn('heat', `${found}, under-voltage`, 'use the official power supply and a short cable');
  if (throttled)
    return warn('heat', `${found}, slowed down by the firmware`, 'add a heat sink or a fan, or move it out of the sun');
  if (temperatureCelsius !== null && temperatureCelsius >= hotCelsius) {
    return warn('heat', found, 'the firmware soon slows the board down: add a heat sink or a fan');
  }
  return ok('heat', found);
}

/** Free space on the disk of the gallery. */
export async function checkDisk(directory: string): Promise<Finding> {
  for (let folder = directory; ; folder = dirname(folder)) {
    const space = await statfs(folder).catch(() => null);
    if (space === null && folder !== dirname(folder)) continue;
    if (space === null) return failed('disk', `${directory} cannot be examined`, 'check store.directory');
    const free = space.bavail * space.bsize;
    const found = `${(free / 1e9).toFixed(1)} GB free at ${folder}`;
    if (free < noDiskBytes) return failed('disk', found, 'free some space: the gallery can no longer be changed');
    if (free < littleDiskBytes) return warn('disk', found, 'free some space soon');
    return ok('disk', found);
  }
}

// Runs a small program and collects its output, with limits on time and size.

export interface ProgramResult {
  /** null: the program was killed, or could not be started. */
  readonly status: number | null;
  /** Whether the program does not exist. */
  readonly missing: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

/** Never rejects. `command` is a program and its arguments; no shell is involved. */
export function runProgram(command: readonly [string, ...string[]], timeoutMs = 10_000): Promise<ProgramResult> {
  const [program, ...args] = command;
  return new Promise((resolve) => {
    const options = { timeout: timeoutMs, killSignal: 'SIGKILL', maxBuffer: 1 << 20 } as const;
    execFile(program, args, options, (error, stdout, stderr) => {
      const code = error === null ? 0 : error.code;
      resolve({ status: typeof code === 'number' ? code : null, missing: error?.code === 'ENOENT', stdout, stderr });
    });
  });
}
