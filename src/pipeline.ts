// The loop, and the file to read first: newest frame → motion gate → engine → room. One frame is in flight at a time. While it
// is analysed, newer frames replace each other in the camera's mailbox. A fault of the engine costs one frame, not the daemon.
// `watchRoom` opens the camera again after each pause. `processFrames` is the loop over the frames of one opening.

import { setTimeout as wait } from 'node:timers/promises';
import { RoomkinError } from './base/errors.js';
import type { Log } from './base/log.js';
import type { Camera, Frame } from './camera/camera.js';
import type { Notifier } from './control/systemd.js';
import type { Engine, EngineAnalysis } from './engine/engine.js';
import type { PrivacySwitch } from './room/privacy-switch.js';
import type { Room } from './room/room.js';
import { coherent, type LumaGrid, lumaGrid, motion } from './vision/motion.js';

export interface PipelineParts {
  readonly camera: Camera;
  readonly engine: Engine;
  readonly room: Room;
  /** Each analysis carries the aligned faces, for snapshots that the user switched on. */
  readonly crops: boolean;
  /**
   * A frame passed through the whole loop. null: the motion gate found it unchanged. `tookMs`: milliseconds since the frame
   * was taken out of the mailbox.
   */
  onFrame(analysis: EngineAnalysis | null, tookMs: number): void;
  /** The loop waits for a frame while the camera is not online. Called about once a second. */
  onBlind(): void;
  /** The model runtime died on a frame. It restarts by itself. */
  onFault(error: RoomkinError): void;
}

export interface WatchParts
  extends Pick<PipelineParts, 'camera' | 'engine' | 'room' | 'crops' | 'onFrame' | 'onFault'> {
  readonly privacy: Pick<PrivacySwitch, 'on' | 'changes' | 'settled'>;
  readonly notifier: Pick<Notifier, 'frameProcessed' | 'noFrameDue'>;
  readonly signal: AbortSignal;
  readonly log: Log;
  /** Return when a recording is over. Otherwise the loop goes on without frames. */
  readonly untilEnd: boolean;
  /** A recording is over and the loop goes on without frames. */
  onOver(): void;
}

/**
 * How often the privacy switch is read while the camera is off, milliseconds. The loop polls: a listener for each round would
 * accumulate over days of pause.
 */
const switchCheckMs = 200;
/** An unchanged frame is analysed this often all the same, milliseconds: somebody may sit very still. */
const unchangedAnalysisMs = 1000;
/** How often the wait for a frame reports that none is due, milliseconds. */
const noFrameReportMs = 1000;

/** Runs until `signal` aborts, or with `untilEnd` until the recording is over. */
export async function watchRoom(parts: WatchParts): Promise<void> {
  const { camera, room, privacy, notifier, signal, log, untilEnd } = parts;
  const stopCamera = (): void => void camera.stop();
  signal.addEventListener('abort', stopCamera);
  let recordingOver = false;
  while (!signal.aborted) {
    if (!privacy.on || recordingOver) {
      room.blind();
      notifier.noFrameDue(privacy.on ? 'offline' : 'paused');
      await wait(switchCheckMs);
      // A pause makes the recording start again from its beginning.
      if (!privacy.on) recordingOver = false;
      continue;
    }
    const changesAtStart = privacy.changes;
    await privacy.settled();
    camera.start();
    await processFrames({
      ...parts,
      onFrame(analysis, tookMs) {
        notifier.frameProcessed(); // no timer feeds the watchdog, only a frame that passed through the loop
        parts.onFrame(analysis, tookMs);
      },
      onBlind() {
        room.blind();
        notifier.noFrameDue('offline');
      },
      onFault(error) {
        log('warning', error.message);
        parts.onFault(error);
      },
    });
    // Recognition may have been switched off and on while one frame was analysed. Then the switch stopped the camera, and the
    // recording is not over.
    recordingOver = privacy.changes === changesAtStart && !signal.aborted;
    if (!recordingOver) continue;
    if (untilEnd) break;
    parts.onOver();
    log('notice', 'the recording is over: the daemon goes on without frames');
  }
  signal.removeEventListener('abort', stopCamera);
}

/** Runs until the camera gives no more frames: it was stopped, or its recording is over. */
export async function processFrames({ camera, engine, room, crops, ...listener }: PipelineParts): Promise<void> {
  let analysedGrid: LumaGrid | null = null;
  let analysedAt = Number.NEGATIVE_INFINITY;
  for (;;) {
    const frame = await nextFrame(camera, listener.onBlind);
    if (frame === null) return;
    const startMs = performance.now();
    const grid = lumaGrid(frame);
    const moved = motion(analysedGrid, grid);
    if (moved.length === 0 && !room.undecided && frame.capturedAt - analysedAt < unchangedAnalysisMs) {
      room.still(frame.capturedAt);
      listener.onFrame(null, performance.now() - startMs);
      continue;
    }
    try {
      const analysis = await engine.analyze(frame, { search: 'auto', around: room.expected(), moved, crops });
      analysedGrid = grid;
      analysedAt = frame.capturedAt;
      room.see(analysis, coherent(moved));
      listener.onFrame(analysis, performance.now() - startMs);
    } catch (error) {
      if (!(error instanceof RoomkinError && error.code === 'ENGINE_FAILED')) throw error;
      listener.onFault(error);
    }
  }
}

/**
 * The next frame. While it waits and the camera is not online, it calls `onBlind`. Only this wait reports "no frame due", so
 * a loop that is stuck elsewhere lets the watchdog expire.
 */
async function nextFrame(camera: Camera, onBlind: () => void): Promise<Frame | null> {
  const timer = setInterval(() => {
    if (camera.status.state !== 'online') onBlind();
  }, noFrameReportMs);
  try {
    return await camera.next();
  } finally {
    clearInterval(timer);
  }
}
