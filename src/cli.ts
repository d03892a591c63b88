// argv → command; an error → one line on stderr and an exit code. Nothing else decides an exit code.
import { fail, oneLine, RoomkinError } from './base/errors.js';
import { nearest } from './base/suggest.js';
import type { Command } from './commands/command.js';
import { createIo } from './commands/io.js';
import { configFaults } from './config/load.js';

type Load = () => Promise<{ readonly command: Command }>;

/** Every verb, in the order of `roomkin help`. Loaded on demand: `roomkin status` must not load a model runtime. */
const verbs: Readonly<Record<string, Load>> = {
  run: () => import('./commands/run.js'),
  demo: () => import('./commands/demo.js'),
  enrol: () => import('./commands/enrol.js'),
  people: () => import('./commands/people.js'),
  show: () => import('./commands/show.js'),
  rename: () => import('./commands/rename.js'),
  forget: () => import('./commands/forget.js'),
  household: () => import('./commands/household.js'),
  correct: () => import('./commands/correct.js'),
  identify: () => import('./commands/identify.js'),
  calibrate: () => import('./commands/calibrate.js'),
  why: () => import('./commands/why.js'),
  replay: () => import('./commands/replay.js'),
  watch: () => import('./commands/watch.js'),
  status: () => import('./commands/status.js'),
  check: () => import('./commands/check.js'),
  pause: () => import('./commands/pause.js'),
  resume: () => import('./commands/resume.js'),
  detect: () => import('./commands/detect.js'),
  evaluate: () => import('./commands/evaluate.js'),
  bench: () => import('./commands/bench.js'),
  export: () => import('./commands/export.js'),
  import: () => import('./commands/import.js'),
};

interface Invocation {
  readonly verb: string | null;
  readonly argv: readonly string[];
  readonly config: string | null;
  readonly json: boolean;
  readonly help: boolean;
  readonly version: boolean;
}

/** Runs one command line and sets `process.exitCode`. Never throws. */
export async function main(args: readonly string[]): Promise<void> {
  const interrupt = new AbortController();
  let interrupted: NodeJS.Signals | null = null;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      interrupted = signal;
      interrupt.abort();
    });
  }
  // `roomkin people | head -1` closes our stdout early: that is not a fault.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 74));
  try {
    const invocation = parse(args);
    if (invocation.version) return void process.stdout.write(`${await version()}\n`);
    if (invocation.verb === null) {
      process.stdout.write(await help());
      process.exitCode = invocation.help || args.length === 0 ? 0 : 64;
      return;
    }
    const { command } = await find(invocation.verb)();
    if (invocation.help) {
      process.stdout.write(`Usage: roomkin ${command.usage}\n\n${command.summary}\n`);
      return;
    }
    const io = createIo({ json: invocation.json, configPath: invocation.config, signal: interrupt.signal });
    await command.run(invocation.argv, io);
  } catch (error) {
    if (interrupted && (error as Error)?.name === 'AbortError') {
      process.exitCode = interrupted === 'SIGINT' ? 130 : 143;
      return;
    }
    report(error);
  }
}

function report(error: unknown): void {
  if (error instanceof RoomkinError) {
    for (const line of [`roomkin: ${error.code}: ${error.message}`, ...configFaults(error)])
      process.stderr.write(`${line}\n`);
    process.exitCode = error.exitCode;
    return;
  }
  const known = error instanceof Error ? error : new Error(String(error));
  process.stderr.write(`roomkin: INTERNAL: ${oneLine(known.message)} (a bug: please report it)\n`);
  if (process.env['ROOMKIN_STACK']) process.stderr.write(`${known.stack}\n`);
  process.exitCode = 70;
}

function find(verb: string): Load {
  const load = Object.hasOwn(verbs, verb) ? verbs[verb] : undefined;
  if (load) return load;
  const guess = nearest(verb, Object.keys(verbs));
  throw fail(
    'USAGE',
    `there is no verb ${oneLine(verb, 40)}: ${guess ? `did you mean ${guess}?` : 'see roomkin help'}`,
  );
}

/** Takes `--config FILE`, `--json`, `--help` and `--version` from anywhere before `--`; the rest belongs to the verb. */
function parse(args: readonly string[]): Invocation {
  const argv: string[] = [];
  let config: string | null = null;
  let json = false;
  let help = false;
  let wantsVersion = false;
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    if (arg === '--') {
      argv.push(...args.slice(i));
      break;
    }
    if (arg === '--json') json = true;
    else if (arg === '--help' || arg === '-h') help = true;
    else if (arg === '--version' && argv.length === 0) wantsVersion = true;
    else if (arg === '--config') {
      config = args[++i] ?? null;
      if (config === null) throw fail('USAGE', '--config needs a file');
    } else if (arg.startsWith('--config=')) config = arg.slice('--config='.length);
    else argv.push(arg);
  }
  const asked = argv[0] === 'help' ? argv.slice(1) : argv;
  return {
    verb: asked[0] ?? null,
    argv: asked.slice(1),
    config,
    json,
    help: help || argv[0] === 'help',
    version: wantsVersion,
  };
}

async function version(): Promise<string> {
  const { packageVersion } = await import('./base/files.js');
  return packageVersion;
}

async function help(): Promise<string> {
  const rows = await Promise.all(
    Object.entries(verbs).map(async ([verb, load]) => `  ${verb.padEnd(9)} ${(await load()).command.summary}`),
  );
  return [
    'Usage: roomkin VERB [--config FILE] [--json] ...',
    '',
    ...rows,
    '',
    'roomkin help VERB tells more. Without --config FILE the configuration is',
    '$ROOMKIN_CONFIG or /etc/roomkin/config.toml.',
    '',
  ].join('\n');
}
