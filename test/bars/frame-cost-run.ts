// One run of test/bars/frame-cost.ts, in a process of its own: the compiled code in CODE analyses the frames in FRAMES, and this process
// prints what that cost as JSON. Started by frame-cost.ts.
//
//   node .test-build/test/bars/frame-cost-run.js CODE FRAMES FACES COUNT       CPU time for each analysed frame
//   node .test-build/test/bars/frame-cost-run.js CODE FRAMES still SECONDS WARM     share of a core in a room where nothing moves
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { PerformanceObserver } from 'node:perf_hooks';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Camera, Frame } from '../../src/camera/camera.js';
import type { Engine } from '../../src/engine/engine.js';
import type { Gallery } from '../../src/gallery/person.js';
import { frameHeight, frameWidth } from './frame-cost.js';

/** The time between two frames in the measured frames, milliseconds. */
const frameMs = 200;
/** Frames from the first one on in which people arrive. */
const arrivingFrames = 8;

export interface AnalysedCost {
  /** Faces in the last frame, and those with a name. */
  readonly faces: number;
  readonly named: number;
  /** CPU milliseconds for each frame, daemon and engine together: while people arrive, and afterwards. */
  readonly arrivingMs: number;
  readonly settledMs: number;
  /** The part of `settledMs` that the process of the daemon uses. */
  readonly daemonMs: number;
}

export interface StillCost {
  readonly frames: number;
  readonly analysed: number;
  /** Share of one core, daemon and engine together. */
  readonly share: number;
  /** The part of it that the process of the daemon uses. */
  readonly daemonShare: number;
  /** Garbage collection in the process of the daemon, milliseconds for each second. */
  readonly collectionMs: number;
}

const [code = '', framesPath = '', kind = '', amount = '0', warmSeconds = '2'] = process.argv.slice(2);
const load = async <T>(path: string): Promise<T> => (await import(pathToFileURL(resolve(code, path)).href)) as T;

/** CPU time of a process with all of its threads, milliseconds. */
function cpuMsOf(pid: number | 'self'): number {
  let nanoseconds = 0;
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    nanoseconds += Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]);
  }
  return nanoseconds / 1e6;
}

