// Runs the compiled command line in a process of its own and returns its output and exit code.
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const cliPath = fileURLToPath(new URL('../../src/cli.js', import.meta.url));
const start = 'import(process.argv[1]).then(({ main }) => main(process.argv.slice(2)))';

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts `roomkin ...args` as a process; without a terminal on any stream; standard input is empty, or a pipe. */
export function spawnCli(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
  input: 'ignore' | 'pipe' = 'ignore',
): ChildProcess {
  return spawn(process.execPath, ['-e', start, '--', cliPath, ...args], {
    stdio: [input, 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
}

/** Runs `roomkin ...args` as a process to its end. */
export function runCli(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<CliResult> {
  return collect(spawnCli(args, env)).ended;
}

/** The same without the loaders that tap gives to every Node process that a test starts: what it loads is roomkin's. */
export function runBareCli(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<CliResult> {
  const words = ['--unset=NODE_OPTIONS', process.execPath, '-e', start, '--', cliPath, ...args];
  return collect(spawn('env', words, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } })).ended;
}

export interface Collected {
  /** What the process has written so far. */
  readonly written: { stdout: string; stderr: string };
  readonly ended: Promise<CliResult>;
}

/** Gathers the output of a process that `spawnCli` has started. */
export function collect(child: ChildProcess): Collected {
  const written = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      written[name] += text;
    });
  const ended = new Promise<CliResult>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, ...written }));
  });
  return { written, ended };
}
