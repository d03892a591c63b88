// roomkin run: the daemon, in the foreground, as systemd starts it.
import { systemClock } from '../base/clock.js';
import { createLog, type Log } from '../base/log.js';
import { createRoomWatcher } from '../control/handlers.js';
import { type ReloadRequests, runDaemon } from '../daemon.js';
import type { CommandIo } from './command.js';

export async function run(_: object, io: CommandIo): Promise<void> {
  const config = io.config();
  let { logLevel } = config.service;
  const log: Log = (level, message, fields) => createLog(logLevel)(level, message, fields);
  const reload: ReloadRequests = {
    read() {
      const next = io.configAgain();
      ({ logLevel } = next.service);
      return next;
    },
    onRequest(listener) {
      // In a terminal SIGHUP says that the terminal is gone. Then the daemon ends, as any program does.
      if (process.stdin.isTTY) return () => {};
      process.on('SIGHUP', listener);
      return () => process.off('SIGHUP', listener);
    },
  };
  await runDaemon({
    config,
    log,
    signal: io.signal,
    listener: createRoomWatcher(systemClock, (update) => io.document(update)),
    reload,
  });
}
