// roomkin run: the daemon, in the foreground, as systemd starts it.
import { systemClock } from '../base/clock.js';
import { createLog } from '../base/log.js';
import { createRoomWatcher } from '../control/handlers.js';
import { runDaemon } from '../daemon.js';
import type { CommandIo } from './command.js';

export async function run(_: object, io: CommandIo): Promise<void> {
  const config = io.config();
  await runDaemon({
    config,
    log: createLog(config.service.logLevel),
    signal: io.signal,
    listener: createRoomWatcher(systemClock, (update) => io.document(update)),
  });
}
