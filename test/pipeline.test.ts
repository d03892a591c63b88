// The loop: a camera whose frames the test makes, and an engine whose answers the test makes.
import t from 'tap';
import { type ErrorCode, errorTable, fail } from '../src/base/errors.js';
import { silentLog } from '../src/base/log.js';
import { createMailbox } from '../src/base/mailbox.js';
import type { Camera, Frame } from '../src/camera/camera.js';
import type { AnalyzeOptions, Engine, EngineAnalysis } from '../src/engine/engine.js';
import { createTurns } from '../src/engine/turns.js';
import { type PipelineParts, processFrames, type WatchParts, watchRoom } from '../src/pipeline.js';
import type { Room } from '../src/room/room.js';

function frame(capturedAt: number, luma: number): Frame {
  const data = new Uint8Array((64 * 64 * 3) / 2).fill(luma, 0, 32 * 64);
  return { capturedAt, sequence: capturedAt, width: 64, height: 64, format: 'i420', stride: 64, data };
}

/** The analysis of a frame without a face. */
function emptyAnalysis({ capturedAt, sequence, width, height }: Frame): EngineAnalysis {
  return { capturedAt, sequence, width, height, faces: [], times: { detectMs: 1, alignMs: 0, embedMs: 0, tiles: 0 } };
}

function startLoop(
  analyze: (capturedAt: number, options: AnalyzeOptions) => Promise<void>,
  parts: Partial<PipelineParts> = {},
  isEmpty: () => boolean = () => false,
) {
  const mailbox = createMailbox<Frame>();
  const analysed: number[] = [];
  const unchanged: number[] = [];
  const faults: string[] = [];
  /** How many frames were analysed when the room became overdue. */
  const overdue: number[] = [];
  const status = {
    state: 'online',
    reason: null,
    frames: 0,
    drops: 0,
    reopened: 0,
    torn: 0,
    snapshots: false,
  } as const;
  const camera = { next: () => mailbox.take(), newer: () => mailbox.exchange(), status } as unknown as Camera;
  const engine = {
    async analyze(frame, options): Promise<EngineAnalysis> {
      await analyze(frame.capturedAt, options);
      return emptyAnalysis(frame);
    },
  } as Partial<Engine> as Engine;
  const room = {
    see: ({ capturedAt }) => analysed.push(capturedAt),
    still: (at) => unchanged.push(at),
    overdue: () => overdue.push(analysed.length),
    intervalMs: null,
    blind: () => {},
    expected: () => [],
    undecided: false,
    get isEmpty() {
      return isEmpty();
    },
  } as Partial<Room> as Room;
  let frames = 0;
  const running = processFrames({
    camera,
    engine,
    room,
    crops: () => false,
    onFrame: () => frames++,
    onBlind: () => {},
    onFault: (error) => faults.push((error as Error).message),
    ...parts,
  });
  return { mailbox, analysed, unchanged, faults, overdue, running, frames: () => frames };
}

const pause = (ms = 5) => new Promise((resolve) => setTimeout(resolve, ms));

t.test('one frame is in flight: the newest frame that came meanwhile is next, the others are dropped', async (t) => {
  let release = (): void => {};
  const { mailbox, analysed, running } = startLoop((at) =>
    at === 1 ? new Promise((resolve) => (release = resolve)) : Promise.resolve(),
  );
  for (const at of [1, 2, 3, 4]) {
    mailbox.put(frame(at, at * 40));
    await pause();
  }
  t.strictSame(analysed, []);
  release();
  await pause();
  t.strictSame(analysed, [1, 4]);
  t.equal(mailbox.drops, 2);
  mailbox.end();
  await running;
});

t.test('an unchanged frame is analysed only once a second', async (t) => {
  const { mailbox, analysed, unchanged, running, frames } = startLoop(async () => {});
  for (let at = 0; at <= 2000; at += 250) {
    mailbox.put(frame(at, 100));
    await pause();
  }
  mailbox.end();
  await running;
  t.strictSame(analysed, [0, 1000, 2000]);
  t.equal(unchanged.length, 6);
  t.equal(frames(), 9, 'every frame feeds the watchdog');
});

