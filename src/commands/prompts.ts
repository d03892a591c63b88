// A question to whoever sits at the terminal, on stderr: stdout is for results. Ctrl+C ends the verb as it does anywhere else.

import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { fail } from '../base/errors.js';
import type { CommandIo } from './command.js';
import { misused, type VerbName } from './verbs.js';

/** What is typed until Enter; '' if the terminal is closed (Ctrl+D). Not echoed with `hidden`. Rejects when `io.signal` aborts. */
export async function ask(io: CommandIo, question: string, hidden = false): Promise<string> {
  io.signal.throwIfAborted();
  // readline echoes to its output, so a hidden answer gets one that swallows everything, the question too.
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  if (hidden) process.stderr.write(question);
  const terminal = createInterface({ input: process.stdin, output: hidden ? silent : process.stderr, terminal: true });
  try {
    return await new Promise<string>((resolve, reject) => {
      terminal.question(hidden ? '' : question, resolve);
      terminal.once('close', () => resolve(''));
      // In raw mode the terminal makes no signal of Ctrl+C.
      terminal.once('SIGINT', () => process.kill(process.pid, 'SIGINT'));
      io.signal.addEventListener('abort', () => reject(io.signal.reason), { once: true });
    });
  } finally {
    terminal.close();
    if (hidden) process.stderr.write('\n');
  }
}

// A passphrase comes from a file or from the terminal, where it is not shown; never from the command line, which `ps` shows.

/**
 * The first line of `file`, else what is typed; typed twice with `twice`. Errors: USAGE (no terminal, unreadable file, the two
 * differ).
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
  if (!io.interactive) throw misused(verb, `there is no terminal to ask at: add ${option}`);
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
