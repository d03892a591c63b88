// One run of a camera program. Its pipes are always drained and its last lines of stderr are kept. The program has a process
// group of its own, which is killed as a whole, so no process of it is left when `exited` resolves. The program also ends when this
// process dies without a word.
import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, closeSync, constants, statSync } from 'node:fs';
import { Socket } from 'node:net';
import { delimiter, join } from 'node:path';
import { guarded } from '../base/child-guard.js';
import { framesAddon } from '../base/frames-addon.js';
import { onLines } from '../base/lines.js';

export interface ProgramExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** ENOENT, EACCES, ...: the program never ran. */
  readonly spawnError: string | null;
}

export interface CameraChild {
  /** Resolves when the program is gone and its output was read. Never rejects. */
  readonly exited: Promise<ProgramExit>;
  /** The last lines of stderr, oldest first. */
  readonly lastLines: readonly string[];
  /** Sends SIGINT, then SIGTERM, then SIGKILL, each if the signal before had no effect. Resolves as `exited` does. */
  end(): Promise<ProgramExit>;
}

export interface CameraChildOptions {
  /** Program and arguments; no shell sees them. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Written to stdin, which is then closed; null: stdin is /dev/null. */
  readonly stdin: string | null;
  readonly graceMs: number;
  /** `chunk` is overwritten after the call. */
  onData(chunk: Uint8Array): void;
  onLine(line: string): void;
}

const keptLines = 40;
/** The largest pipe that Linux allows to everybody, and the memory that each read fills again: a frame needs eight reads, not thirty. */
const pipeBytes = 1 << 20;
const readBytes = 1 << 18;
/** A pipe can be held open by a process that left the group; nothing more is worth waiting for. */
const pipesCloseMs = 200;
/** A process in uninterruptible sleep (a hung driver) survives SIGKILL. After this time its pipes are closed. */
const unkillableMs = 10_000;

export function spawnCameraChild(options: CameraChildOptions): CameraChild {
  const lastLines: string[] = [];
  const addLine = (line: string): void => {
    if (lastLines.push(line) > keptLines) lastLines.shift();
    options.onLine(line);
  };
  // Where the program is missing, it is started without the guard, for the error that tells so.
  const [program = '', ...args] = isInstalled(options.argv[0]) ? guarded(options.argv) : options.argv;
  const pipe = createPipe();
  const child = spawn(program, args, {
    stdio: [options.stdin === null ? 'ignore' : 'pipe', pipe?.writeFd ?? 'pipe', 'pipe'],
    env: { ...process.env, ...options.env },
    detached: true,
  });
  if (pipe !== null) closeSync(pipe.writeFd);
  const output = pipe === null ? child.stdout : openPipe(pipe.readFd, options.onData);
  const signal = (name: NodeJS.Signals): void => signalGroup(child, name);
  const killAtExit = (): void => signal('SIGKILL');
  let gone = false;
  let abandon = (): void => {};
  let pipesTimer: NodeJS.Timeout | undefined;

  const exited = new Promise<ProgramExit>((resolve) => {
    const finish = (exit: ProgramExit): void => {
      if (gone) return;
      gone = true;
      clearTimeout(pipesTimer);
      process.off('exit', killAtExit);
      output?.destroy();
      child.stderr?.destroy();
      resolve(exit);
    };
    abandon = () => finish({ code: null, signal: 'SIGKILL', spawnError: null });
    child.once('error', (error: NodeJS.ErrnoException) => {
      if (child.pid === undefined) finish({ code: null, signal: null, spawnError: error.code ?? error.message });
    });
    child.once('exit', (code, signalName) => {
      signal('SIGKILL'); // child processes that it left behind
      const exit = { code, signal: signalName, spawnError: null };
      const isRead = new Promise((read) =>
        output === null || output.closed ? read(null) : output.once('close', read),
      );
      child.once('close', () => void isRead.then(() => finish(exit)));
      pipesTimer = setTimeout(() => finish(exit), pipesCloseMs);
    });
  });
  if (child.pid !== undefined) process.once('exit', killAtExit);
  child.stdout?.on('data', options.onData);
  output?.on('error', () => {});
  if (child.stderr !== null) onLines(child.stderr, addLine);
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
      abandon();
      return exited;
    },
  };
}

interface Pipe {
  readonly readFd: number;
  readonly writeFd: number;
}

/** A large pipe; null where the addon is not built or no descriptor is left: Node then makes a small one. */
function createPipe(): Pipe | null {
  const ends = new Int32Array(2);
  try {
    const { addon } = framesAddon();
    if (addon === null) return null;
    addon.createPipe(ends, pipeBytes);
    return { readFd: ends[0]!, writeFd: ends[1]! };
  } catch {
    return null;
  }
}

function openPipe(fd: number, onData: (chunk: Uint8Array) => void): Socket {
  const buffer = new Uint8Array(readBytes);
  const onread = {
    buffer,
    callback(bytes: number): boolean {
      onData(buffer.subarray(0, bytes));
      return true;
    },
  };
  // The types of Node lack `onread` here, which its documentation has.
  return new Socket({ fd, readable: true, writable: false, onread } as ConstructorParameters<typeof Socket>[0]);
}

/** Whether `program`, a path or a name in PATH, can be executed. */
function isInstalled(program = ''): boolean {
  const folders = program.includes('/') ? [''] : (process.env['PATH'] ?? '').split(delimiter);
  return folders.some((folder) => {
    try {
      const path = join(folder, program);
      accessSync(path, constants.X_OK);
      return statSync(path).isFile();
    } catch {
      return false;
    }
  });
}

function signalGroup(child: ChildProcess, name: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, name);
  } catch {
    // ESRCH: the group is gone already.
  }
}

/** Waits for `promise`, at most `durationMs`. */
async function within(promise: Promise<unknown>, durationMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, durationMs);
  });
  await Promise.race([promise, timeout]);
  clearTimeout(timer);
}
