// The time of each stage on this machine, measured in a child process like the engine's.
import { fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { fail } from '../../base/errors.js';
import { quantile } from '../../base/stats.js';
import { type ProcessSample, readProcess } from '../../engine/hang.js';
import { delegatePluginPath } from '../../engine/runtime.js';

/** Milliseconds. */
export interface Spread {
  readonly p50: number;
  readonly p95: number;
  /** Processor time of a run, of all threads, the mean. */
  readonly cpu: number;
  /** The first run. */
  readonly cold: number;
}

export type Stage = 'luma' | 'detectWhole' | 'detectAll' | 'check' | 'align' | 'embed' | 'match' | 'total';

const leastRuns = 5;
const mostRuns = 200;

/** Collects the times of runs: the first one is `cold`, the others count, at least five and at most 200 within about `budgetMs`. */
export function stopwatch(budgetMs: number) {
  const times: number[] = [];
  let cold: number | null = null;
  let cpuMs = 0;
  let begin = { ms: 0, cpuMs: 0 };
  let end = 0;
  const cpu = (): number => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  };
  return {
    get isOver(): boolean {
      return times.length >= mostRuns || (times.length >= leastRuns && performance.now() >= end);
    },
    begin(): void {
      begin = { ms: performance.now(), cpuMs: cpu() };
    },
    end(): void {
      const tookMs = performance.now() - begin.ms;
      if (cold === null) {
        cold = tookMs;
        end = performance.now() + budgetMs;
        return;
      }
      times.push(tookMs);
      cpuMs += cpu() - begin.cpuMs;
    },
    spread: (): Spread => ({
      p50: quantile(times, 0.5)!,
      p95: quantile(times, 0.95)!,
      cpu: cpuMs / times.length,
      cold: cold!,
    }),
  };
}

export interface MeasureOptions {
  readonly manifestPath: string;
  readonly embedder: string | null;
  readonly threads: number;
  /** null: TFLite's built-in kernels. */
  readonly delegatePath: string | null;
  /** In addition: the stages around the models, another embedder, bare inference with other thread counts. */
  readonly extra: null | { readonly embedder: string | null; readonly threadCounts: readonly number[] };
  /** Time spent on each figure, about. */
  readonly budgetMs: number;
}

export interface Measurement {
  readonly detector: { readonly id: string; readonly ms: Spread };
  readonly embedder: { readonly id: string; readonly type: string; readonly ms: Spread };
  readonly extra: Extra | null;
}

export interface Extra {
  readonly stages: Readonly<Record<Stage, Spread>>;
  readonly embedder: Spread | null;
  readonly byThreads: readonly { readonly threads: number; readonly detector: Spread; readonly embedder: Spread }[];
}

export type MeasureAnswer = { readonly measured: Measurement } | { readonly failed: string };

const childPath = fileURLToPath(new URL('./measure-child.js', import.meta.url));
/** A process without CPU time for this long hangs. A slow board needs many minutes, and gets its share of the CPU. */
const idleLimitMs = 60_000;
const sampleMs = 1000;

/** The path of the plug-in; null where it was not built. */
export function builtDelegate(): string | null {
  return existsSync(delegatePluginPath) ? delegatePluginPath : null;
}

/** Measures in a process that ends afterwards. Errors: ENGINE_FAILED, with the process's error or how it ended. */
export function measure(options: MeasureOptions, signal: AbortSignal): Promise<Measurement> {
  return new Promise((resolve, reject) => {
    const child = fork(childPath, {
      execArgv: [],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    const timer = setInterval(() => {
      if (isIdle(readProcess(child.pid), performance.now())) child.kill('SIGKILL');
    }, sampleMs);
    const isIdle = idleWatch();
    const abort = (): void => void child.kill('SIGKILL');
    signal.addEventListener('abort', abort, { once: true });
    child.once('message', (answer: MeasureAnswer) => {
      if ('measured' in answer) resolve(answer.measured);
      else reject(fail('ENGINE_FAILED', answer.failed));
      child.disconnect();
    });
    child.once('error', (cause) => reject(fail('ENGINE_FAILED', cause.message, cause)));
    child.once('exit', (code, endSignal) => {
      clearInterval(timer);
      signal.removeEventListener('abort', abort);
      if (signal.aborted) reject(signal.reason);
      else reject(fail('ENGINE_FAILED', `the measuring process ended (${endSignal ?? code}) without an answer`));
    });
    child.send(options);
  });
}

/** Says whether a process has used no CPU time for too long. Where /proc does not tell, ten times as long counts. */
function idleWatch(): (process: ProcessSample | null, nowMs: number) => boolean {
  let usedMs = -1;
  let sinceMs = performance.now();
  return (process, nowMs) => {
    if (process !== null && process.cpuMs > usedMs) {
      usedMs = process.cpuMs;
      sinceMs = nowMs;
    }
    return nowMs - sinceMs >= (process === null ? 10 * idleLimitMs : idleLimitMs);
  };
}
