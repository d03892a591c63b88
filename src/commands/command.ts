// What a verb gets besides its arguments. verbs.ts declares the verbs; the file of each exports its `run`, which src/cli.ts calls.
import type { Log } from '../base/log.js';
import type { Config } from '../config/load.js';
import type { Engine } from '../engine/engine.js';
import type { EngineOptions } from '../engine/supervisor.js';

/** Where text goes: a stream of the process, or a buffer of a test. */
export type Stream = Pick<NodeJS.WriteStream, 'write'> & Partial<Pick<NodeJS.WriteStream, 'isTTY' | 'columns'>>;

/** A verb's way to the outside. Results go to `out` or `document`, everything else to stderr. */
export interface CommandIo {
  /**
   * True with `--json`: exactly one `document` on stdout (or one per line for run, demo and watch), nothing else there.
   * An error before the first document is printed as the document.
   */
  readonly json: boolean;
  /** Columns of the terminal on stdout; 80 where there is none. */
  readonly columns: number;
  /** Whether stdin and stderr are a terminal, so that a question may be asked. */
  readonly interactive: boolean;
  /** Aborted by SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
  /** Loads the configuration. Errors: CONFIG_MISSING, CONFIG_INVALID (exit 78). */
  config(): Config;
  /** The same; what is shipped where no configuration was named and none lies at the default place. For verbs that need no room. */
  configOrShipped(): Config;
  /** An engine as `config` says, not yet started; `changes` go over it. Its models run in a process of their own. */
  openEngine(config: Config, changes?: EngineOptions): Promise<Engine>;
  /** One line of text on stdout; does nothing with `--json`. */
  out(line: string): void;
  /** One JSON document, on one line of stdout; does nothing without `--json`. */
  document(value: unknown): void;
  /** Progress on stderr: overwrites itself on a terminal, is throttled elsewhere. An empty text ends it. */
  progress(text: string): void;
  /** The same for several lines that are drawn often. Where there is no terminal the last of them alone, the sooner if it changed. */
  meter(lines: readonly string[]): void;
  readonly log: Log;
}
