// A pairs file: lines `label fold imageA imageB [kind]`, separated by blanks; `#` starts a comment; label 1 = same person.
import { readFile } from 'node:fs/promises';
import { fail, oneLine } from '../base/errors.js';

export interface Pair {
  readonly same: boolean;
  readonly fold: string;
  /** Paths relative to the folder of images; `b` is the probe. */
  readonly a: string;
  readonly b: string;
  readonly kind: string | null;
}

/** Reads `path`. Errors: PAIRS_MALFORMED, with file and line. */
export async function readPairs(path: string): Promise<Pair[]> {
  const text = await readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw fail('PAIRS_MALFORMED', `cannot read ${path} (${cause.code}): name a pairs file with --pairs`, cause);
  });
  return parsePairs(text, path);
}

/** Parses the text of a pairs file; `path` is only named in errors. Errors: PAIRS_MALFORMED. */
export function parsePairs(text: string, path: string): Pair[] {
  const pairs = text.split(/\r?\n/).flatMap((line, index): Pair[] => {
    const words = line
      .replace(/(^|\s)#.*$/, '')
      .trim()
      .split(/\s+/);
    if (words[0] === '') return [];
    const [label, fold, a, b, kind] = words;
    const wrong = (why: string) =>
      fail('PAIRS_MALFORMED', `${path}:${index + 1}: ${why}; a line is: label fold imageA imageB [kind]`);
    if (words.length < 4 || words.length > 5) throw wrong(`${words.length} words where 4 or 5 are needed`);
    if (label !== '0' && label !== '1') throw wrong(`label ${oneLine(label!, 40)} is neither 0 nor 1`);
    return [{ same: label === '1', fold: fold!, a: a!, b: b!, kind: kind ?? null }];
  });
  if (pairs.length === 0)
    throw fail('PAIRS_MALFORMED', `${path}: no pair in it; a line is: label fold imageA imageB [kind]`);
  return pairs;
}
