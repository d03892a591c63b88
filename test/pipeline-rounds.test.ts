// Between rounds: paused, resumed, over. The camera is a mailbox of the test's own.
import t from 'tap';
import { silentLog } from '../src/base/log.js';
import { createMailbox } from '../src/base/mailbox.js';
import type { Camera, Frame } from '../src/camera/camera.js';
import type { Engine } from '../src/engine/engine.js';
import { watchRoom } from '../src/pipeline.js';
import type { Room } from '../src/room/room.js';

const turn = (ms = 300) => new Promise((resolve) => setTimeout(resolve, ms));

async function scene(untilEnd: boolean) {
  const said: string[] = [];
  let mailbox = createMailbox<Frame>();
  const camera = {
    start() {
      mailbox = createMailbox<Frame>();
      said.push('camera started');
    },
    next: () => mailbox.take(),
    async stop() {
      mailbox.discard();
    },
    status: { state: 'offline' },
  } as unknown as Camera;
  const privacy = { on: true, changes: 0, settled: async () => {} };
  const stop = new AbortController();
  const running = watchRoom({
    camera,
    engine: {} as Engine,
    room: { blind: () => said.push('blind') } as Partial<Room> as Room,
    crops: false,
    privacy,
    notifier: { frameProcessed: () => {}, noFrameDue: (why) => said.push(why) },
    signal: stop.signal,
    log: silentLog,
    untilEnd,
    onFrame: () => {},
    onFault: () => {},
    onOver: () => said.push('over'),
  });
  await turn(20);
  return { said, camera, privacy, stop, running, end: () => mailbox.end() };
}

t.test('a pause feeds the watchdog, withdraws what was known and starts the camera again afterwards', async (t) => {
  const { said, camera, privacy, stop, running } = await scene(false);
  privacy.on = false;
  privacy.changes++;
  await camera.stop();
  await turn();
  t.strictSame(said.slice(0, 3), ['camera started', 'blind', 'paused']);
  privacy.on = true;
  await turn();
  t.equal(said.at(-1), 'camera started');
  stop.abort();
  await running;
});

t.test('off and on again before the loop noticed starts the camera again', async (t) => {
  const { said, camera, privacy, stop, running } = await scene(false);
  privacy.changes += 2;
  await camera.stop();
  await turn();
  t.strictSame(said, ['camera started', 'camera started']);
  stop.abort();
  await running;
});

t.test('a camera that gives nothing feeds the watchdog from the wait itself', async (t) => {
  const { said, stop, running } = await scene(false);
  await turn(1300);
  t.strictSame(said, ['camera started', 'blind', 'offline']);
  stop.abort();
  await running;
});

t.test('a recording that is over ends the daemon only where that was asked for', async (t) => {
  const once = await scene(true);
  once.end();
  await once.running;
  t.strictSame(once.said, ['camera started']);

  const stays = await scene(false);
  stays.end();
  await turn();
  t.strictSame(stays.said.slice(0, 4), ['camera started', 'over', 'blind', 'offline']);
  stays.stop.abort();
  await stays.running;
});
