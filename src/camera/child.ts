// One run of a camera's program. Its pipes are always drained, its last words are kept, and once `exited` resolves
// nothing of it is left: the program is in a process group of its own, which is killed to the last member.
import { type ChildProcess, spawn } from 'node:child_process';
import { onLines } from '../base/lines.js';

export interface ProgramExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** ENOENT, EACCES...: it never ran. */
  readonly spawnError: string | null;
}

export interface CameraChild {
  /** Resolves when the program is gone and its output was read; never rejects. */
  readonly exited: Promise<ProgramExit>;
  /** The last lines of stderr, oldest first. */
  readonly lastLines: readonly string[];
  /** SIGINT, SIGTERM, SIGKILL, each if the one before did not help; resolves as `exited` does. */
  end(): Promise<ProgramExit>;
}

export interface CameraChildOptions {
  /** Program and arguments; no shell sees them. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Written to stdin, which is then closed; null: stdin is /dev/null. */
  readonly stdin: string | null;
  readonly graceMs: number;
  onData(chunk: Uint8Array): void;
  onLine(line: string): void;
}

const keptLines = 40;
/** A pipe can be held open by a process that left the group; nothing more is worth waiting for. */
const pipesCloseMs = 200;
/** A process in uninterruptible sleep (a hung driver) outlives SIGKILL: its pipes are closed and it is given up. */
const unkillableMs = 10_000;

export function spawnCameraChild(options: CameraChildOptions): CameraChild {
  const lastLines: string[] = [];
  const keep = (line: string): void => {
    if (lastLines.push(line) > keptLines) lastLines.shift();
    options.onLine(line);
  };
  const [program = '', ...args] = options.argv;
  const child = spawn(program, args, {
    stdio: [options.stdin === null ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...options.env },
    detached: true,
  });
  const signal = (name: NodeJS.Signals): void => signalGroup(child, name);
  const lastResort = (): void => signal('SIGKILL');
  let gone = false;
  let giveUp = (): void => {};
  let pipesTimer: NodeJS.Timeout | undefined;

  const exited = new Promise<ProgramExit>((resolve) => {
    const finish = (exit: ProgramExit): void => {
      if (gone) return;
      gone = true;
      clearTimeout(pipesTimer);
      process.off('exit', lastResort);
      child.stdout?.destroy();
      child.stderr?.destroy();
      resolve(exit);
    };
    giveUp = () => finish({ code: null, signal: 'SIGKILL', spawnError: null });
    child.once('error', (error: NodeJS.ErrnoException) => {
      if (child.pid === undefined) finish({ code: null, signal: null, spawnError: error.code ?? error.message });
    });
    child.once('exit', (code, signalName) => {
      signal('SIGKILL'); // what it started and left behind
      const exit = { code, signal: signalName, spawnError: null };
      child.once('close', () => finish(exit));
      pipesTimer = setTimeout(() => finish(exit), pipesCloseMs);
    });
  });
  if (child.pid !== undefined) process.once('exit', lastResort);
  child.stdout?.on('data', options.onData);
  child.stdout?.on('error', () => {});
  if (child.stderr !== null) onLines(child.stderr, keep);
  child.stdin?.on('error', () => {}); // it may die before it read
  child.stdin?.end(options.stdin);

  return {
    exited,
    lastLines,
    async end() {
      for (const name of ['SIGINT', 'SIGTERM', 'SIGKILL'] as const) {
        if (gone) break;
        signal(name);
        await within(exited, options.graceMs);
      }
      if (!gone) await within(exited, unkillableMs);
      giveUp();
      return exited;
    },
  };
}

function signalGroup(child: ChildProcess, name: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, name);
  } catch {
    // ESRCH: the group is gone already.
  }
}

/** Waits for `promise`, `durationMs` at most. */
async function within(promise: Promise<unknown>, durationMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, durationMs);
  });
  await Promise.race([promise, late]);
  clearTimeout(timer);
}
