// roomkin pause: the camera's process ends, and stays ended through restarts, until `roomkin resume`.
import { askDaemon } from '../control/client.js';
import type { Command } from './command.js';
import { daemonPlace, refuseArguments } from './parts.js';

export const command: Command = {
  usage: 'pause',
  summary: 'Stop the camera until `resume`; survives restarts.',
  async run(argv, io) {
    refuseArguments(argv, command.usage);
    const result = await askDaemon(daemonPlace(io.config()), { verb: 'pause' });
    io.out('The camera is stopped. `roomkin resume` starts it again.');
    io.document(result);
  },
};
