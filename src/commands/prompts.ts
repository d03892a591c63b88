// Questions on the terminal, printed on stderr because stdout is for results. Ctrl+C ends the verb as usual.

import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { fail } from '../base/errors.js';
import { printable } from '../base/printable.js';
import { decodeText } from '../base/text.js';
import type { CommandIo } from './command.js';
import { misused, type VerbName } from './verbs.js';

/** The line that the user types; '' if the terminal is closed (Ctrl+D). Not echoed with `hidden`. Rejects when `io.signal` aborts. */
export async function ask(io: CommandIo, question: string, hidden = false): Promise<string> {
  io.signal.throwIfAborted();
  io.progress('');
  const shown = printable(question);
  // readline echoes to its output, so a hidden answer gets an output that discards everything, including the question.
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  if (hidden) process.stderr.write(shown);
  // readline moves the cursor with escapes, which a dumb terminal would show.
  const edits = hidden || process.env['TERM'] !== 'dumb';
  const output = hidden ? silent : process.stderr;
  const terminal = createInterface({ input: process.stdin, output, terminal: edits });
  try {
    return await new Promise<string>((resolve, reject) => {
      terminal.question(hidden ? '' : shown, resolve);
      terminal.once('close', () => resolve(''));
      // In raw mode the terminal does not turn Ctrl+C into a signal.
      terminal.once('SIGINT', () => process.kill(process.pid, 'SIGINT'));
      io.signal.addEventListener('abort', () => reject(io.signal.reason), { once: true });
    });
  } finally {
    terminal.close();
    if (hidden) process.stderr.write('\n');
  }
}

// A passphrase comes from a file or from the terminal, where it is not shown. The command line is no source: `ps` shows it.

/**
 * The first line of `file`; without a file, what the user types, twice with `twice`. Errors: USAGE (no terminal, unreadable file,
 * two different answers).
 */
export async function readPassphrase(
  io: CommandIo,
  file: string | undefined,
  twice: boolean,
  verb: VerbName,
  prompt = 'Passphrase: ',
  option = '--passphrase-file FILE',
): Promise<string> {
  if (file !== undefined) return firstLine(file);
  if (!io.interactive) throw misused(verb, `there is no terminal to ask on: add ${option}`);
  const typed = await ask(io, prompt, true);
  if (twice && (await ask(io, 'The same again: ', true)) !== typed)
    throw fail('USAGE', 'the two passphrases differ: try again');
  return typed;
}

function firstLine(file: string): string {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (cause) {
    throw fail('USAGE', `${file} cannot be read (${(cause as NodeJS.ErrnoException).code})`, cause);
  }
  const text = decodeText(bytes);
  if (typeof text !== 'string') throw fail('USAGE', `${file}:${text.line}: ${text.fault}`);
  return text.split('\n', 1)[0] ?? '';
}
