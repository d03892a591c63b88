// The watchdog of a daemon with several rooms: it is fed when every room has made progress since it was fed last. So one room that hangs is
// found, although the others go on. A room that is paused or has no camera says that no frame is due, as the only room of a daemon does.
import type { Notifier } from './systemd.js';

type RoomNotifier = Pick<Notifier, 'frameProcessed' | 'noFrameDue'>;

/** One notifier for each of `count` rooms. The only room of a daemon has that of the daemon. */
export function roomNotifiers(notifier: RoomNotifier, count: number): readonly RoomNotifier[] {
  if (count === 1) return [notifier];
  const waiting = new Set<number>();
  const reset = (): void => {
    for (let room = 0; room < count; room++) waiting.add(room);
  };
  reset();
  return Array.from({ length: count }, (_, room): RoomNotifier => {
    const madeProgress = (tell: () => void): void => {
      waiting.delete(room);
      if (waiting.size > 0) return;
      reset();
      tell();
    };
    return {
      frameProcessed: () => madeProgress(() => notifier.frameProcessed()),
      noFrameDue: (why) => madeProgress(() => notifier.noFrameDue(why)),
    };
  });
}
