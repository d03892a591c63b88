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

export const silentLog: Log = () => {};
