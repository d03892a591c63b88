// The loop by itself: a camera whose frames the test makes, an engine that answers what the test says.
import t from 'tap';
import { fail } from '../src/base/errors.js';
import { createMailbox } from '../src/base/mailbox.js';
import type { Camera, Frame } from '../src/camera/camera.js';
import type { Engine, EngineAnalysis } from '../src/engine/engine.js';
import { pipeline } from '../src/pipeline.js';
import type { Room } from '../src/room/room.js';

function frame(capturedAt: number, luma: number): Frame {
  const data = new Uint8Array((64 * 64 * 3) / 2).fill(luma, 0, 32 * 64);
  return { capturedAt, sequence: capturedAt, width: 64, height: 64, format: 'i420', stride: 64, data };
}

function parts(analyze: (capturedAt: number) => Promise<void>) {
  const mailbox = createMailbox<Frame>();
  const seen: number[] = [];
  const still: number[] = [];
  const faults: string[] = [];
  const status = { state: 'online', reason: null, frames: 0, drops: 0, reopened: 0, torn: 0 } as const;
  const camera = { next: () => mailbox.take(), status } as unknown as Camera;
  const engine = {
    async analyze({ capturedAt, sequence, width, height }): Promise<EngineAnalysis> {
      await analyze(capturedAt);
      return {
        capturedAt,
        sequence,
        width,
        height,
        faces: [],
        times: { detectMs: 1, alignMs: 0, embedMs: 0, tiles: 0 },
      };
    },
  } as Partial<Engine> as Engine;
  const room = {
    see: ({ capturedAt }) => seen.push(capturedAt),
    still: (at) => still.push(at),
    blind: () => {},
    expected: () => [],
    undecided: false,
  } as Partial<Room> as Room;
  let frames = 0;
  const running = pipeline({
    camera,
    engine,
    room,
    crops: false,
    onFrame: () => frames++,
    onBlind: () => {},
    onFault: (error) => faults.push(error.code),
  });
  return { mailbox, seen, still, faults, running, frames: () => frames };
}

const turn = () => new Promise((resolve) => setTimeout(resolve, 5));

t.test('one frame in flight: the newest that came meanwhile is next, the others are drops', async (t) => {
  let release = (): void => {};
  const { mailbox, seen, running } = parts((at) =>
    at === 1 ? new Promise((resolve) => (release = resolve)) : Promise.resolve(),
  );
  for (const at of [1, 2, 3, 4]) {
    mailbox.put(frame(at, at * 40));
    await turn();
  }
  t.strictSame(seen, []);
  release();
  await turn();
  t.strictSame(seen, [1, 4]);
  t.equal(mailbox.drops, 2);
  mailbox.end();
  await running;
});

t.test('an unchanged picture is looked at once a second only', async (t) => {
  const { mailbox, seen, still, running, frames } = parts(async () => {});
  for (let at = 0; at <= 2000; at += 250) {
    mailbox.put(frame(at, 100));
    await turn();
  }
  mailbox.end();
  await running;
  t.strictSame(seen, [0, 1000, 2000]);
  t.equal(still.length, 6);
  t.equal(frames(), 9, 'each of them feeds the watchdog');
});

t.test('a dead runtime costs its frame and nothing else', async (t) => {
  const { mailbox, seen, faults, running, frames } = parts(async (at) => {
    if (at === 1) throw fail('ENGINE_FAILED', 'the child died');
  });
  for (const at of [1, 2]) {
    mailbox.put(frame(at, at * 40));
    await turn();
  }
  mailbox.end();
  await running;
  t.strictSame(faults, ['ENGINE_FAILED']);
  t.strictSame(seen, [2]);
  t.equal(frames(), 1, 'a frame that failed does not feed the watchdog');
});

t.test('a bug is not swallowed', async (t) => {
  const { mailbox, running } = parts(async () => {
    throw new TypeError('a bug');
  });
  mailbox.put(frame(1, 40));
  await t.rejects(running, { name: 'TypeError' });
});