/** The engine's process. */
function enginePid(): number {
  const children = readdirSync('/proc/self/task').flatMap((task) =>
    readFileSync(`/proc/self/task/${task}/children`, 'utf8').split(' ').filter(Boolean),
  );
  const engine = children.find((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('engine/child.js'));
  if (engine === undefined) throw new Error('the engine has no process');
  return Number(engine);
}

const bytes = readFileSync(framesPath);
const frameBytes = (frameWidth * frameHeight * 3) / 2;
const count = bytes.length / frameBytes;
const frameAt = (sequence: number): Frame => ({
  capturedAt: sequence * frameMs,
  sequence,
  width: frameWidth,
  height: frameHeight,
  format: 'i420',
  stride: frameWidth,
  data: bytes.subarray((sequence % count) * frameBytes, ((sequence % count) + 1) * frameBytes),
});

/** Everybody in the first frame, with the face that it shows as the only template. */
async function galleryOf(engine: Engine): Promise<Gallery> {
  const { faces } = await engine.analyze(frameAt(0), { search: 'all', mirror: false });
  const people = faces.flatMap(({ embedding }, index) =>
    embedding === null
      ? []
      : [{ id: `p${index}`, name: `P${index}`, templates: [{ id: 0, vector: embedding, weight: 1 }] }],
  );
  return { space: '', version: 1, people, cohort: [] } as Gallery;
}

const { createEngine } = await load<typeof import('../../src/engine/supervisor.js')>('engine/supervisor.js');
const { createRoom } = await load<typeof import('../../src/room/room.js')>('room/room.js');
const { roomOptionsFor } = await load<typeof import('../../src/room/options.js')>('room/options.js');
const { processFrames } = await load<typeof import('../../src/pipeline.js')>('pipeline.js');
const { systemClock } = await load<typeof import('../../src/base/clock.js')>('base/clock.js');
const { silentLog } = await load<typeof import('../../src/base/log.js')>('base/log.js');
const { openCamera } = await load<typeof import('../../src/camera/open.js')>('camera/open.js');
const { defaultCameraOptions } = await load<typeof import('../../src/camera/options.js')>('camera/options.js');

await using engine = createEngine();
const { embedder } = await engine.start();
const options = roomOptionsFor(embedder);
const listener = { state: () => {}, event: () => {} };
/** In older versions `crops` is a switch, not a function: no version may spend time on the aligned faces. */
const withoutCrops: Engine = {
  ...engine,
  analyze: (frame, request, onStep) => engine.analyze(frame, { ...request, crops: false }, onStep),
};
const both = (pid: number): readonly [number, number] => [cpuMsOf('self'), cpuMsOf(pid)];

async function analysed(frames: number): Promise<AnalysedCost> {
  const gallery = await galleryOf(engine);
  const room = createRoom(() => gallery, options, listener, 0);
  const pid = enginePid();
  let sequence = 0;
  const camera = {
    next: async () => (sequence < frames ? frameAt(sequence++) : null),
    status: { state: 'online' },
  } as Partial<Camera> as Camera;
  /** By the number of frames before. Reading them costs time, too. */
  const samples = new Map([[0, both(pid)]]);
  let done = 0;
  await processFrames({
    camera,
    engine: withoutCrops,
    room,
    crops: () => false,
    isRecording: true,
    onFrame(analysis) {
      if (analysis === null) throw new Error('a frame passed for unchanged');
      done++;
      if (done === arrivingFrames || done === frames) samples.set(done, both(pid));
    },
    onBlind: () => {},
    onFault: (error) => {
      throw error;
    },
  });
  const per = (from: number, to: number, which: 0 | 1): number =>
    (samples.get(to)![which] - samples.get(from)![which]) / (to - from);
  const daemonMs = per(arrivingFrames, frames, 0);
  return {
    faces: room.observations.length,
    named: room.observations.filter(({ person }) => person !== null).length,
    arrivingMs: per(0, arrivingFrames, 0) + per(0, arrivingFrames, 1),
    settledMs: daemonMs + per(arrivingFrames, frames, 1),
    daemonMs,
  };
}

/** A real camera process writes one picture again and again, with the noise of a sensor, at five frames a second. */
async function still(seconds: number): Promise<StillCost> {
  const room = createRoom(() => ({ space: '', version: 1, people: [], cohort: [] }), options, listener, 0);
  const program = join(fileURLToPath(new URL('.', import.meta.url)), 'frame-cost-camera.js');
  const camera = openCamera(
    {
      ...defaultCameraOptions,
      width: frameWidth,
      height: frameHeight,
      command: [process.execPath, program, framesPath, '--'],
    },
    systemClock,
    silentLog,
  );
  const pid = enginePid();
  let [seen, analysedFrames, collectedMs] = [0, 0, 0];
  const observer = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) collectedMs += duration;
  });
  observer.observe({ entryTypes: ['gc'] });
  let from: { readonly cpu: readonly [number, number]; readonly atMs: number } | null = null;
  // V8 compiles and collects garbage in the first half minute: a still room lasts for hours.
  const warmFrames = Number(warmSeconds) * 5;
  camera.start();
  let result: StillCost | null = null;
  await processFrames({
    camera,
    engine: withoutCrops,
    room,
    crops: () => false,
    onFrame(analysis) {
      seen++;
      if (seen === warmFrames) {
        from = { cpu: both(pid), atMs: performance.now() };
        analysedFrames = 0;
        collectedMs = 0;
      }
      if (analysis !== null) analysedFrames++;
      if (from === null || seen < warmFrames + seconds * 5 || result !== null) return;
      const elapsedMs = performance.now() - from.atMs;
      const [daemon, child] = both(pid).map((ms, i) => ms - from!.cpu[i as 0 | 1]) as [number, number];
      result = {
        frames: seen - warmFrames,
        analysed: analysedFrames,
        share: (daemon + child) / elapsedMs,
        daemonShare: daemon / elapsedMs,
        collectionMs: (1000 * collectedMs) / elapsedMs,
      };
      void camera.stop();
    },
    onBlind: () => {},
    onFault: (error) => {
      throw error;
    },
  });
  await camera.stop();
  if (result === null) throw new Error('the camera gave too few frames');
  return result;
}

process.stdout.write(JSON.stringify(kind === 'still' ? await still(Number(amount)) : await analysed(Number(amount))));
