// What a watcher of the daemon is told of the changes in the room.
import t from 'tap';
import { systemClock } from '../../src/base/clock.js';
import { daemonHandlers, type HandlerParts } from '../../src/control/handlers.js';
import { decodeEmbedding, type LiveUpdate, type WatchUpdate } from '../../src/control/protocol.js';
import type { PresenceEvent } from '../../src/presence/presence.js';
import { defaultRoomOptions } from '../../src/room/options.js';
import type { RoomListener } from '../../src/room/room.js';
import { startRoom, step } from '../../src/room/step.js';
import { household, vector } from '../helpers/people.js';
import { face } from '../room/simulator.js';

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
    track: null,
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

t.test(
  'while somebody is being enrolled every frame counts and every look is told, to that connection alone',
  async (t) => {
    const watchers = new Set<RoomListener>();
    const room = { snapshot: null, enrolling: false, staticFaces: [{ id: 1, box: [300, 10, 80, 80], stillMs: 4e6 }] };
    const parts = {
      clock: systemClock,
      watchers,
      room,
      model: { space: 'test' },
      camera: { status: { state: 'offline', reason: 'unplugged' } },
      privacy: { on: true },
      currentGallery: () => household,
    } as unknown as HandlerParts;
    const handlers = daemonHandlers(parts);
    const [told, watched]: [LiveUpdate[], WatchUpdate[]] = [[], []];
    const endWatch = handlers.watch((update) => watched.push(update));
    const end = handlers.live((update) => told.push(update));
    const endOther = handlers.live(() => {});
    t.ok(room.enrolling);
    t.same(told, [{ type: 'blind', paused: false, reason: 'unplugged' }]);

    const { observations: looks } = step(
      startRoom(0),
      { capturedAt: 100, sequence: 0, width: 640, height: 480, faces: [face([10, 10, 80, 80], vector(0.9))] },
      household,
      defaultRoomOptions,
    );
    const picture = { ...looks[0]!, box: [302, 8, 80, 80] as const, weight: 0 };
    for (const watcher of watchers) watcher.observations?.([...looks, picture], 100);
    const frame = told[1];
    t.match(frame, { type: 'frame', space: 'test', gallery: 1, faces: [{ best: 'ada', person: null }] });
    t.equal(frame?.type === 'frame' && frame.faces.length, 1, 'a picture on the wall is nobody');
    t.same(frame?.type === 'frame' && decodeEmbedding(frame.faces[0]!.embedding!), vector(0.9));
    t.equal(watched.length, 1, 'who only watches gets the state and no embedding');

    end();
    t.ok(room.enrolling, 'another one is still there');
    endOther();
    t.notOk(room.enrolling);
    endWatch();
    t.equal(watchers.size, 0);
  },
);
