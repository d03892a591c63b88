// Log messages go to stderr, one line each. Under systemd each line has the priority prefix of sd-daemon(3), for journalctl -p.
import { oneLine } from './errors.js';

export type Level = 'debug' | 'info' | 'notice' | 'warning' | 'error';
const priority: Record<Level, number> = { error: 3, warning: 4, notice: 5, info: 6, debug: 7 };

/** Writes one line. `fields` are appended as `key=value`. They must not hold similarities, embeddings or pictures. */
export type Log = (level: Level, message: string, fields?: Readonly<Record<string, string | number | boolean>>) => void;

/** A log that writes to `stream` and drops messages that are less urgent than `least`. */
export function createLog(least: Level = 'info', stream: Pick<NodeJS.WritableStream, 'write'> = process.stderr): Log {
  const journal = process.env['JOURNAL_STREAM'] !== undefined;
  return (level, message, fields) => {
    if (priority[level] > priority[least]) return;
    const tail = Object.entries(fields ?? {})
      .map(([key, value]) => ` ${key}=${value}`)
      .join('');
    stream.write(`${journal ? `<${priority[level]}>` : `${level}: `}${oneLine(message + tail)}\n`);
  };
}

/** `log` with "somebody" in place of each of `names()`, which are names and ids of people. */
export function withoutNames(log: Log, names: () => Iterable<string>): Log {
  return (level, message, fields) => {
    // Longer ones first: "Ada B" before "Ada".
    const words = [...names()].sort((a, b) => b.length - a.length).map(escaped);
    const pattern = new RegExp(`(?<![\\p{L}\\p{N}])(?:${words.join('|')})(?![\\p{L}\\p{N}])`, 'gu');
    const hidden = (text: string): string => (words.length === 0 ? text : text.replace(pattern, 'somebody'));
    const hiddenFields = Object.entries(fields ?? {}).map(([key, value]) => [
      key,
      typeof value === 'string' ? hidden(value) : value,
    ]);
    log(level, hidden(message), fields && Object.fromEntries(hiddenFields));
  };
}

const escaped = (text: string): string =>
  text.replace(/[\\^$.*+?()[\]{}|/-]/g, (c) => `\\x${c.charCodeAt(0).toString(16)}`);

export const silentLog: Log = () => {};
