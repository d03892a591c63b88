// The daemon's frames for an enrolment, and a tick where none comes for a second: who waits must be told why.
import { fail, RoomkinError } from '../../base/errors.js';
import { followDaemon } from '../../control/client.js';
import type { SocketPath } from '../../control/path.js';
import type { LiveUpdate } from '../../control/protocol.js';

const tickMs = 1000;

export interface LiveFeed extends Disposable {
  /**
   * What the daemon said next; null after a second without anything. Rejects when the signal aborts, as it does. Errors:
   * DAEMON_NOT_RUNNING.
   */
  next(): Promise<LiveUpdate | null>;
}

/** The daemon has every frame analysed until the feed is disposed. */
export function openLiveFeed(place: SocketPath, signal: AbortSignal): LiveFeed {
  const left = new AbortController();
  const leave = (): void => left.abort();
  signal.addEventListener('abort', leave);
  const updates = followDaemon<LiveUpdate>(place, { verb: 'live' }, left.signal);
  let coming: Promise<LiveUpdate> | null = null;

  async function fetch(): Promise<LiveUpdate> {
    try {
      const { value, done } = await updates.next();
      if (!done) return value;
    } catch (error) {
      if (!(error instanceof RoomkinError) || error.code !== 'USAGE') throw error;
      throw fail('DAEMON_NOT_RUNNING', 'the running daemon is of another version: restart it, then once more', error);
    }
    signal.throwIfAborted();
    throw fail('DAEMON_NOT_RUNNING', 'the daemon has stopped');
  }

  return {
    async next() {
      signal.throwIfAborted();
      coming ??= fetch();
      let timer: NodeJS.Timeout | undefined;
      const tick = new Promise<null>((resolve) => {
        timer = setTimeout(resolve, tickMs, null);
      });
      try {
        const update = await Promise.race([coming, tick]);
        if (update !== null) coming = null;
        return update;
      } finally {
        clearTimeout(timer);
      }
    },
    [Symbol.dispose]() {
      signal.removeEventListener('abort', leave);
      leave();
      // Nobody waits for it any more.
      coming?.catch(() => {});
    },
  };
}
