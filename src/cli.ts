// argv → verb; an error → one line on stderr and an exit code. Only this file sets exit codes.
import { CommanderError } from 'commander';
import type { Clock } from './base/clock.js';
import { faultsOf, oneLine, RoomkinError } from './base/errors.js';
import { packageVersion } from './base/files.js';
import { printable, printableJson } from './base/printable.js';
import type { CommandIo, Stream } from './commands/command.js';
import { type CommonOptions, createProgram } from './commands/program.js';
import type { Given, VerbName } from './commands/verbs.js';

type Run<N extends VerbName> = (given: Given<N>, io: CommandIo) => Promise<void>;

/** Verbs are loaded on demand: `roomkin status` must not load a model runtime. */
const load: { readonly [N in VerbName]: () => Promise<Run<N>> } = {
  bench: async () => (await import('./commands/bench.js')).run,
  calibrate: async () => (await import('./commands/calibrate.js')).run,
  check: async () => (await import('./commands/check.js')).run,
  correct: async () => (await import('./commands/correct.js')).run,
  demo: async () => (await import('./commands/demo.js')).run,
  detect: async () => (await import('./commands/detect.js')).run,
  enrol: async () => (await import('./commands/enrol.js')).run,
  evaluate: async () => (await import('./commands/evaluate.js')).run,
  export: async () => (await import('./commands/backup.js')).exportGallery,
  forget: async () => (await import('./commands/forget.js')).run,
  household: async () => (await import('./commands/household.js')).run,
  identify: async () => (await import('./commands/identify.js')).run,
  import: async () => (await import('./commands/backup.js')).importGallery,
  look: async () => (await import('./commands/look.js')).run,
  open: async () => (await import('./commands/open.js')).run,
  pause: async () => (await import('./commands/pause.js')).pause,
  people: async () => (await import('./commands/people.js')).run,
  rename: async () => (await import('./commands/rename.js')).run,
  replay: async () => (await import('./commands/replay.js')).run,
  resume: async () => (await import('./commands/pause.js')).resume,
  retire: async () => (await import('./commands/retire.js')).run,
  run: async () => (await import('./commands/run.js')).run,
  setup: async () => (await import('./commands/setup.js')).run,
  show: async () => (await import('./commands/show.js')).run,
  status: async () => (await import('./commands/status.js')).run,
  watch: async () => (await import('./commands/watch.js')).run,
  why: async () => (await import('./commands/why.js')).run,
};

/** Time that a verb has to end after Ctrl-C, milliseconds. The daemon has no limit. */
const graceMs = 450;
/** After this time without a word a verb says that it starts, milliseconds. */
const silentMs = 250;

/** The streams and the signal of a command line. Tests pass their own, an engine that is loaded already, and a clock. */
export interface Surroundings {
  readonly stdout: Stream;
  readonly stderr: Stream;
  /** Stops the running verb. */
  readonly signal: AbortSignal;
  readonly openEngine?: CommandIo['openEngine'];
  readonly clock?: Clock;
  /** Says so where a verb prints nothing for some time. Default: false. */
  readonly announces?: boolean;
  /** Called when a verb starts. */
  readonly onStart?: (verb: VerbName, io: CommandIo) => void;
}

/** Runs one command line with the streams, signals and exit code of this process. Never throws. */
export async function main(args: readonly string[]): Promise<void> {
  const interrupt = new AbortController();
  let running: { readonly verb: VerbName; readonly io: CommandIo } | null = null;
  let interruptedCode: 130 | 143 | null = null;
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    process.once(signal, () => {
      interruptedCode = code;
      interrupt.abort();
      if (running?.verb === 'run') return;
      // An inference or an external program may take longer. It may be cut off: changes of the gallery are transactions.
      setTimeout(() => {
        // The verb may have been unknown when the signal came.
        if (running?.verb === 'run') return;
        running?.io.progress('');
        process.exit(code);
      }, graceMs).unref();
    });
  }
  // `roomkin people | head -1` closes stdout early, which is not an error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 74));
  const { stdout, stderr } = process;
  const onStart = (verb: VerbName, io: CommandIo): void => {
    running = { verb, io };
  };
  const code = await runCommandLine(args, { stdout, stderr, signal: interrupt.signal, announces: true, onStart });
  const isDaemon = (running as { readonly verb: VerbName } | null)?.verb === 'run';
  // A daemon that a signal ends has ended as it should, also during its start.
  process.exitCode = code === interrupted ? (isDaemon ? 0 : (interruptedCode ?? 130)) : code;
}

/** The result of `runCommandLine` when the signal ended the verb. */
export const interrupted = -1;

/** Runs one command line. Resolves to its exit code, or to `interrupted`. Never throws. */
export async function runCommandLine(args: readonly string[], surroundings: Surroundings): Promise<number> {
  const { stdout, stderr, signal, openEngine, clock, announces = false, onStart } = surroundings;
  /** Whether a JSON document is on stdout already: then an error does not add a second one. */
  let documented = false;
  const run = async (
    verb: VerbName,
    given: Readonly<Record<string, unknown>>,
    { config, room, json }: CommonOptions,
  ): Promise<void> => {
    const { createIo } = await import('./commands/io.js');
    const onDocument = (): void => {
      documented = true;
    };
    const io = createIo({
      json,
      configPath: config,
      room,
      signal,
      stdout,
      stderr,
      openEngine,
      clock,
      onDocument,
      silentMs: announces && verb !== 'run' ? silentMs : undefined,
    });
    onStart?.(verb, io);
    // The type of `load` guarantees that the verb accepts what the table of verbs describes.
    const start = (await load[verb]()) as (given: unknown, io: CommandIo) => Promise<void>;
    try {
      await start(given, io);
    } finally {
      io.progress('');
    }
  };
  try {
    await createProgram(packageVersion, run, stdout).parseAsync(args.length === 0 ? ['help'] : args, { from: 'user' });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    if (signal.aborted && isInterruption(error)) return interrupted;
    return report(error, asksForJson(args) && !documented, surroundings);
  }
}

/** A terminal sends Ctrl-C to the process of the engine too, so ENGINE_FAILED is a result of it. */
function isInterruption(error: unknown): boolean {
  if (error instanceof RoomkinError) return error.code === 'ENGINE_FAILED';
  return error instanceof Error && error.name === 'AbortError';
}

/** Works for command lines that cannot be parsed, too. */
function asksForJson(args: readonly string[]): boolean {
  const end = args.indexOf('--');
  return (end < 0 ? args : args.slice(0, end)).includes('--json');
}

/** Prints the error. Returns the exit code. */
function report(error: unknown, json: boolean, { stdout, stderr }: Surroundings): number {
  const known = error instanceof RoomkinError;
  const raised = error instanceof Error ? error : new Error(String(error));
  const code = known ? error.code : 'INTERNAL';
  const message = known ? error.message : `${oneLine(raised.message)} (a bug: please report it)`;
  const exitCode = known ? error.exitCode : 70;
  for (const line of [`roomkin: ${code}: ${message}`, ...(known ? faultsOf(error) : [])])
    stderr.write(`${printable(line)}\n`);
  const stack = !known && process.env['ROOMKIN_STACK'] ? (raised.stack ?? '').split('\n') : [];
  for (const line of stack) stderr.write(`${printable(line)}\n`);
  const faults = known ? faultsOf(error) : [];
  if (json)
    stdout.write(
      `${printableJson({ error: { code, message, exitCode, ...(faults.length > 0 ? { faults } : {}) } })}\n`,
    );
  return exitCode;
}
