// One run of the engine's child process: it is forked, answers messages, and has certainly ended afterwards.
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { sandboxed, sandboxVariable } from '../base/child-guard.js';
import { systemClock } from '../base/clock.js';
import { type ErrorCode, errorTable, fail, sentenceOf } from '../base/errors.js';
import { onLines } from '../base/lines.js';
import type { Log } from '../base/log.js';
import { createHangWatch, type HangLimits, readProcess, type SlowestSteps } from './hang.js';
import { type Answer, asFromChild, type ToChild } from './protocol.js';

export const childPath: string = fileURLToPath(new URL('./child.js', import.meta.url));

/** Time for a child to end by itself after its channel is closed, milliseconds. */
const endMs = 1000;
/** Time for the kernel to end a killed child, milliseconds. One that waits for a broken disk may stay for ever. */
const killMs = 2000;

/**
 * Options of Node for the child; docs/performance.md has the measurements. Its own heap is small. Frames are outside of it, so that it
 * collects them itself after each one (child.ts). A young generation of the usual size: in a small one frames grow old, and stay.
 */
const v8Options = ['--expose-gc', '--max-semi-space-size=16', '--max-old-space-size=96'];
/** One arena of malloc, which gives free memory back to the kernel from 128 KiB on: threads of XNNPACK and V8 would each keep their own. */
const mallocVariables = { MALLOC_ARENA_MAX: '1', MALLOC_TRIM_THRESHOLD_: '131072' } as const;

export interface EngineChild {
  readonly pid: number | undefined;
  /**
   * Sends `message` and waits for its answer. Rejects with ENGINE_FAILED when the child dies, sends an invalid answer, or hangs (it is
   * then killed); with the child's own error where it reports one. `onStep` is called for each step that the child begins.
   */
  ask(message: ToChild, onStep?: (step: string) => void): Promise<Exclude<Answer, { type: 'failed' }>>;
  /** Why the child ended; null while it runs. */
  readonly death: string | null;
  /** Resolves when the process has ended, or cannot be ended. */
  end(): Promise<void>;
}

export interface ChildOptions {
  readonly path: string;
  /** The guard that gives the child its sandbox. */
  readonly guard: string;
  readonly log: Log;
  readonly limits: HangLimits;
  /** What earlier children measured; this one adds to it. */
  readonly slowest: SlowestSteps;
  /** The memory file with frames, which the child inherits as descriptor `childMemoryFd`; null: none. */
  readonly memoryFd: number | null;
}

export const childMemoryFd = 4;

/**
 * Forks `path` in a sandbox; it ends with this process. Its stdout and stderr become debug lines in the log. A child that could not be forked is a dead one: `ask` rejects.
 * Errors: ENGINE_FAILED where this process lacks file descriptors or memory for the pipes.
 */
