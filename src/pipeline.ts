// The loop, and the file to read first: newest frame → motion gate → engine → room. One frame is in flight at a time; while it
// is, newer ones replace each other in the camera's mailbox. Faults of the engine cost a frame, never the daemon.
import { setTimeout as wait } from 'node:timers/promises';
import { RoomkinError } from './base/errors.js';
import type { Camera } from './capture/camera.js';
import type { Engine, EngineAnalysis } from './engine/engine.js';
import type { Room } from './room.js';
import { type LumaGrid, lumaGrid, motion } from './vision/motion.js';

export interface PipelineParts {
  readonly camera: Camera;
  readonly engine: Engine;
  readonly room: Room;
  /** Aligned faces come with each analysis, for snapshots that the user switched on. */
  readonly crops: boolean;
  /**
   * A frame went all the way: this, and no timer, feeds the watchdog. null: the gate found it unchanged. `tookMs` from
   * taking it out of the mailbox.
   */
  onFrame(analysis: EngineAnalysis | null, tookMs: number): void;
  /** The loop came round and no frame is due, since the camera is not online. */
  onBlind(): void;
  /** The runtime died on a frame; it restarts by itself. */
  onFault(error: RoomkinError): void;
}

/** An unchanged picture is analysed this often all the same: somebody may sit very still. */
const lookAgainMs = 1000;
/** How long to wait for a frame before saying that none is due. */
const patienceMs = 1000;

/** Runs until the camera gives no more frames: it was stopped, or its replay is over. */
export async function pipeline({ camera, engine, room, crops, ...on }: PipelineParts): Promise<void> {
  let before: LumaGrid | null = null;
  let analysedAt = Number.NEGATIVE_INFINITY;
  for (let next = camera.next(); ; ) {
    const frame = await within(next, patienceMs);
    if (frame === 'late') {
      if (camera.status.state !== 'online') on.onBlind();
      continue;
    }
    if (frame === null) return;
    const takenAt = performance.now();
    const now = lumaGrid(frame);
    const moved = motion(before, now);
    if (moved.length === 0 && !room.undecided && frame.capturedAt - analysedAt < lookAgainMs) {
      room.still(frame.capturedAt);
      on.onFrame(null, performance.now() - takenAt);
    } else {
      try {
        const analysis = await engine.analyze(frame, { search: 'auto', around: room.expected(), moved, crops });
        before = now;
        analysedAt = frame.capturedAt;
        room.see(analysis);
        on.onFrame(analysis, performance.now() - takenAt);
      } catch (error) {
        if (!(error instanceof RoomkinError && error.code === 'ENGINE_FAILED')) throw error;
        on.onFault(error);
      }
    }
    next = camera.next();
  }
}

/** The value of `promise`, or 'late' after `ms`; the promise goes on and can be awaited again. */
async function within<T>(promise: Promise<T>, ms: number): Promise<T | 'late'> {
  const bell = new AbortController();
  const late = wait(ms, 'late' as const, { signal: bell.signal }).catch(() => 'late' as const);
  try {
    return await Promise.race([promise, late]);
  } finally {
    bell.abort();
  }
}
