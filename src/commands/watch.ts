// roomkin watch: one line for each change, until Ctrl-C or until the daemon stops. With several rooms each line begins with its room.
import type { Config } from '../config/load.js';
import { followDaemon } from '../control/client.js';
import type { WatchUpdate } from '../control/protocol.js';
import type { CommandIo } from './command.js';
import { daemonSocket } from './parts.js';
import { describeRoom } from './status.js';

export async function run(_: object, io: CommandIo): Promise<void> {
  const rooms = io.rooms();
  const width = Math.max(...rooms.map(({ room }) => room.id.length));
  const ending = new AbortController();
  const signal = AbortSignal.any([io.signal, ending.signal]);
  const follow = async (config: Config): Promise<void> => {
    const { id } = config.room;
    for await (const update of followDaemon<WatchUpdate>(daemonSocket(config), { verb: 'watch' }, signal)) {
      io.out(rooms.length === 1 ? updateLine(update) : `${id.padEnd(width)}  ${updateLine(update)}`);
      io.document(rooms.length === 1 ? update : { room: id, ...update });
    }
  };
  try {
    await Promise.all(rooms.map(follow));
  } finally {
    ending.abort();
  }
}

const words = { arrived: 'arrived', left: 'left', stranger_arrived: 'arrived', stranger_left: 'left' } as const;

/** One line of `watch`, in local time. */
export function updateLine(update: WatchUpdate): string {
  const time = new Date(update.at).toLocaleTimeString('en-GB');
  if (update.type === 'state') return `${time}  now: ${describeRoom(update)}`;
  const name = update.name ?? update.person ?? 'an unknown person';
  const room = update.moved_to === undefined ? '' : `, is in ${update.moved_to}`;
  const confidence = update.confidence === 'medium' ? ' (medium confidence)' : '';
  return `${time}  ${name} ${words[update.event]}${room}${confidence}`;
}