t.test('an empty room is analysed less and less often, until something moves or a picture is wanted', async (t) => {
  let isEmpty = true;
  let isAwaited = false;
  const { mailbox, analysed, running } = startLoop(
    async () => {},
    { awaited: () => isAwaited },
    () => isEmpty,
  );
  const pass = async (fromMs: number, toMs: number, grey: number): Promise<number[]> => {
    analysed.length = 0;
    for (let at = fromMs; at <= toMs; at += 250) {
      mailbox.put(frame(at, grey));
      await pause(1);
    }
    await pause();
    return [...analysed];
  };
  t.strictSame(await pass(0, 25_000, 100), [0, 1000, 2500, 4750, 8250, 13_250, 18_250, 23_250]);
  isAwaited = true;
  t.strictSame(await pass(25_250, 25_250, 100), [25_250], 'a picture is wanted');
  isAwaited = false;
  isEmpty = false;
  t.strictSame(await pass(30_250, 32_500, 100), [30_250, 31_250, 32_250], 'somebody is there');
  isEmpty = true;
  t.strictSame(await pass(33_250, 35_750, 100), [33_250, 34_750], 'they have left');
  mailbox.end();
  await running;
});

t.test('a board that cannot keep up leaves out tiles, a recording never does', async (t) => {
  for (const isRecording of [false, true]) {
    const limits: (AnalyzeOptions['limits'] | undefined)[] = [];
    const { mailbox, running } = startLoop(
      async (_, options) => {
        limits.push(options.limits);
        await pause(520);
      },
      { isRecording },
    );
    for (let at = 1; at <= 4; at++) {
      mailbox.put(frame(at, at * 40));
      await pause(530);
    }
    mailbox.end();
    await running;
    t.equal(limits[0], null);
    t.equal(limits[3] === null, isRecording, 'after two late analyses');
  }
});

t.test(
  'the engine is told where faces are expected whose embedding is not due, at the time of the frame',
  async (t) => {
    const asked: (readonly [number, AnalyzeOptions['expected']])[] = [];
    const room = {
      see: () => {},
      intervalMs: null,
      undecided: true,
      expected: (atMs: number) => [[atMs, 0, 50, 50]],
    } as Partial<Room> as Room;
    const { mailbox, running } = startLoop(async (at, { expected }) => void asked.push([at, expected]), { room });
    for (const at of [1000, 1200]) {
      mailbox.put(frame(at, 50));
      await pause();
    }
    mailbox.end();
    await running;
    t.strictSame(asked, [
      [1000, [[1000, 0, 50, 50]]],
      [1200, [[1200, 0, 50, 50]]],
    ]);
  },
);

t.test('the room is unknown while an analysis takes too long, except in a recording', async (t) => {
  for (const isRecording of [false, true]) {
    const { mailbox, analysed, overdue, running } = startLoop((at) => pause(at === 1 ? 1 : 100) as Promise<void>, {
      isRecording,
      overdueMs: 40,
    });
    for (const at of [1, 2]) {
      mailbox.put(frame(at, at * 40));
      await pause(10);
    }
    mailbox.end();
    await running;
    t.strictSame(analysed, [1, 2]);
    t.strictSame(overdue, isRecording ? [] : [1]);
  }
});

t.test('an engine failure costs one frame and nothing else', async (t) => {
  const { mailbox, analysed, faults, running, frames } = startLoop(async (at) => {
    if (at === 1) throw fail('ENGINE_FAILED', 'the child died');
  });
  for (const at of [1, 2]) {
    mailbox.put(frame(at, at * 40));
    await pause();
  }
  mailbox.end();
  await running;
  t.strictSame(faults, ['the child died']);
  t.strictSame(analysed, [2]);
  t.equal(frames(), 1, 'a frame that failed does not feed the watchdog');
});

t.test('no error code of the engine ends the loop', async (t) => {
  const codes = Object.keys(errorTable) as ErrorCode[];
  const { mailbox, analysed, faults, running } = startLoop(async (at) => {
    const code = codes[at / 2000];
    if (code !== undefined) throw fail(code, code);
  });
  for (let at = 0; at <= codes.length; at += 1) {
    mailbox.put(frame(at * 2000, (at % 4) * 40));
    await pause(1);
  }
  mailbox.end();
  await running;
  t.strictSame(faults, codes);
  t.strictSame(analysed, [codes.length * 2000]);
});

