// Text that fits a terminal. It may quote a camera or a broker, so control characters are escaped.
import { oneLine } from '../base/errors.js';

const labelWidth = 13;

/** `label` and `text` as lines of at most `columns` characters; the text breaks at spaces and is indented by the label. */
export function wrapRow(label: string, text: string, columns: number): string[] {
  const width = Math.max(20, columns - labelWidth);
  return wrap(oneLine(text), width).map((line, i) => `${(i === 0 ? label : '').padEnd(labelWidth)}${line}`);
}

/** `text` broken at spaces into lines of at most `width` characters; a longer word gets its own line. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  lines.push(line);
  return lines;
}

/** `1 photo`, `2 photos`. */
export function count(value: number, what: string): string {
  return `${value} ${what}${value === 1 ? '' : 's'}`;
}
