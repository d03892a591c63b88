// How many frames a second this machine sustains: the loop of the daemon with its engine and its room, at frames that are always there.

import { fail, sentenceOf } from '../../base/errors.js';
import { quantile } from '../../base/stats.js';
import type { Camera } from '../../camera/camera.js';
import type { SharedEngine } from '../../engine/engine.js';
import { readProcess } from '../../engine/hang.js';
import type { Gallery } from '../../gallery/person.js';
import { processFrames } from '../../pipeline.js';
import type { RoomOptions } from '../../room/options.js';
import { createRoom } from '../../room/room.js';
import type { Picture } from '../../vision/picture.js';

/** Milliseconds for a frame. */
export interface FrameFigures {
  /** How many faces were in it: as drawn, and as found in the median frame. */
  readonly faces: number;
  readonly found: number;
  readonly framesPerSecond: number;
  readonly p50: number;
  readonly p95: number;
  /** Processor time of the loop and of the engine. */
  readonly cpu: number;
}

export interface FrameWork {
  readonly engine: SharedEngine;
  readonly gallery: Gallery;
  readonly options: RoomOptions;
  readonly budgetMs: number;
  readonly signal: AbortSignal;
}

/** A track is decided after a few frames. What is measured is what comes after. */
const unmeasuredFrames = 6;
const leastFrames = 8;

/** Errors: ENGINE_FAILED. */
export async function measureFrames(faces: number, frames: readonly Picture[], work: FrameWork): Promise<FrameFigures> {
  const { engine, gallery, options, budgetMs, signal } = work;
  const room = createRoom(() => gallery, options, { state() {}, event() {} }, performance.now(), 'bench');
  const times: number[] = [];
  const found: number[] = [];
  let sequence = 0;
  let start = { ms: 0, cpuMs: 0 };
  let failure: unknown = null;
  const isOver = (): boolean =>
    failure !== null ||
    signal.aborted ||
    (sequence >= unmeasuredFrames + leastFrames && performance.now() - start.ms >= budgetMs);
  const camera = {
    status: { state: 'online' } as Camera['status'],
    async next() {
      if (sequence === unmeasuredFrames) start = { ms: performance.now(), cpuMs: cpuOf(engine) };
      if (isOver()) return null;
      const frame = frames[sequence % frames.length]!;
      return { ...frame, data: frame.data.slice(), capturedAt: performance.now(), sequence: sequence++ };
    },
  };
  await processFrames({
    camera: camera as unknown as Camera,
    engine,
    room,
    crops: () => false,
    // Nothing is left out because a frame takes long: that is what is measured.
    isRecording: true,
    onFrame(analysis, tookMs) {
      if (sequence <= unmeasuredFrames) return;
      times.push(tookMs);
      if (analysis !== null) found.push(analysis.faces.length);
    },
    onBlind() {},
    onFault(error) {
      failure = error;
    },
  });
  signal.throwIfAborted();
  if (failure !== null) throw fail('ENGINE_FAILED', sentenceOf(failure), failure);
  return {
    faces,
    found: quantile(found, 0.5) ?? 0,
    framesPerSecond: (1000 * times.length) / (performance.now() - start.ms),
    p50: quantile(times, 0.5)!,
    p95: quantile(times, 0.95)!,
    cpu: (cpuOf(engine) - start.cpuMs) / times.length,
  };
}

/** Processor time of this process and of the engine, milliseconds. */
function cpuOf(engine: SharedEngine): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000 + (readProcess(engine.pid ?? undefined)?.cpuMs ?? 0);
}