t.test('a bug costs one frame as well', async (t) => {
  const { mailbox, analysed, faults, running } = startLoop(async (at) => {
    if (at === 1) throw new TypeError('a bug');
  });
  for (const at of [1, 2]) {
    mailbox.put(frame(at, at * 40));
    await pause();
  }
  mailbox.end();
  await running;
  t.strictSame([faults, analysed], [['a bug'], [2]]);
});

/** `watchRoom` with a camera that is a mailbox; `calls` lists what it called, in order. */
async function startWatching(untilEnd: boolean, parts: Partial<WatchParts> = {}) {
  const calls: string[] = [];
  const nowMs = { value: 0 };
  let mailbox = createMailbox<Frame>();
  const camera = {
    start() {
      mailbox = createMailbox<Frame>();
      calls.push('camera started');
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
    room: { blind: () => calls.push('blind') } as Partial<Room> as Room,
    crops: () => false,
    privacy,
    notifier: { frameProcessed: () => {}, noFrameDue: (reason) => calls.push(reason) },
    signal: stop.signal,
    log: silentLog,
    problems: { report: (part) => calls.push(`problem: ${part}`), solve() {} },
    clock: { monotonicMs: () => nowMs.value, wallMs: () => 0 },
    onEngine: (works) => calls.push(`engine ${works}`),
    untilEnd,
    onFrame: () => {},
    onFault: () => {},
    onOver: () => calls.push('over'),
    ...parts,
  });
  await pause(20);
  return {
    calls,
    camera,
    privacy,
    stop,
    running,
    nowMs,
    put: (value: Frame) => mailbox.put(value),
    end: () => mailbox.end(),
  };
}

t.test('a pause feeds the watchdog and withdraws the state; the camera starts again afterwards', async (t) => {
  const { calls, camera, privacy, stop, running } = await startWatching(false);
  privacy.on = false;
  privacy.changes++;
  await camera.stop();
  await pause(300);
  t.strictSame(calls.slice(0, 3), ['camera started', 'blind', 'paused']);
  privacy.on = true;
  await pause(300);
  t.equal(calls.at(-1), 'camera started');
  stop.abort();
  await running;
});

t.test('switching off and on before the loop notices starts the camera again', async (t) => {
  const { calls, camera, privacy, stop, running } = await startWatching(false);
  privacy.changes += 2;
  await camera.stop();
  await pause(300);
  t.strictSame(calls, ['camera started', 'camera started']);
  stop.abort();
  await running;
});

t.test('while the camera gives no frames, the wait for a frame feeds the watchdog', async (t) => {
  const { calls, stop, running } = await startWatching(false);
  await pause(1300);
  t.strictSame(calls, ['camera started', 'blind', 'offline']);
  stop.abort();
  await running;
});

t.test('the end of a recording ends the loop only with `untilEnd`', async (t) => {
  const ending = await startWatching(true);
  ending.end();
  await ending.running;
  t.strictSame(ending.calls, ['camera started']);

  const lasting = await startWatching(false);
  lasting.end();
  await pause(300);
  t.strictSame(lasting.calls.slice(0, 4), ['camera started', 'over', 'blind', 'offline']);
  lasting.stop.abort();
  await lasting.running;
});

t.test('a stop while the switch settles starts no camera', async (t) => {
  let settle = (): void => {};
  const { calls, stop, running } = await startWatching(false, {
    privacy: { on: true, changes: 0, settled: () => new Promise((resolve) => (settle = resolve)) },
  });
  stop.abort();
  settle();
  await running;
  t.strictSame(calls, []);
});

