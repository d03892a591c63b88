// The engine that ships: both models in one forked child, supervised.
//
// Invariant: calls are served one after another; a child that dies takes only the frame it had with it. It is started
// again with the next call, at once or, when it keeps dying, every half minute: the daemon never exits for it.
//
// Whether XNNPACK works on this machine is found out by the first child: where it cannot start (no /sys, no /proc/cpuinfo) the
// binding dereferences null and the child dies while loading. It is then started again without, and stays without. A child that
// dies later is started again as it was.

import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { type Clock, systemClock } from '../base/clock.js';
import { fail, RoomkinError } from '../base/errors.js';
import { type Log, silentLog } from '../base/log.js';
import { createBackoff } from '../base/retry.js';
import type { Frame } from '../vision/picture.js';
import { defaultSearch } from '../vision/search.js';
import { type EngineChild, childPath as shippedChild, startChild } from './child-process.js';
import type { AnalyzeOptions, Engine, EngineAnalysis, EngineInfo } from './engine.js';
import { chooseEmbedder, defaultManifestPath, readManifest, readModel } from './manifest.js';
import type { FromChild, LoadOptions } from './protocol.js';
import { delegatePluginPath } from './runtime.js';

export interface EngineOptions {
  /** Embedder's id in the manifest; null or absent: the manifest's default. */
  readonly embedder?: string | null;
  /**
   * Threads of each model. Default 2, and never more than half of the cores: XNNPACK's threads spin while they wait for
   * each other, which on two busy cores made a frame ten times slower.
   */
  readonly threads?: number;
  /** Score a face must reach, 0 to 1; null or absent: chosen by measurement. */
  readonly score?: number | null;
  /** In video, faces with the eyes closer than this are found but not embedded. Default 12. */
  readonly minEyesPx?: number;
  /** Tiles searched in turn in each video frame. Default 2. */
  readonly tilesPerFrame?: number;
  /** false runs without XNNPACK. Default true: use it where it works. */
  readonly delegate?: boolean;
  readonly manifestPath?: string;
  readonly log?: Log;
  /** For tests: another program in the child's place, another plug-in, another clock, another patience. */
  readonly childPath?: string;
  readonly pluginPath?: string;
  readonly clock?: Clock;
  readonly timeoutsMs?: Partial<Timeouts>;
}

interface Timeouts {
  readonly load: number;
  /** `auto` and `whole`. */
  readonly video: number;
  /** `all`: a slow Pi needs many seconds for every tile of a large photo. */
  readonly still: number;
}

const defaultTimeoutsMs: Timeouts = { load: 60_000, video: 20_000, still: 120_000 };

interface Delegate {
  /** What to load; null: run without. */
  readonly path: string | null;
  /** Why there is none; null where there is one. */
  readonly reason: string | null;
}

function installedDelegate(path: string): Delegate {
  if (existsSync(path)) return { path, reason: null };
  return { path: null, reason: 'the XNNPACK plug-in is not built: npm rebuild needs gcc' };
}

