// Runs a small program to its end and keeps what it says, bounded in time and size.
import { execFile } from 'node:child_process';

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
