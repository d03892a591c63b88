// The daemon's frames for an enrolment, with a tick after each second without one, so that the caller can show why nothing happens.
import { fail } from '../../base/errors.js';
import { followDaemon } from '../../control/client.js';
import type { SocketPath } from '../../control/path.js';
import type { LiveUpdate } from '../../control/protocol.js';

const tickMs = 1000;

export interface LiveFeed extends Disposable {
  /**
   * The next update from the daemon; null after a second without one. Rejects when the signal aborts. Errors:
   * DAEMON_NOT_RUNNING.
   */
  next(): Promise<LiveUpdate | null>;
}

/** The daemon analyses every frame until the feed is disposed. */
export function openLiveFeed(place: SocketPath, signal: AbortSignal): LiveFeed {
  const controller = new AbortController();
  const close = (): void => controller.abort();
  signal.addEventListener('abort', close);
  const updates = followDaemon<LiveUpdate>(place, { verb: 'live' }, controller.signal);
  let pending: Promise<LiveUpdate> | null = null;

  async function fetch(): Promise<LiveUpdate> {
    const { value, done } = await updates.next();
    if (!done) return value;
    signal.throwIfAborted();
    throw fail('DAEMON_NOT_RUNNING', 'the daemon has stopped');
  }

  return {
    async next() {
      signal.throwIfAborted();
      pending ??= fetch();
      let timer: NodeJS.Timeout | undefined;
      const tick = new Promise<null>((resolve) => {
        timer = setTimeout(resolve, tickMs, null);
      });
      try {
        const update = await Promise.race([pending, tick]);
        if (update !== null) pending = null;
        return update;
      } finally {
        clearTimeout(timer);
      }
    },
    [Symbol.dispose]() {
      signal.removeEventListener('abort', close);
      close();
      // Nobody awaits it any more, so its rejection is not an error.
      pending?.catch(() => {});
    },
  };
}
