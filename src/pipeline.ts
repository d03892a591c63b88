// The loop, and the file to read first: newest frame → motion gate → engine → room. One frame is in flight at a time; while it
// is, newer ones replace each other in the camera's mailbox. Faults of the engine cost a frame, never the daemon.

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
  /** Aligned faces come with each analysis, for snapshots that the user switched on. */
  readonly crops: boolean;
  /**
   * A frame went all the way: this, and no timer, feeds the watchdog. null: the gate found it unchanged. `tookMs` from
   * taking it out of the mailbox.
   */
  onFrame(analysis: EngineAnalysis | null, tookMs: number): void;
  /** The loop waits for a frame and none is due, since the camera is not online; about once a second. */
  onBlind(): void;
  /** The runtime died on a frame; it restarts by itself. */
  onFault(error: RoomkinError): void;
}

/** An unchanged picture is analysed this often all the same: somebody may sit very still. */
const lookAgainMs = 1000;
/** How often to say that no frame is due. */
const patienceMs = 1000;

/** Runs until the camera gives no more frames: it was stopped, or its replay is over. */
export async function pipeline({ camera, engine, room, crops, ...on }: PipelineParts): Promise<void> {
  let before: LumaGrid | null = null;
  let analysedAt = Number.NEGATIVE_INFINITY;
  for (;;) {
    const frame = await nextFrame(camera, on.onBlind);
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
        room.see(analysis, coherent(moved));
        on.onFrame(analysis, performance.now() - takenAt);
      } catch (error) {
        if (!(error instanceof RoomkinError && error.code === 'ENGINE_FAILED')) throw error;
        on.onFault(error);
      }
    }
  }
}

/** The next frame. Rings while it waits and the camera is not online; a loop that hangs elsewhere rings no bell. */
async function nextFrame(camera: Camera, onBlind: () => void): Promise<Frame | null> {
  const bell = setInterval(() => {
    if (camera.status.state !== 'online') onBlind();
  }, patienceMs);
  try {
    return await camera.next();
  } finally {
    clearInterval(bell);
  }
}

// Rounds of the pipeline: one per opening of the camera. Between rounds the camera is switched off, or a recording is over.

export interface WatchParts
  extends Pick<PipelineParts, 'camera' | 'engine' | 'room' | 'crops' | 'onFrame' | 'onFault'> {
  readonly privacy: Pick<PrivacySwitch, 'on' | 'changes' | 'settled'>;
  readonly notifier: Pick<Notifier, 'frameProcessed' | 'noFrameDue'>;
  readonly signal: AbortSignal;
  readonly log: Log;
  /** End when a recording is over; otherwise stay, and see nothing. */
  readonly untilEnd: boolean;
  onOver(): void;
}

/** How soon the switch is noticed, milliseconds. Asked, not awaited: days of pause leave no listeners behind. */
const switchCheckMs = 200;

/** Runs until `signal`, or with `untilEnd` until the recording is over. */
export async function watchRoom(parts: WatchParts): Promise<void> {
  const { camera, room, privacy, notifier, signal, log, untilEnd } = parts;
  const stopCamera = (): void => void camera.stop();
  signal.addEventListener('abort', stopCamera);
  for (let over = false; !signal.aborted; ) {
    if (!privacy.on || over) {
      room.blind();
      notifier.noFrameDue(privacy.on ? 'offline' : 'paused');
      await wait(switchCheckMs);
      over &&= privacy.on;
      continue;
    }
    const round = privacy.changes;
    await privacy.settled();
    camera.start();
    await pipeline({
      ...parts,
      onFrame(analysis, tookMs) {
        notifier.frameProcessed();
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
    // Switched off and on again while one frame was analysed: the camera was stopped, and is not over.
    over = privacy.changes === round && !signal.aborted;
    if (over && untilEnd) break;
    if (!over) continue;
    parts.onOver();
    log('notice', 'the recording is over: the daemon stays, and sees nothing');
  }
  signal.removeEventListener('abort', stopCamera);
}
