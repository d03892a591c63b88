// A passphrase comes from a file or from the terminal, where it is not shown; never from the command line, which `ps` shows.
import { readFileSync } from 'node:fs';
import { fail } from '../base/errors.js';
import { misused } from './arguments.js';
import { ask } from './ask.js';
import type { CommandIo } from './command.js';

/**
 * The first line of `file`, else what is typed; typed twice with `twice`. Errors: USAGE (no terminal, unreadable file, the two
 * differ).
 */
export async function readPassphrase(
  io: CommandIo,
  file: string | undefined,
  twice: boolean,
  usage: string,
  prompt = 'Passphrase: ',
  option = '--passphrase-file FILE',
): Promise<string> {
  if (file !== undefined) return firstLine(file);
  if (!io.interactive) throw misused(usage, `there is no terminal to ask at: add ${option}`);
  const typed = await ask(io, prompt, true);
  if (twice && (await ask(io, 'The same again: ', true)) !== typed)
    throw fail('USAGE', 'the two passphrases differ: try again');
  return typed;
}

function firstLine(file: string): string {
  try {
    return readFileSync(file, 'utf8').split(/\r?\n/, 1)[0] ?? '';
  } catch (cause) {
    throw fail('USAGE', `${file} cannot be read (${(cause as NodeJS.ErrnoException).code})`, cause);
  }
}
