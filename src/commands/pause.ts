// roomkin pause and roomkin resume: the camera's process ends, and stays ended through restarts, until `roomkin resume`.
import { askDaemon } from '../control/client.js';
import type { CommandIo } from './command.js';
import { daemonPlace } from './parts.js';

export async function pause(_: object, io: CommandIo): Promise<void> {
  const result = await askDaemon(daemonPlace(io.config()), { verb: 'pause' });
  io.out('The camera is stopped. `roomkin resume` starts it again.');
  io.document(result);
}

export async function resume(_: object, io: CommandIo): Promise<void> {
  const result = await askDaemon(daemonPlace(io.config()), { verb: 'resume' });
  io.out('The camera is starting. `roomkin status` tells when frames come in.');
  io.document(result);
}
