// A verb's words and options. What it does not know is refused with its usage, never ignored.
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { fail, oneLine, type RoomkinError } from '../base/errors.js';

/** The error for a command line that `usage` does not describe (exit 64). */
export function misused(usage: string, why: string): RoomkinError {
  return fail('USAGE', `${why}; usage: roomkin ${usage}`);
}

/** `argv` by `options` (see node:util parseArgs). Errors: USAGE. */
export function parseArguments<const T extends NonNullable<ParseArgsConfig['options']>>(
  argv: readonly string[],
  usage: string,
  options: T,
) {
  try {
    return parseArgs({ args: [...argv], options, allowPositionals: true, strict: true, tokens: true });
  } catch (cause) {
    const [first = ''] = (cause as Error).message.split('. ');
    throw misused(usage, oneLine(first.replace(/\.$/, ''), 120));
  }
}

/** Exactly `count` words. Errors: USAGE. */
export function exactly(words: readonly string[], count: number, usage: string): string[] {
  if (words.length !== count)
    throw misused(usage, `${words.length} words where ${count} ${count === 1 ? 'is' : 'are'} needed`);
  return [...words];
}
