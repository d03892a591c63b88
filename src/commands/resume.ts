// roomkin resume: undoes `roomkin pause`.
import { askDaemon } from '../control/client.js';
import type { Command } from './command.js';
import { daemonPlace, refuseArguments } from './parts.js';

export const command: Command = {
  usage: 'resume',
  summary: 'Start the camera again after `pause`.',
  async run(argv, io) {
    refuseArguments(argv, command.usage);
    const result = await askDaemon(daemonPlace(io.config()), { verb: 'resume' });
    io.out('The camera is starting. `roomkin status` tells when frames come in.');
    io.document(result);
  },
};
