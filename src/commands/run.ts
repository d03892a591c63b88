// roomkin run: the daemon in the foreground, as systemd starts it.
import { systemClock } from '../base/clock.js';
import { createLog } from '../base/log.js';
import { createRoomWatcher } from '../control/handlers.js';
import { runDaemon } from '../daemon.js';
import type { Command } from './command.js';
import { refuseArguments } from './parts.js';

const usage = 'run [--config FILE] [--json]';

export const command: Command = {
  usage,
  summary: 'Run the daemon until SIGTERM or Ctrl-C.',
  async run(argv, io) {
    refuseArguments(argv, usage);
    const config = io.config();
    await runDaemon({
      config,
      log: createLog(config.service.logLevel),
      signal: io.signal,
      listener: createRoomWatcher(systemClock, (update) => io.document(update)),
    });
  },
};
