// Shows the code of a page for a phone in the terminal, and waits until the page has ended. For `enrol --phone` and `open`.

import { type Listener, type Page, startListener } from '../phone/listener.js';
import { chosenAddress, localAddresses } from '../phone/networks.js';
import { newSecret } from '../phone/seal.js';
import type { CommandIo } from './command.js';

/** Serves `page` and shows its code. Errors: USAGE, NETWORK_MISSING. */
export async function openPage(
  io: CommandIo,
  page: Page,
  address: string | undefined,
  until: string,
): Promise<Listener> {
  const addresses = address === undefined ? localAddresses() : [chosenAddress(address)];
  const listener = await startListener({ addresses, secret: newSecret(), page });
  if (io.json) io.log('notice', `the page for the phone: ${listener.address}`);
  io.out('Scan this code with the camera of a phone in the same network:');
  io.out('');
  io.code(listener.address);
  io.out('');
  io.out('Or open this address there:');
  io.out(`  ${listener.address}`);
  io.out('');
  io.out(until);
  return listener;
}

/** How often the limit is looked at, milliseconds: it becomes shorter when the phone is done. */
const checkMs = 1000;

/** Waits for the end of the page: the phone's, one of `others`, or when `limitMs` returns no time that is left. Rejects on Ctrl-C. */
export async function pageEnd(
  io: CommandIo,
  listener: Listener,
  limitMs: () => number,
  others: readonly Promise<unknown>[] = [],
): Promise<'ended' | 'late'> {
  let timer: NodeJS.Timeout | undefined;
  let stop = (): void => {};
  const late = new Promise<'late'>((resolve) => {
    const check = (): void => {
      const leftMs = limitMs();
      if (leftMs <= 0) resolve('late');
      else timer = setTimeout(check, Math.min(leftMs, checkMs));
    };
    check();
  });
  const interrupted = new Promise<never>((_, reject) => {
    stop = () => reject(io.signal.reason);
    io.signal.addEventListener('abort', stop);
  });
  try {
    io.signal.throwIfAborted();
    return await Promise.race([
      late,
      interrupted,
      listener.exhausted,
      ...[listener.ended, ...others].map((end) => end.then(() => 'ended' as const)),
    ]);
  } finally {
    clearTimeout(timer);
    io.signal.removeEventListener('abort', stop);
    interrupted.catch(() => {});
  }
}