export function startChild({ path, guard, log, limits, slowest, memoryFd }: ChildOptions): EngineChild {
  const child = forkChild(path, guard, memoryFd);
  const lastLine = relayLines(child, log);
  const watch = createHangWatch(limits, slowest, systemClock);
  let death: string | null = null;
  let pending: {
    settle: (answer: Answer) => void;
    fail: (reason: string) => void;
    onStep: ((step: string) => void) | undefined;
  } | null = null;
  let messages = 0;

  const die = (reason: string): void => {
    if (death !== null) return;
    death = reason;
    child.kill('SIGKILL');
    pending?.fail(reason);
  };
  const gone = new Promise<void>((resolve) => {
    child.once('exit', (code, signal) => {
      die(signal !== null ? `it was killed by ${signal}${lastLine()}` : `it ended with status ${code}${lastLine()}`);
      resolve();
    });
    child.on('error', (cause) => {
      die(cause.message);
      if (child.pid === undefined) resolve();
    });
  });
  child.on('message', (raw) => {
    messages++;
    const message = asFromChild(raw);
    if (message === null) die('it sent an invalid answer');
    else if (message.type !== 'progress') pending?.settle(message);
    else if (pending !== null) {
      watch.progress(message.step, message.cpuMs);
      pending.onStep?.(message.step);
    }
  });

  /** Kills a child that hangs. What it has sent in the meantime is read first. */
  const judge = (): void => {
    const reason = watch.sample(readProcess(child.pid));
    if (reason === null) return;
    const messagesAtVerdict = messages;
    setImmediate(() => {
      if (messages === messagesAtVerdict && pending !== null) die(`it did not answer: ${reason}`);
    });
  };

  const ask: EngineChild['ask'] = (message, onStep) =>
    new Promise((resolve, reject) => {
      const messagesBefore = messages;
      const expectedId = message.type === 'load' ? null : message.id;
      watch.begin(message.type === 'load' ? 'start' : 'receive', readProcess(child.pid));
      const timer = setInterval(judge, limits.sampleMs);
      const finish = (): void => {
        clearInterval(timer);
        pending = null;
      };
      pending = {
        onStep,
        fail: (reason) => {
          finish();
          reject(fail('ENGINE_FAILED', `the recognition process failed: ${reason}`));
        },
        settle: (answer) => {
          const id = answer.type === 'loaded' ? null : answer.id;
          if (id !== expectedId || (answer.type === 'loaded') !== (expectedId === null && answer.type !== 'failed')) {
            die('it sent an answer to another message');
            return;
          }
          finish();
          if (answer.type === 'failed') reject(fail(codeOf(answer.code), answer.sentence));
          else resolve(answer);
        },
      };
      if (death !== null) return pending.fail(death);
      if (child.pid === undefined) return; // the error event tells why
      try {
        child.send(message, (cause) => {
          if (cause !== null) die(cause.message);
          else if (messages === messagesBefore) watch.sent();
        });
      } catch (cause) {
        finish();
        reject(
          fail('ENGINE_FAILED', `the recognition process cannot get this frame: ${(cause as Error).message}`, cause),
        );
      }
    });

  const end = async (): Promise<void> => {
    if (child.connected) child.disconnect();
    const endTimer = setTimeout(() => child.kill('SIGKILL'), death === null ? endMs : 0);
    let killTimer: NodeJS.Timeout | undefined;
    const unkillable = new Promise<void>((resolve) => {
      killTimer = setTimeout(resolve, endMs + killMs);
    });
    await Promise.race([gone, unkillable]);
    clearTimeout(endTimer);
    clearTimeout(killTimer);
  };
  return {
    pid: child.pid,
    ask,
    end,
    get death() {
      return death;
    },
  };
}

function forkChild(path: string, guard: string, memoryFd: number | null): ChildProcess {
  try {
    const [program, ...args] = sandboxed([process.execPath], guard);
    return fork(path, {
      serialization: 'advanced',
      execPath: program!,
      execArgv: [...args, ...v8Options],
      env: { ...process.env, ...mallocVariables, [sandboxVariable]: undefined },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc', ...(memoryFd === null ? [] : [memoryFd])],
    });
  } catch (cause) {
    const reason = sentenceOf(cause);
    throw fail('ENGINE_FAILED', `the recognition process could not be started: ${reason}`, cause);
  }
}

function codeOf(code: string): ErrorCode {
  return Object.hasOwn(errorTable, code) ? (code as ErrorCode) : 'ENGINE_FAILED';
}

/** Logs the output of the child. Returns a function for its last line on stderr, which often says why it died. */
function relayLines(child: ChildProcess, log: Log): () => string {
  let last = '';
  for (const stream of [child.stdout, child.stderr]) {
    if (!stream) continue; // no pipes where the fork failed
    onLines(stream, (line) => {
      if (stream === child.stderr) last = line.trim().slice(0, 200);
      log('debug', `engine: ${line.trim().slice(0, 500)}`);
    });
  }
  return () => (last === '' || last.startsWith('INFO:') ? '' : ` (${last})`);
}
