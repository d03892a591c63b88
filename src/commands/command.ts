// What a verb gets besides its arguments. verbs.ts declares the verbs; each verb's file exports `run`, which src/cli.ts calls.
import type { Clock } from '../base/clock.js';
import type { Log } from '../base/log.js';
import type { Config, Rooms } from '../config/load.js';
import type { Engine } from '../engine/engine.js';
import type { EngineOptions } from '../engine/supervisor.js';
import type { SmallPicture } from './terminal-picture.js';

/** An output for text: a stream of the process, or a buffer of a test. */
export type Stream = Pick<NodeJS.WriteStream, 'write'> &
  Partial<Pick<NodeJS.WriteStream, 'isTTY' | 'columns' | 'rows'>>;

/** The input and output of a verb. Results go to `out` or `document`, everything else to stderr. */
export interface CommandIo {
  /**
   * True with `--json`: exactly one `document` on stdout (or one per line for run, demo and watch), nothing else there.
   * An error before the first document is printed as the document.
   */
  readonly json: boolean;
  /** Columns of the terminal on stdout; 80 where stdout is not a terminal. */
  readonly columns: number;
  /** The width of running text: the columns of the terminal, but at most 80. */
  readonly textColumns: number;
  /** Whether stdout shows block characters; otherwise drawings are in ASCII. */
  readonly blocks: boolean;
  /** Lines of the terminal on stdout; 40 where stdout is not a terminal. */
  readonly rows: number;
  /** Whether stdin and stderr are a terminal, so that the verb may ask a question. */
  readonly interactive: boolean;
  /** Aborted by SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** The path of the configuration, which may not exist. */
  readonly configPath: string;
  /**
   * The configuration, for what all rooms have in common: that of the room that `--room` names, else that of the first room. Errors:
   * CONFIG_MISSING, CONFIG_INVALID (exit 78), USAGE where there is no such room.
   */
  config(): Config;
  /** The rooms of the configuration: all of them, or the one that `--room` names. Errors: as for `config`. */
  rooms(): Rooms;
  /** The one room that this verb is about. Errors: as for `config`; USAGE where there are several and `--room` names none. */
  room(): Config;
  /** Loads the configuration again, as it is on disk now. Errors: as for `config`. */
  roomsAgain(): Rooms;
  /** The same; the shipped defaults where no configuration was named and none is at the default path. For verbs that need no room. */
  configOrShipped(): Config;
  /** An engine for `config` with `changes`, not started yet. Its models run in a separate process. */
  openEngine(config: Config, changes?: EngineOptions): Promise<Engine>;
  /** One line of text on stdout, broken at spaces where it is wider than `columns`; does nothing with `--json`. */
  out(line: string): void;
  /** A picture on stdout; does nothing with `--json`. */
  picture(picture: SmallPicture): void;
  /** `text` as a QR code on stdout, as the terminal can show it; does nothing with `--json`. */
  code(text: string): void;
  /** One JSON document, on one line of stdout; does nothing without `--json`. */
  document(value: unknown): void;
  /**
   * Progress on stderr: overwrites itself on a terminal; elsewhere, and with TERM=dumb, a line every few seconds and one at once for
   * each new piece of work. An empty text ends it.
   */
  progress(text: string): void;
  /** The same for several lines that are redrawn often. Without a terminal only the last line is printed, sooner if it changed. */
  meter(lines: readonly string[]): void;
  readonly log: Log;
}
