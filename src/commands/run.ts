// roomkin run: the daemon, in the foreground, as systemd starts it.
import { systemClock } from '../base/clock.js';
import { sentenceOf } from '../base/errors.js';
import { createLog, type Log } from '../base/log.js';
import { createRoomWatcher } from '../control/handlers.js';
import type { WatchUpdate } from '../control/protocol.js';
import { type ReloadRequests, runDaemon } from '../daemon.js';
import type { CommandIo } from './command.js';

export async function run(_: object, io: CommandIo): Promise<void> {
  const rooms = io.rooms();
  let { logLevel } = rooms[0].service;
  const log: Log = (level, message, fields) => createLog(logLevel)(level, message, fields);
  const reload: ReloadRequests = {
    read() {
      const next = io.roomsAgain();
      ({ logLevel } = next[0].service);
      return next;
    },
    onRequest(listener) {
      // In a terminal SIGHUP says that the terminal is gone. Then the daemon ends, as any program does.
      if (process.stdin.isTTY) return () => {};
      process.on('SIGHUP', listener);
      return () => process.off('SIGHUP', listener);
    },
  };
  using _guard = guardProcess(log);
  await runDaemon({
    rooms,
    log,
    signal: io.signal,
    listenerOf: (room, count) => {
      const send = (update: WatchUpdate): void => io.document(count > 1 ? { room, ...update } : update);
      return createRoomWatcher(systemClock, send);
    },
    reload,
  });
}

/** So many errors that nobody expected within a minute are no accident: a new process is better. */
const mostUnexpected = 10;

/** An error that no part has caught is logged, and the daemon goes on: it must not end because of one broken callback. */
function guardProcess(log: Log): Disposable {
  let times: number[] = [];
  const onError = (error: unknown): void => {
    const nowMs = performance.now();
    times = [...times.filter((atMs) => nowMs - atMs < 60_000), nowMs];
    log('error', `INTERNAL: ${sentenceOf(error)} (a bug: please report it); the daemon goes on`);
    if (error instanceof Error) log('debug', error.stack ?? '');
    if (times.length < mostUnexpected) return;
    log('error', `${mostUnexpected} such errors within a minute: the daemon ends and is started again`);
    process.exit(70);
  };
  process.on('uncaughtException', onError);
  process.on('unhandledRejection', onError);
  return {
    [Symbol.dispose]() {
      process.off('uncaughtException', onError);
      process.off('unhandledRejection', onError);
    },
  };
}
