// One run of the engine's child: forked, asked, and certainly gone afterwards.
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type ErrorCode, errorTable, fail } from '../base/errors.js';
import { onLines } from '../base/lines.js';
import type { Log } from '../base/log.js';
import { asFromChild, type FromChild, type ToChild } from './protocol.js';

export const childPath: string = fileURLToPath(new URL('./child.js', import.meta.url));

/** How long a child may take to end by itself once its channel is closed. */
const endMs = 1000;

export interface EngineChild {
  readonly pid: number | undefined;
  /**
   * Sends `message` and waits for the answer to it. Rejects with ENGINE_FAILED when the child dies, answers nonsense or
   * is silent for `timeoutMs` (it is then killed); with the child's own error where it reports one.
   */
  ask(message: ToChild, timeoutMs: number): Promise<Exclude<FromChild, { type: 'failed' }>>;
  /** Why it died; null while it lives. */
  readonly death: string | null;
  /** Resolves when the process is gone. */
  readonly gone: Promise<void>;
  end(): Promise<void>;
}

/** Forks `path`. Its stdout and stderr become debug lines. */
export function startChild(path: string, log: Log): EngineChild {
  const child = fork(path, {
    serialization: 'advanced',
    execArgv: [],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const lastLine = relayLines(child, log);
  let death: string | null = null;
  let waiting: { settle: (answer: FromChild) => void; lost: (reason: string) => void } | null = null;

  const die = (reason: string): void => {
    if (death !== null) return;
    death = reason;
    child.kill('SIGKILL');
    waiting?.lost(reason);
  };
  const gone = new Promise<void>((resolve) => {
    child.once('exit', (code, signal) => {
      die(signal !== null ? `it was ended by ${signal}${lastLine()}` : `it ended with status ${code}${lastLine()}`);
      resolve();
    });
    child.once('error', (cause) => {
      die(cause.message);
      if (child.pid === undefined) resolve();
    });
  });
  child.on('message', (message) => {
    const answer = asFromChild(message);
    if (answer === null) die('it answered nonsense');
    else waiting?.settle(answer);
  });

  const ask: EngineChild['ask'] = (message, timeoutMs) =>
    new Promise((resolve, reject) => {
      const wanted = message.type === 'analyze' ? message.id : null;
      const timer = setTimeout(() => die(`it was silent for ${timeoutMs / 1000} s`), timeoutMs);
      const finish = (): void => {
        clearTimeout(timer);
        waiting = null;
      };
      waiting = {
        lost: (reason) => {
          finish();
          reject(fail('ENGINE_FAILED', `the recognition process failed: ${reason}`));
        },
        settle: (answer) => {
          const id = answer.type === 'loaded' ? null : answer.id;
          if (id !== wanted || (answer.type === 'loaded') !== (wanted === null && answer.type !== 'failed')) {
            die('it answered a question nobody asked');
            return;
          }
          finish();
          if (answer.type === 'failed') reject(fail(codeOf(answer.code), answer.sentence));
          else resolve(answer);
        },
      };
      if (death !== null) waiting.lost(death);
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

/** Logs what the child prints; gives its last line on stderr, which often says why it died. */
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
