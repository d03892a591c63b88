// The text of a file that a person edited: on Windows, on a phone, in the form of a router. The one place that turns bytes into text.
// A file is read whole or refused with the line: never half.

/** Largest text file, bytes: the longest list of pairs has a tenth. */
export const mostTextBytes: number = 16 * 2 ** 20;

/** Why bytes are no text: the line, from 1, and what to do. */
export interface TextFault {
  readonly line: number;
  readonly fault: string;
}

const cure = 'save it as UTF-8';

/**
 * The text in `bytes`: UTF-8, or UTF-16 with or without a byte order mark, without the mark, and with `\n` after each line whatever
 * ended it. A fault for anything else: other encodings, NUL bytes, more than 16 MB.
 */
export function decodeText(bytes: Uint8Array): string | TextFault {
  if (bytes.length > mostTextBytes)
    return { line: 1, fault: 'the file has more than 16 MB: this is not the right file' };
  const encoding = encodingOf(bytes);
  if (encoding.startsWith('utf-16') && bytes.length % 2 === 1)
    return { line: 1, fault: `the file ends within a character of UTF-16: ${cure}` };
  const text = decoded(bytes, encoding);
  if (text === null)
    return { line: lineOfFault(bytes, encoding), fault: `not ${encoding.toUpperCase()} text: ${cure}` };
  const nul = text.indexOf('\0');
  if (nul >= 0) return { line: linesBefore(text, nul) + 1, fault: `a NUL byte, which no text has: ${cure}` };
  return text.replace(/\r\n?/g, '\n');
}

/** `text` in the first line of a file that holds one secret; a fault where it holds more than that. */
export function onlyLine(text: string): string | TextFault {
  const [line = '', ...rest] = text.split('\n');
  const second = rest.findIndex((other) => other.trim() !== '');
  if (second >= 0) return { line: second + 2, fault: 'one line is expected: remove the others' };
  if (/^\s|\s$/.test(line)) return { line: 1, fault: 'the line begins or ends with a blank: remove it' };
  return line;
}

/** What a typographic character in a line of a configuration is to be replaced by; null where there is none. */
export function typographyHint(line: string): string | null {
  const quote = /[\u2018\u2019\u201a-\u201f\u00ab\u00bb\u2039\u203a\u2032\u2033\uff02\uff07]/.exec(line);
  if (quote) return `the line has ${quote[0]} (${codeOf(quote[0])}): write " instead`;
  const blank = /[\u00a0\u1680\u2000-\u200d\u2028\u2029\u202f\u205f\u2060\u3000\ufeff]/.exec(line);
  if (blank)
    return `the line has an invisible character (${codeOf(blank[0])}): write a normal blank instead, or delete it`;
  return null;
}

function codeOf(character: string): string {
  return `U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}`;
}

type Encoding = 'utf-8' | 'utf-16le' | 'utf-16be';

function encodingOf(bytes: Uint8Array): Encoding {
  const [first, second] = bytes;
  if (first === 0xff && second === 0xfe) return 'utf-16le';
  if (first === 0xfe && second === 0xff) return 'utf-16be';
  // Without a mark: the first characters of each of our files are ASCII, so every other byte is 0.
  if (bytes.length >= 4 && first !== 0 && second === 0 && bytes[2] !== 0 && bytes[3] === 0) return 'utf-16le';
  if (bytes.length >= 4 && first === 0 && second !== 0 && bytes[2] === 0 && bytes[3] !== 0) return 'utf-16be';
  return 'utf-8';
}

function decoded(bytes: Uint8Array, encoding: Encoding): string | null {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

/** The line of the first bytes that are no character. */
function lineOfFault(bytes: Uint8Array, encoding: Encoding): number {
  const loose = new TextDecoder(encoding).decode(bytes);
  const at = loose.indexOf('\ufffd');
  return at < 0 ? 1 : linesBefore(loose, at) + 1;
}

function linesBefore(text: string, end: number): number {
  return text.slice(0, end).match(/\r\n?|\n/g)?.length ?? 0;
}

/** `text` without what was pasted with it: blanks and invisible characters around it, and a pair of quotes or angle brackets. */
export function unwrapped(text: string): string {
  const bare = text.replace(/^[\s\p{Cf}]+|[\s\p{Cf}]+$/gu, '');
  const [, inner] =
    /^(?:"(.*)"|'(.*)'|`(.*)`|<(.*)>|[“„”](.*)[“”]|[‘‚’](.*)[‘’]|«(.*)»)$/su
      .exec(bare)
      ?.filter((part) => part !== undefined) ?? [];
  return inner === undefined ? bare : unwrapped(inner);
}
