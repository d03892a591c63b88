// roomkin watch: one line for each change, until Ctrl-C or the daemon's end.
import { followDaemon } from '../control/client.js';
import type { WatchUpdate } from '../control/protocol.js';
import type { CommandIo } from './command.js';
import { daemonPlace } from './parts.js';
import { describeRoom } from './status.js';

export async function run(_: object, io: CommandIo): Promise<void> {
  for await (const update of followDaemon<WatchUpdate>(daemonPlace(io.config()), { verb: 'watch' }, io.signal)) {
    io.out(updateLine(update));
    io.document(update);
  }
}

const words = { arrived: 'arrived', left: 'left', stranger_arrived: 'arrived', stranger_left: 'left' } as const;

/** One line of `watch`, in local time. */
export function updateLine(update: WatchUpdate): string {
  const time = new Date(update.at).toLocaleTimeString('en-GB');
  if (update.type === 'state') return `${time}  now: ${describeRoom(update)}`;
  const who = update.name ?? update.person ?? 'a stranger';
  const where = update.moved_to === undefined ? '' : `, is in ${update.moved_to}`;
  return `${time}  ${who} ${words[update.event]}${where}${update.confidence === 'medium' ? ' (not quite sure)' : ''}`;
}
