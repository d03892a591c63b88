// The machine under the daemon: Node, clock, heat and supply, free disk.

import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { packageRoot } from '../../base/files.js';
import { readHeat } from '../../control/heat.js';
import { type Finding, failed, ok, warn } from './finding.js';

/** A Pi throttles itself from 80 °C on; at 75 a warmer day is enough. */
const hotCelsius = 75;
const littleDiskBytes = 500e6;
const noDiskBytes = 50e6;

/** Whether this Node is one that roomkin is made for. */
export function checkNode(version = process.versions.node, architecture: string = process.arch): Finding {
  const { engines } = JSON.parse(readFileSync(`${packageRoot}/package.json`, 'utf8')) as { engines: { node: string } };
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [needMajor = 0, needMinor = 0] = engines.node.replace('>=', '').split('.').map(Number);
  const found = `${version} on ${architecture}`;
  if (major < needMajor || (major === needMajor && minor < needMinor)) {
    return failed('node', found, `roomkin needs Node ${engines.node}: run deploy/install again`);
  }
  if (architecture !== 'arm64' && architecture !== 'x64') {
    return failed('node', found, 'the model runtime is made for 64-bit ARM and x86-64: use the 64-bit Raspberry Pi OS');
  }
  return ok('node', found);
}

/** Whether the clock is set from the network; a Pi without one starts in the past. */
export async function checkClock(program = 'timedatectl'): Promise<Finding> {
  const asked = await runProgram([program, 'show', '--property=NTPSynchronized', '--value']);
  const answer = asked.stdout.trim();
  if (answer === 'yes') return ok('clock', 'set from the network');
  const advice = 'times of events may be wrong: sudo timedatectl set-ntp true, and see that the network is there';
  if (answer === 'no') return warn('clock', 'not set from the network', advice);
  return warn('clock', 'not known to be set: timedatectl does not say', 'compare the output of `date` with a watch');
}

/** Heat and supply, where the board tells. */
export async function checkHeat(root = ''): Promise<Finding> {
  const { temperatureCelsius, throttled, underVoltage } = await readHeat(root);
  const found = temperatureCelsius === null ? 'this board does not tell' : `${temperatureCelsius.toFixed(0)} °C`;
  if (underVoltage) return warn('heat', `${found}, under-voltage`, 'use the official power supply and a short cable');
  if (throttled)
    return warn('heat', `${found}, slowed down by the firmware`, 'give it a heat sink, a fan or a shadier place');
  if (temperatureCelsius !== null && temperatureCelsius >= hotCelsius) {
    return warn('heat', found, 'close to where the firmware slows it down: give it a heat sink or a fan');
  }
  return ok('heat', found);
}

/** Free space where the gallery lies or will lie. */
export async function checkDisk(directory: string): Promise<Finding> {
  for (let folder = directory; ; folder = dirname(folder)) {
    const space = await statfs(folder).catch(() => null);
    if (space === null && folder !== dirname(folder)) continue;
    if (space === null) return failed('disk', `${directory} cannot be looked at`, 'check store.directory');
    const free = space.bavail * space.bsize;
    const found = `${(free / 1e9).toFixed(1)} GB free at ${folder}`;
    if (free < noDiskBytes) return failed('disk', found, 'make room: the gallery can no longer be changed');
    if (free < littleDiskBytes) return warn('disk', found, 'make room soon');
    return ok('disk', found);
  }
}

// Runs a small program to its end and keeps what it says, bounded in time and size.

export interface ProgramResult {
  /** null: killed, or it could not be started. */
  readonly status: number | null;
  /** Whether there is no such program. */
  readonly missing: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

/** Never rejects. `command` is a program and its arguments; no shell sees them. */
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
