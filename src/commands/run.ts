// roomkin run: the daemon in the foreground, as systemd starts it.
import { createLog } from '../base/log.js';
import { runDaemon } from '../daemon.js';
import type { Command } from './command.js';
import { refuseArguments } from './daemon-place.js';

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
      listener: {
        event: (event) => io.document({ ...event, type: 'event', event: event.type }),
        state: (state) => io.document({ type: 'state', state }),
      },
    });
  },
};
