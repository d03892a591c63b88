// What a child process prints, line by line. Not node:readline: it would keep a line without an end in memory for ever.
import type { Readable } from 'node:stream';

const longestLine = 1000;

/**
 * Calls `onLine` for each line of `stream` (UTF-8) that is not blank. A carriage return ends a line, too: programs overwrite their
 * progress with it. A longer line than 1000 characters is cut. An error of the stream ends it quietly.
 */
export function onLines(stream: Readable, onLine: (line: string) => void): void {
  let rest = '';
  const flush = (line: string): void => {
    if (line.trim() !== '') onLine(line.slice(0, longestLine).trimEnd());
  };
  stream.setEncoding('utf8');
  stream.on('error', () => {});
  stream.on('data', (text: string) => {
    const lines = (rest + text).split(/[\r\n]/);
    rest = (lines.pop() ?? '').slice(0, longestLine);
    lines.forEach(flush);
  });
  stream.on('end', () => flush(rest));
}
