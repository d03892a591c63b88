// What a verb is. Each file in this folder exports one `command`; src/cli.ts is the only caller.
import type { Log } from '../base/log.js';
import type { Config } from '../config/load.js';

/** A verb's way to the outside. Results go to `out` or `document`, everything else to stderr. */
export interface CommandIo {
  /** True with `--json`: exactly one `document` on stdout (or one per line for run, demo and watch), nothing else there. */
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

export interface Command {
  /** As in `roomkin enrol NAME --photos PATH...`: what follows `roomkin`. */
  readonly usage: string;
  /** One sentence for `roomkin help`. */
  readonly summary: string;
  /** `argv` is what follows the verb, without `--config FILE` and `--json`. Throws RoomkinError; anything else is a bug. */
  run(argv: readonly string[], io: CommandIo): Promise<void>;
}
