// One run of the engine's child process: it is forked, answers messages, and has certainly ended afterwards.
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type ErrorCode, errorTable, fail } from '../base/errors.js';
import { onLines } from '../base/lines.js';
import type { Log } from '../base/log.js';
import { asFromChild, type FromChild, type ToChild } from './protocol.js';

export const childPath: string = fileURLToPath(new URL('./child.js', import.meta.url));

/** Time for a child to end by itself after its channel is closed, milliseconds. */
const endMs = 1000;

export interface EngineChild {
  readonly pid: number | undefined;
  /**
   * Sends `message` and waits for its answer. Rejects with ENGINE_FAILED when the child dies, sends an invalid answer, or does not
   * answer within `timeoutMs` (the child is then killed); with the child's own error where it reports one.
   */
  ask(message: ToChild, timeoutMs: number): Promise<Exclude<FromChild, { type: 'failed' }>>;
  /** Why the child ended; null while it runs. */
  readonly death: string | null;
  /** Resolves when the process has ended. */
  readonly gone: Promise<void>;
  end(): Promise<void>;
}

/** Forks `path`. Its stdout and stderr become debug lines in the log. */
export function startChild(path: string, log: Log): EngineChild {
  const child = fork(path, {
    serialization: 'advanced',
    execArgv: [],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const lastLine = relayLines(child, log);
  let death: string | null = null;
  let pending: { settle: (answer: FromChild) => void; fail: (reason: string) => void } | null = null;

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
    child.once('error', (cause) => {
      die(cause.message);
      if (child.pid === undefined) resolve();
    });
  });
  child.on('message', (message) => {
    const answer = asFromChild(message);
    if (answer === null) die('it sent an invalid answer');
    else pending?.settle(answer);
  });

  const ask: EngineChild['ask'] = (message, timeoutMs) =>
    new Promise((resolve, reject) => {
      const expectedId = message.type === 'analyze' ? message.id : null;
      const timer = setTimeout(() => die(`it did not answer within ${timeoutMs / 1000} s`), timeoutMs);
      const finish = (): void => {
        clearTimeout(timer);
        pending = null;
      };
      pending = {
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
      if (death !== null) pending.fail(death);
      else child.send(message, (cause) => cause !== null && die(cause.message));
    });

  const end = async (): Promise<void> => {
    if (child.connected) child.disconnect();
    const timer = setTimeout(() => child.kill('SIGKILL'), endMs);
    await gone;
    clearTimeout(timer);
  };
  return {
    pid: child.pid,
    ask,
    gone,
    end,
    get death() {
      return death;
    },
  };
}

function codeOf(code: string): ErrorCode {
  return Object.hasOwn(errorTable, code) ? (code as ErrorCode) : 'ENGINE_FAILED';
}

/** Logs the output of the child. Returns a function for its last line on stderr, which often says why it died. */
function relayLines(child: ChildProcess, log: Log): () => string {
  let last = '';
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue;
    onLines(stream, (line) => {
      if (stream === child.stderr) last = line.trim().slice(0, 200);
      log('debug', `engine: ${line.trim().slice(0, 500)}`);
    });
  }
  return () => (last === '' || last.startsWith('INFO:') ? '' : ` (${last})`);
}