t.test('recognition that fails for seconds makes the room unknown, feeds the watchdog, and works again', async (t) => {
  let fails = true;
  const engine = {
    get fault() {
      return fails ? 'next try in 20 s' : null;
    },
    async analyze(frame: Frame) {
      if (fails) throw fail('ENGINE_FAILED', 'the recognition process keeps failing');
      return emptyAnalysis(frame);
    },
  } as unknown as Engine;
  const room = {
    see: () => calls.push('seen'),
    blind: () => calls.push('blind'),
    expected: () => [],
    undecided: true,
  } as unknown as Room;
  const { calls, stop, running, camera, nowMs, put } = await startWatching(false, { engine, room });
  for (const atMs of [0, 2000, 4000]) {
    nowMs.value = atMs;
    put(frame(atMs, 40));
    await pause();
  }
  t.strictSame(calls.slice(1), [
    'problem: recognition',
    'problem: recognition',
    'problem: recognition',
    'blind',
    'engine false',
    'offline',
  ]);
  fails = false;
  put(frame(5000, 80));
  await pause();
  t.strictSame(calls.slice(-2), ['seen', 'engine true']);
  stop.abort();
  await camera.stop();
  await running;
});

t.test('the steps of a slow analysis feed the watchdog', async (t) => {
  let finish = (): void => {};
  let begin = (): void => {};
  const engine = {
    fault: null,
    async analyze(frame: Frame, _: AnalyzeOptions, onStep?: (step: string) => void) {
      begin = () => onStep?.('detect');
      await new Promise<void>((resolve) => (finish = resolve));
      return emptyAnalysis(frame);
    },
  } as unknown as Engine;
  const room = { see() {}, blind() {}, expected: () => [], undecided: true } as unknown as Room;
  let fed = 0;
  const notifier = { frameProcessed: () => void fed++, noFrameDue() {} };
  const { stop, running, camera, put } = await startWatching(false, { engine, room, notifier });
  put(frame(0, 40));
  await pause();
  t.equal(fed, 0);
  begin();
  begin();
  t.equal(fed, 2);
  finish();
  await pause();
  t.equal(fed, 3);
  stop.abort();
  await camera.stop();
  await running;
});

t.test('a frame that is analysed while recognition is switched off leaves no trace', async (t) => {
  let finish = (): void => {};
  const engine = {
    fault: null,
    async analyze(frame: Frame) {
      await new Promise<void>((resolve) => (finish = resolve));
      return emptyAnalysis(frame);
    },
  } as unknown as Engine;
  const seen: string[] = [];
  const room = { see: () => seen.push('seen'), blind() {}, expected: () => [], undecided: true } as unknown as Room;
  const { privacy, stop, running, camera, put } = await startWatching(false, { engine, room });
  put(frame(0, 40));
  await pause();
  privacy.on = false;
  privacy.changes++;
  await camera.stop();
  finish();
  await pause(20);
  t.strictSame(seen, []);
  stop.abort();
  await running;
});

t.test('rooms have their turns in order, each with its newest frame, and what it replaced is counted', async (t) => {
  const turns = createTurns();
  /** Which room has how many frames analysed, in order; the test lets each analysis end. */
  const order: string[] = [];
  const ends: (() => void)[] = [];
  const room = (name: string) =>
    startLoop(
      (at) => {
        order.push(`${name}${at}`);
        return new Promise((resolve) => ends.push(resolve));
      },
      { turns },
    );
  const rooms = [room('a'), room('b'), room('c')] as const;
  const [busy, ...others] = rooms;
  busy.mailbox.put(frame(1, 40));
  await pause();
  for (const { mailbox } of others) mailbox.put(frame(1, 40));
  for (let at = 2; at <= 9; at++) {
    for (const { mailbox } of rooms) mailbox.put(frame(at, at * 25));
    await pause();
    ends.shift()!();
    await pause();
  }
  for (const { mailbox } of rooms) mailbox.end();
  while (ends.length > 0) {
    ends.shift()!();
    await pause();
  }
  await Promise.all(rooms.map(({ running }) => running));
  t.same(
    order.map((text) => text[0]),
    [...'abcabcabcabc'].slice(0, order.length),
    'a room that always has a frame waits for the others',
  );
  t.same(order.slice(0, 6), ['a1', 'b2', 'c3', 'a4', 'b5', 'c6'], 'each turn has the frame that is the newest then');
  for (const { mailbox, analysed } of rooms) t.equal(mailbox.drops, 9 - analysed.length);
});
