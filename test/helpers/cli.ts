// Runs the compiled command line, in a process of its own or in this one.
import t from 'tap';
import { interrupted, runCommandLine, type Surroundings } from '../../src/cli.js';
import type { CommandIo } from '../../src/commands/command.js';
import { engineOptions } from '../../src/config/parts.js';
import type { Engine } from '../../src/engine/engine.js';
import { createEngine } from '../../src/engine/supervisor.js';
import type { CliResult } from './cli-process.js';

export { type CliResult, type Collected, collect, runBareCli, runCli, spawnCli } from './cli-process.js';

/**
 * Runs `roomkin ...args` in this process, as fast as a function call. The verbs share the real engines of this test file, so
 * that models are loaded once. `onStderr` and `onOutput` get all that was written to stderr, or to both streams, so far, after each write.
 * What only a process shows (signals, streams that close, loading on demand) needs `runCli`.
 */
export async function runVerb(
  args: readonly string[],
  {
    onStderr,
    onOutput,
    signal = new AbortController().signal,
    ...changes
  }: Pick<Surroundings, 'clock'> & {
    onStderr?: (stderr: string) => void;
    onOutput?: (output: string) => void;
    signal?: AbortSignal;
  } = {},
): Promise<CliResult> {
  const written = { stdout: '', stderr: '' };
  const stream = (name: 'stdout' | 'stderr') => ({
    write(text: string | Uint8Array): boolean {
      written[name] += String(text);
      if (name === 'stderr') onStderr?.(written.stderr);
      onOutput?.(written.stdout + written.stderr);
      return true;
    },
  });
  const surroundings = { stdout: stream('stdout'), stderr: stream('stderr'), openEngine, ...changes };
  const code = await runCommandLine(args, { ...surroundings, signal });
  return { code: code === interrupted ? 130 : code, ...written };
}

interface Shared {
  readonly engine: Engine;
  readonly info: ReturnType<Engine['start']>;
}

const engines = new Map<string, Shared>();
t.teardown(async () => {
  for (const { engine } of engines.values()) await engine[Symbol.asyncDispose]();
});

const openEngine: CommandIo['openEngine'] = async (config, changes = {}) => {
  const options = { ...engineOptions(config, () => {}), ...changes, log: () => {} };
  const key = JSON.stringify(options);
  let shared = engines.get(key);
  if (shared === undefined) {
    const engine = createEngine(options);
    shared = { engine, info: engine.start() };
    engines.set(key, shared);
  }
  const { engine, info } = shared;
  const nothing = async (): Promise<void> => {};
  return {
    start: () => info,
    analyze: (...given) => engine.analyze(...given),
    get fault() {
      return engine.fault;
    },
    stop: nothing,
    [Symbol.asyncDispose]: nothing,
  };
};
