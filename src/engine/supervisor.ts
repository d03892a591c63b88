// The engine that ships: both models in one forked child, supervised.
//
// Invariant: calls run one after another, and a child that dies loses only the frame that it was analysing. The next call starts a new
// child, at once or, after repeated failures, every half minute. The daemon never exits because of a child, or because none can be
// started.
//
// The first child tests whether XNNPACK works on this machine. Where it cannot start (no /sys, no /proc/cpuinfo) the binding
// dereferences null and the child dies while loading. All later children then run without XNNPACK. A child that dies later is
// restarted with the same delegate.
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { guardPath } from '../base/child-guard.js';
import { type Clock, systemClock } from '../base/clock.js';
import { fail, RoomkinError, sentenceOf } from '../base/errors.js';
import { type FrameMemory, frameMemory, type MemoryPlace } from '../base/frame-memory.js';
import { createInOrder } from '../base/in-order.js';
import { type Log, silentLog } from '../base/log.js';
import { createBackoff } from '../base/retry.js';
import type { Frame } from '../vision/picture.js';
import { defaultSearch } from '../vision/search.js';
import { childMemoryFd, type EngineChild, childPath as shippedChild, startChild } from './child-process.js';
import type { Engine, EngineAnalysis, EngineInfo, SharedEngine } from './engine.js';
import { defaultHangLimits, type HangLimits } from './hang.js';
import { chooseEmbedder, defaultManifestPath, readManifest } from './manifest.js';
import { verifyModel } from './model-file.js';
import type { Answer, ChosenModels, LoadOptions, WireAnalysis } from './protocol.js';
import { delegatePluginPath } from './runtime.js';

export interface EngineOptions {
  /** Embedder's id in the manifest; null or absent: the manifest's default. */
  readonly embedder?: string | null;
  /**
   * Threads of each model. Default 2, at most half of the cores: XNNPACK's threads spin while they wait for each other, which made a
   * frame ten times slower on two busy cores.
   */
  readonly threads?: number;
  /** The device on which ONNX Runtime runs the embedder; null or absent: TFLite runs it. */
  readonly onnxDevice?: string | null;
  /** Minimum score of a face, 0 to 1; null or absent: the measured default. */
  readonly score?: number | null;
  /** In video, faces with a smaller eye distance are detected but not embedded. Default 12. */
  readonly minEyesPx?: number;
  /** Tiles searched in turn in each video frame larger than a tile. Default 1. */
  readonly tilesPerFrame?: number;
  /** false: run without XNNPACK. Default true: use it where it works. */
  readonly delegate?: boolean;
  readonly manifestPath?: string;
  readonly log?: Log;
  /** For tests: another program instead of the child, another plug-in, guard or frame memory, another clock of the back-off, other limits of a hang. */
  readonly childPath?: string;
  readonly pluginPath?: string;
  readonly guard?: string;
  readonly memory?: FrameMemory;
  readonly clock?: Clock;
  readonly hangLimits?: Partial<HangLimits>;
}

/** A slice of a photo, milliseconds: one pass of the detector takes longer on a slow board, and is then a slice of its own. */
const photoSliceMs = 25;
/** Time between two starts of a child that keeps failing, milliseconds. */
const restartMs = 30_000;

/** A frame of 1920x1080 pixels as RGB has 6 MB. */
const mostCopiedBytes = 8_000_000;

interface Delegate {
  /** The plug-in to load; null: run without it. */
  readonly path: string | null;
  /** Why `path` is null; null where it is not. */
  readonly reason: string | null;
}

function installedDelegate(path: string): Delegate {
  if (existsSync(path)) return { path, reason: null };
  return { path: null, reason: 'the XNNPACK plug-in is not built: npm rebuild needs gcc' };
}

