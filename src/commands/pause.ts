// roomkin pause and roomkin resume: the camera's process ends, and does not start again before `roomkin resume`, even after a restart.
// Without --room all rooms of a daemon are paused, but only one is resumed: nobody's camera starts by accident.
import type { CommandIo } from './command.js';
import { ask } from './daemon.js';

export async function pause(_: object, io: CommandIo): Promise<void> {
  const [first, ...others] = io.rooms();
  if (others.length === 0) {
    const result = await ask(io, { verb: 'pause' }, first);
    io.out('The camera has stopped. `roomkin resume` starts it again.');
    return io.document(result);
  }
  for (const config of [first, ...others]) await ask(io, { verb: 'pause' }, config);
  const rooms = [first, ...others].map(({ room }) => room.id);
  io.out(`The cameras of ${rooms.join(', ')} have stopped. \`roomkin resume --room ${rooms[0]}\` starts one again.`);
  io.document({ recognition: 'off', rooms });
}

export async function resume(_: object, io: CommandIo): Promise<void> {
  const result = await ask(io, { verb: 'resume' }, io.room());
  io.out('The camera is starting. `roomkin status` shows when frames arrive.');
  io.document(result);
}
