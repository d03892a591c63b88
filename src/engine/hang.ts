// Whether the engine's child hangs. It is judged by its progress messages, its own CPU time and its state, not by the wall clock: a slow
// or starved board needs minutes for what a fast one does in milliseconds, and neither is broken.
//
// A child that waits for a CPU (state R) or for the disk (state D) is slow. A child that sleeps or is stopped in the middle of a
// request hangs, and so does one that uses far more CPU time for a step than that step ever needed.
import { readdirSync, readFileSync } from 'node:fs';
import type { Clock } from '../base/clock.js';

export interface ProcessSample {
  /** State of the process as in proc(5): R and D also when only one of its threads waits for a CPU or for the disk. */
  readonly state: string;
  /** CPU time of all threads since the start of the process, milliseconds, in steps of 10. */
  readonly cpuMs: number;
}

/** All in milliseconds. */
export interface HangLimits {
  /** Time between two samples of the process. */
  readonly sampleMs: number;
  /** A sample that is later than this was delayed with the whole parent: the silence is counted anew. */
  readonly lateMs: number;
  /** A child is not judged before it was silent for this long. */
  readonly silentMs: number;
  /** A child that sleeps may wait for a starved parent to write the rest of a frame, for this long. */
  readonly unsentMs: number;
  /** A child that uses less CPU time than this in `silentMs` does nothing. */
  readonly idleCpuMs: number;
  /** CPU time of a step: ten times the slowest measured so far, at least `leastCpuMs`; `unmeasuredCpuMs` before the first. */
  readonly leastCpuMs: number;
  readonly unmeasuredCpuMs: number;
  /** Longest wait for the disk. */
  readonly diskMs: number;
  /** Longest step where /proc cannot be read. */
  readonly unknownMs: number;
}

export const defaultHangLimits: HangLimits = {
  sampleMs: 250,
  lateMs: 500,
  silentMs: 1500,
  unsentMs: 10_000,
  idleCpuMs: 20,
  leastCpuMs: 2000,
  unmeasuredCpuMs: 60_000,
  diskMs: 60_000,
  unknownMs: 120_000,
};

const slowestFactor = 10;

/** The most CPU time that each kind of step has needed so far, milliseconds. It outlives a child. */
export type SlowestSteps = Map<string, number>;

export interface HangWatch {
  /** A request is being sent; its first step is `step`. */
  begin(step: string, process: ProcessSample | null): void;
  /** The request is in the pipe as a whole. */
  sent(): void;
  /** The child reports that `step` begins, with its CPU time so far. The step before is over. */
  progress(step: string, cpuMs: number): void;
  /** Call it every `sampleMs`, with null where the process cannot be read. Why the child hangs; null while it does not. */
  sample(process: ProcessSample | null): string | null;
}

