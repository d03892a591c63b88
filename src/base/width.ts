// The width of text on a terminal: in columns, not in characters. A Chinese character or an emoji takes two, a combining mark none.
import { eastAsianWidth } from 'get-east-asian-width';

const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' });
const ascii = /^[ -~]*$/;
const emoji = /^(\p{Emoji_Presentation}|\p{Extended_Pictographic}\ufe0f|\p{Regional_Indicator}{2}|[\d#*]\ufe0f\u20e3)/u;
/** Characters without a width of their own: marks, joiners, Hangul vowels and finals after a consonant. */
const attached = /[\p{Mn}\p{Me}\p{Cf}\u1160-\u11ff]/gu;

/** The columns of a text without control characters. */
export function columnsOf(text: string): number {
  if (ascii.test(text)) return text.length;
  let columns = 0;
  for (const { segment } of segmenter.segment(text)) columns += columnsOfGrapheme(segment);
  return columns;
}

function columnsOfGrapheme(grapheme: string): number {
  if (emoji.test(grapheme)) return 2;
  let columns = 0;
  for (const character of grapheme.replaceAll(attached, '')) columns += eastAsianWidth(character.codePointAt(0)!);
  return columns;
}

/** `text` with spaces after it, so that it takes at least `columns`. */
export function padTo(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - columnsOf(text)));
}

/** The longest beginning of `text` that fits into `columns`; no character is cut in two. */
export function firstColumns(text: string, columns: number): string {
  if (ascii.test(text)) return text.slice(0, columns);
  let [kept, used] = ['', 0];
  for (const { segment } of segmenter.segment(text)) {
    used += columnsOfGrapheme(segment);
    if (used > columns) break;
    kept += segment;
  }
  return kept;
}

/** `text`, or where it is wider than `columns` its beginning and an ellipsis. */
export function shortened(text: string, columns: number): string {
  return columnsOf(text) <= columns ? text : `${firstColumns(text, columns - 1)}…`;
}