/** Creates an engine; the child starts with `start`. */
export function createEngine(options: EngineOptions = {}): SharedEngine {
  const log = options.log ?? silentLog;
  const clock = options.clock ?? systemClock;
  const memory = options.memory ?? frameMemory();
  const childOptions = {
    memoryFd: memory.fd,
    path: options.childPath ?? shippedChild,
    guard: options.guard ?? guardPath,
    log,
    limits: { ...defaultHangLimits, ...options.hangLimits },
    slowest: new Map(),
  };
  // The rule of Frigate's watchdog: 5 starts within 60 s, then one every half minute.
  const restarts = createBackoff({
    firstMs: restartMs,
    mostMs: restartMs,
    free: { count: 5, withinMs: 60_000 },
    clock,
  });
  const manifestPath = options.manifestPath ?? defaultManifestPath;
  const load: Omit<LoadOptions, 'delegatePath' | 'models'> = {
    onnxDevice: options.onnxDevice ?? null,
    threads: Math.min(options.threads ?? 2, Math.max(1, Math.floor(availableParallelism() / 2))),
    search: {
      ...defaultSearch,
      ...(options.score == null ? {} : { leastScore: options.score }),
      ...(options.tilesPerFrame === undefined ? {} : { tilesPerFrame: options.tilesPerFrame }),
    },
    minEyesPx: options.minEyesPx ?? 12,
    memoryFd: memory.fd === null ? null : childMemoryFd,
  };
  let delegate: Delegate = { path: null, reason: 'switched off' };
  let child: EngineChild | null = null;
  let info: EngineInfo | null = null;
  /** Why there is no child that works; null while there is one. */
  let failure: string | null = 'the engine has not been started';
  let stopped = false;
  let nextId = 1;
  const inOrder = createInOrder();
  const photosInOrder = createInOrder();

  /** Errors: MODEL_MISSING, MODEL_HASH. */
  const chosenModels = (): ChosenModels => {
    const manifest = readManifest(manifestPath);
    const { path, detector, checker } = manifest;
    return { path, detector, checker, embedder: chooseEmbedder(manifest, options.embedder ?? null) };
  };
  /** Those of the first start: a later one needs no file of its own for the manifest. */
  let models: ChosenModels | null = null;

  const launch = async (): Promise<EngineChild> => {
    restarts.failed();
    let started: EngineChild | null = null;
    try {
      models ??= chosenModels();
      started = startChild(childOptions);
      child = started;
      const message = { type: 'load', options: { ...load, models, delegatePath: delegate.path } } as const;
      const loaded = expectType(await started.ask(message), 'loaded');
      info = { ...loaded.info, delegate: delegate.path === null ? 'none' : 'xnnpack', delegateReason: delegate.reason };
      failure = null;
      return started;
    } catch (cause) {
      failure = (cause as Error).message;
      await started?.end();
      throw cause;
    }
  };

  /** Why the child did not load; null where it runs. Throws errors that another attempt would not change. */
  const launchFailure = async (): Promise<Error | null> => {
    try {
      await launch();
      return null;
    } catch (cause) {
      if (stopped || !(cause instanceof RoomkinError) || cause.code !== 'ENGINE_FAILED') throw cause;
      return cause;
    }
  };

  /** A running child with loaded models. */
  const ready = async (): Promise<EngineChild> => {
    const reason = fault();
    if (child !== null && reason === null) return child;
    if (stopped || info === null) throw fail('ENGINE_FAILED', reason ?? 'the engine has not been started');
    failure = reason;
    // The sentence stays the same until the next try, so that it is logged once.
    if (restarts.waitMs() > 0) throw fail('ENGINE_FAILED', `${reason}: tried again every ${restartMs / 1000} s`);
    log('warning', 'the recognition process is restarted', { reason: reason ?? 'it is missing' });
    return launch();
  };

  const fault = (): string | null => {
    if (stopped) return 'the engine is stopped';
    return failure ?? (child?.death == null ? null : `the recognition process failed: ${child.death}`);
  };

  /** After the first start every error passes: the file is put right, the memory is there again. */
  const analyzeNow: Engine['analyze'] = (frame, request, onStep) =>
    analyzeOnce(frame, request, onStep).catch((cause: unknown) => {
      if (cause instanceof RoomkinError && cause.code === 'ENGINE_FAILED') throw cause;
      throw fail('ENGINE_FAILED', sentenceOf(cause), cause);
    });

  const analyzeOnce: Engine['analyze'] = async (frame, request, onStep) => {
    const id = nextId++;
    const server = await ready();
    const message = {
      type: 'analyze',
      id,
      frame: { ...plain(frame), data: wireData(frame.data) },
      options: request,
      sliceMs: null,
    } as const;
    return analysisOf(frame, expectType(await server.ask(message, onStep), 'analyzed').analysis);
  };

  const analyzeInSlices: SharedEngine['analyzePhoto'] = async (photo, request, signal, onStep) => {
    signal.throwIfAborted();
    const id = nextId++;
    // With its bytes: shared memory is overwritten by the frames between the slices.
    const begin = { type: 'analyze', id, frame: plain(photo), options: request, sliceMs: photoSliceMs } as const;
    let server: EngineChild | null = null;
    let answer = await inOrder(async () => {
      server = await ready();
      return server.ask(begin, onStep);
    });
    // Each slice waits for the frames that came meanwhile.
    while (answer.type === 'paused') {
      const sliceMs = signal.aborted ? null : photoSliceMs;
      answer = await inOrder(async () => {
        if (child !== server || child?.death != null)
          throw fail('ENGINE_FAILED', fault() ?? 'the recognition process was replaced');
        return child!.ask({ type: 'continue', id, sliceMs }, onStep);
      });
      signal.throwIfAborted();
    }
    return analysisOf(photo, expectType(answer, 'analyzed').analysis);
  };

  /** Memory for frames of other memory: photos, frames of a recording. */
  let copied: Uint8Array = new Uint8Array(0);
  /** What is sent of a frame's bytes: their place in the shared memory. Large photos are sent whole, so that no memory is kept for them. */
  const wireData = (data: Uint8Array): Uint8Array | MemoryPlace => {
    if (info?.addonReason !== null || memory.fd === null) return data;
    const place = memory.placeOf(data);
    if (place !== null || data.length > mostCopiedBytes) return place ?? data;
    if (copied.length < data.length) {
      memory.free(copied);
      copied = memory.allocate(data.length);
    }
    copied.set(data);
    return memory.placeOf(copied.subarray(0, data.length)) ?? data;
  };

  const startNow = async (): Promise<EngineInfo> => {
    // The files are verified here first, so that a wrong file is reported as such and not as a child that died.
    models = chosenModels();
    for (const model of [models.detector, models.checker, models.embedder]) verifyModel(models, model);
    if (options.delegate ?? true) delegate = installedDelegate(options.pluginPath ?? delegatePluginPath);
    if (delegate.path !== null) {
      const cause = await launchFailure();
      if (cause === null) return info!;
      delegate = { path: null, reason: `XNNPACK did not start: ${cause.message}` };
    }
    if (delegate.reason !== null) log('debug', `models run without XNNPACK: ${delegate.reason}`);
    const cause = await launchFailure();
    if (cause !== null) {
      log('warning', 'the recognition process failed to load and is started again', { reason: cause.message });
      await launch();
    }
    return info!;
  };

  const stop = async (): Promise<void> => {
    stopped = true;
    await child?.end();
    memory.free(copied);
    copied = new Uint8Array(0);
  };

  return {
    start: () => inOrder(startNow),
    analyze: (frame, request, onStep) => inOrder(() => analyzeNow(frame, request, onStep)),
    analyzePhoto: (...given) => photosInOrder(() => analyzeInSlices(...given)),
    get info() {
      return info;
    },
    get pid() {
      return child?.death == null ? (child?.pid ?? null) : null;
    },
    get fault() {
      return fault();
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** Without what other code may have added: it is sent to another process. */
function plain({ capturedAt, sequence, width, height, format, stride, data }: Frame): Frame {
  return { capturedAt, sequence, width, height, format, stride, data };
}

function analysisOf(frame: Frame, { faces, times, crops }: WireAnalysis): EngineAnalysis {
  const { capturedAt, sequence, width, height } = frame;
  return { capturedAt, sequence, width, height, faces, times, ...(crops === null ? {} : { crops }) };
}

function expectType<T extends Answer['type']>(answer: Answer, type: T): Extract<Answer, { type: T }> {
  if (answer.type !== type) throw fail('ENGINE_FAILED', `the recognition process answered ${answer.type}, not ${type}`);
  return answer as Extract<Answer, { type: T }>;
}
