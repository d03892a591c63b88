// roomkin pause and roomkin resume: the camera's process ends, and does not start again before `roomkin resume`, even after a restart.
import type { CommandIo } from './command.js';
import { ask } from './parts.js';

export async function pause(_: object, io: CommandIo): Promise<void> {
  const result = await ask(io, { verb: 'pause' });
  io.out('The camera has stopped. `roomkin resume` starts it again.');
  io.document(result);
}

export async function resume(_: object, io: CommandIo): Promise<void> {
  const result = await ask(io, { verb: 'resume' });
  io.out('The camera is starting. `roomkin status` shows when frames arrive.');
  io.document(result);
}