/** Makes an engine; nothing happens before `start`. */
export function createEngine(options: EngineOptions = {}): Engine {
  const log = options.log ?? silentLog;
  const clock = options.clock ?? systemClock;
  const timeoutsMs = { ...defaultTimeoutsMs, ...options.timeoutsMs };
  const path = options.childPath ?? shippedChild;
  // The rule of Frigate's watchdog: 5 starts in 60 s, then one each half minute.
  const restarts = createBackoff({ firstMs: 30_000, mostMs: 30_000, free: { count: 5, withinMs: 60_000 }, clock });
  const load: Omit<LoadOptions, 'delegatePath'> = {
    manifestPath: options.manifestPath ?? defaultManifestPath,
    embedder: options.embedder ?? null,
    threads: Math.min(options.threads ?? 2, Math.max(1, Math.floor(availableParallelism() / 2))),
    search: {
      ...defaultSearch,
      ...(options.score == null ? {} : { leastScore: options.score }),
      ...(options.tilesPerFrame === undefined ? {} : { tilesPerFrame: options.tilesPerFrame }),
    },
    minEyesPx: options.minEyesPx ?? 12,
  };
  let delegate: Delegate = { path: null, reason: 'switched off' };
  let child: EngineChild | null = null;
  let info: EngineInfo | null = null;
  let stopped = false;
  let nextId = 1;
  let last: Promise<unknown> = Promise.resolve();

  const launch = async (): Promise<EngineChild> => {
    restarts.failed();
    const started = startChild(path, log);
    child = started;
    try {
      const message = { type: 'load', options: { ...load, delegatePath: delegate.path } } as const;
      const loaded = only(await started.ask(message, timeoutsMs.load), 'loaded');
      info = { ...loaded.info, delegate: delegate.path === null ? 'none' : 'xnnpack', delegateReason: delegate.reason };
      return started;
    } catch (cause) {
      await started.end();
      throw cause;
    }
  };

  /** Why the child did not load, if another try may help; null: it runs. Throws what no other try would change. */
  const launchFailure = async (): Promise<Error | null> => {
    try {
      await launch();
      return null;
    } catch (cause) {
      if (stopped || !(cause instanceof RoomkinError) || cause.code !== 'ENGINE_FAILED') throw cause;
      return cause;
    }
  };

  /** A living child with its models loaded. */
  const ready = async (): Promise<EngineChild> => {
    if (stopped || info === null) throw fail('ENGINE_FAILED', 'the engine is not started');
    if (child !== null && child.death === null) return child;
    const waitMs = restarts.waitMs();
    if (waitMs > 0) {
      throw fail('ENGINE_FAILED', `the recognition process keeps failing: next try in ${Math.ceil(waitMs / 1000)} s`);
    }
    log('warning', 'the recognition process is started again', { reason: child?.death ?? 'it was lost' });
    return launch();
  };

  const analyzeNow = async (frame: Frame, asked: AnalyzeOptions): Promise<EngineAnalysis> => {
    const { capturedAt, sequence, width, height, format, stride, data } = frame;
    const id = nextId++;
    const serving = await ready();
    const sent = { capturedAt, sequence, width, height, format, stride, data };
    const timeoutMs = asked.search === 'all' ? timeoutsMs.still : timeoutsMs.video;
    const answer = await serving.ask({ type: 'analyze', id, frame: sent, options: asked }, timeoutMs);
    const { analysis } = only(answer, 'analyzed');
    const { faces, times, crops } = analysis;
    return { capturedAt, sequence, width, height, faces, times, ...(crops === null ? {} : { crops }) };
  };

  const startNow = async (): Promise<EngineInfo> => {
    // found out here first, so that a wrong file is told as such and not as a child's death
    const manifest = readManifest(load.manifestPath);
    for (const model of [manifest.detector, chooseEmbedder(manifest, load.embedder)]) readModel(manifest, model);
    if (options.delegate ?? true) delegate = installedDelegate(options.pluginPath ?? delegatePluginPath);
    if (delegate.path !== null) {
      const cause = await launchFailure();
      if (cause === null) return info!;
      delegate = { path: null, reason: `XNNPACK did not start: ${cause.message}` };
    }
    if (delegate.reason !== null) log('debug', `models run without XNNPACK: ${delegate.reason}`);
    const cause = await launchFailure();
    if (cause !== null) {
      log('warning', 'the recognition process failed to load, trying once more', { reason: cause.message });
      await launch();
    }
    return info!;
  };

  const stop = async (): Promise<void> => {
    stopped = true;
    await child?.end();
  };

  /** Runs `task` after everything asked before it. */
  const inOrder = <T>(task: () => Promise<T>): Promise<T> => {
    const result = last.then(task);
    last = result.catch(() => {});
    return result;
  };

  return {
    start: () => inOrder(startNow),
    analyze: (frame, asked) => inOrder(() => analyzeNow(frame, asked)),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function only<T extends FromChild['type']>(answer: FromChild, type: T): Extract<FromChild, { type: T }> {
  if (answer.type !== type) throw fail('ENGINE_FAILED', `the recognition process answered ${answer.type}, not ${type}`);
  return answer as Extract<FromChild, { type: T }>;
}
