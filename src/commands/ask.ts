// A question to whoever sits at the terminal, on stderr: stdout is for results. Ctrl+C ends the verb as it does anywhere else.
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import type { CommandIo } from './command.js';

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
