import t from 'tap';
import { roomNotifiers } from '../../src/control/progress.js';

function watchdog(rooms: number) {
  const fed: string[] = [];
  const notifier = { frameProcessed: () => void fed.push('frame'), noFrameDue: (why: string) => void fed.push(why) };
  return { fed, rooms: roomNotifiers(notifier, rooms) };
}

t.test('the watchdog is fed when every room has made progress', async (t) => {
  const { fed, rooms } = watchdog(3);
  for (let i = 0; i < 5; i++) rooms[0]!.frameProcessed();
  rooms[1]!.frameProcessed();
  t.same(fed, [], 'the third room has done nothing');
  rooms[2]!.noFrameDue('paused');
  t.same(fed, ['paused'], 'a paused room is no hang');
  for (let i = 0; i < 5; i++) for (const room of rooms.slice(0, 2)) room.frameProcessed();
  t.same(fed, ['paused'], 'a room that hangs later is found too');
  rooms[2]!.frameProcessed();
  t.same(fed, ['paused', 'frame']);
});

t.test('the only room feeds it with each frame', async (t) => {
  const { fed, rooms } = watchdog(1);
  rooms[0]!.frameProcessed();
  rooms[0]!.noFrameDue('offline');
  t.same(fed, ['frame', 'offline']);
});
