// What a watcher of the daemon is told of the changes in the room.
import t from 'tap';
import { systemClock } from '../src/base/clock.js';
import { daemonHandlers, type HandlerParts } from '../src/daemon-handlers.js';
import type { PresenceEvent } from '../src/domain/presence-types.js';
import type { RoomListener } from '../src/room.js';
import type { WatchUpdate } from '../src/service/control-protocol.js';

t.test('a watcher is told to which room somebody went, and nothing where they merely left', async (t) => {
  const watchers = new Set<RoomListener>();
  // Watching asks nothing of the other parts.
  const parts = { clock: systemClock, watchers, room: { snapshot: null } } as unknown as HandlerParts;
  const updates: WatchUpdate[] = [];
  const end = daemonHandlers(parts).watch((update) => updates.push(update));
  const left: PresenceEvent = {
    type: 'left',
    person: 'ada',
    name: 'Ada',
    confidence: 'high',
    present: [],
    atMs: systemClock.monotonicMs(),
    movedTo: 'hall',
  };
  for (const watcher of watchers) {
    watcher.event(left);
    watcher.event({ ...left, movedTo: null });
  }
  end();
  t.equal(watchers.size, 0);
  const [state, moved, merely] = updates;
  t.match(state, { type: 'state', occupied: null, people: null, strangers: null });
  t.match(moved, { type: 'event', event: 'left', person: 'ada', moved_to: 'hall' });
  t.notOk(merely && 'moved_to' in merely);
});