export function createHangWatch(limits: HangLimits, slowest: SlowestSteps, clock: Clock): HangWatch {
  let step = '';
  /** CPU time at the last message; null: not known yet. */
  let stepCpuMs: number | null = null;
  let isSent = false;
  let silentSinceMs = 0;
  let sampledAtMs = 0;
  let diskSince: { readonly atMs: number; readonly cpuMs: number } | null = null;
  /** The first one is the state at the beginning of the last `silentMs`. */
  let samples: { readonly atMs: number; readonly cpuMs: number; readonly waits: boolean }[] = [];

  /** Counts the silence from now. */
  function restart(cpuMs: number | null): void {
    silentSinceMs = clock.monotonicMs();
    diskSince = null;
    samples = cpuMs === null ? [] : [{ atMs: silentSinceMs, cpuMs, waits: false }];
  }

  function cpuLimitMs(): number {
    const measured = slowest.get(step);
    return measured === undefined ? limits.unmeasuredCpuMs : Math.max(limits.leastCpuMs, slowestFactor * measured);
  }

  function waitsForDisk({ state, cpuMs }: ProcessSample, nowMs: number): boolean {
    if (state !== 'D') diskSince = null;
    else if (diskSince === null || cpuMs - diskSince.cpuMs >= limits.idleCpuMs) diskSince = { atMs: nowMs, cpuMs };
    return diskSince !== null && nowMs - diskSince.atMs >= limits.diskMs;
  }

  function isIdle({ state, cpuMs }: ProcessSample, nowMs: number): boolean {
    if (state === 'S' && !isSent && nowMs - silentSinceMs < limits.unsentMs) return false;
    const [oldest, ...later] = samples;
    if (oldest === undefined || nowMs - oldest.atMs < limits.silentMs) return false;
    return cpuMs - oldest.cpuMs < limits.idleCpuMs && later.every(({ waits }) => !waits);
  }

  return {
    begin(first, process) {
      step = first;
      isSent = false;
      stepCpuMs = process?.cpuMs ?? null;
      restart(stepCpuMs);
      sampledAtMs = silentSinceMs;
    },
    sent() {
      isSent = true;
      // A child that took a large frame was awake until now.
      restart(samples.at(-1)?.cpuMs ?? null);
    },
    progress(next, cpuMs) {
      if (stepCpuMs !== null) slowest.set(step, Math.max(slowest.get(step) ?? 0, cpuMs - stepCpuMs));
      step = next;
      isSent = true;
      stepCpuMs = cpuMs;
      restart(cpuMs);
    },
    sample(process) {
      const nowMs = clock.monotonicMs();
      const isLate = nowMs - sampledAtMs > limits.sampleMs + limits.lateMs;
      sampledAtMs = nowMs;
      if (isLate) {
        restart(process?.cpuMs ?? null);
        return null;
      }
      const silentMs = nowMs - silentSinceMs;
      const silence = `no progress for ${seconds(silentMs)} in step "${step}"`;
      if (process === null) return silentMs >= limits.unknownMs ? silence : null;
      stepCpuMs ??= process.cpuMs;
      samples.push({ atMs: nowMs, cpuMs: process.cpuMs, waits: process.state === 'R' || process.state === 'D' });
      while (samples[1] !== undefined && samples[1].atMs <= nowMs - limits.silentMs) samples.shift();
      if (waitsForDisk(process, nowMs)) return `${silence}: it waits for the disk`;
      if (silentMs < limits.silentMs) return null;
      const usedMs = process.cpuMs - stepCpuMs;
      if (usedMs > cpuLimitMs()) return `${silence}, which used ${seconds(usedMs)} of CPU time`;
      return isIdle(process, nowMs) ? `${silence}: it does nothing (process state ${process.state})` : null;
    },
  };
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

/** Length of a clock tick in /proc, milliseconds: USER_HZ is 100 on x86-64 and aarch64. */
const tickMs = 10;

/** Reads the state and the CPU time of a process; null where /proc does not tell. Takes about 0.1 ms. */
export function readProcess(pid: number | undefined): ProcessSample | null {
  if (pid === undefined) return null;
  try {
    const sample = readStat(`/proc/${pid}/stat`);
    if (sample.state === 'R' || sample.state === 'D') return sample;
    // The main thread sleeps while a thread of the model runtime works for it.
    const states = readdirSync(`/proc/${pid}/task`).map((thread) => threadState(`/proc/${pid}/task/${thread}/stat`));
    return { ...sample, state: states.find((state) => state === 'R' || state === 'D') ?? sample.state };
  } catch {
    return null;
  }
}

function threadState(path: string): string | null {
  try {
    return readStat(path).state;
  } catch {
    return null; // the thread ended meanwhile
  }
}

/** The name of the program, in parentheses, may hold spaces and parentheses itself. */
function readStat(path: string): ProcessSample {
  const text = readFileSync(path, 'latin1');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const cpuMs = (Number(fields[11]) + Number(fields[12])) * tickMs;
  if (!Number.isFinite(cpuMs)) throw new Error(`${path} is not as in proc(5)`);
  return { state: fields[0]!, cpuMs };
}
