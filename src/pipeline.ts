// The loop, and the file to read first: newest frame → motion gate → engine → room. One frame is in flight at a time. While it
// is analysed, newer frames replace each other in the camera's mailbox. A fault of the engine costs one frame, not the daemon.
// `watchRoom` opens the camera again after each pause. `processFrames` is the loop over the frames of one opening.
import { setTimeout as wait } from 'node:timers/promises';
import { type Clock, systemClock } from './base/clock.js';
import { sentenceOf } from './base/errors.js';
import type { Log } from './base/log.js';
import { usualIntervalMs, windowMs } from './base/pace.js';
import type { Problems } from './base/problems.js';
import type { Camera, Frame } from './camera/camera.js';
import type { Notifier } from './control/systemd.js';
import type { Engine, EngineAnalysis } from './engine/engine.js';
import type { Turns } from './engine/turns.js';
import { defaultRoomOptions } from './room/options.js';
import type { PrivacySwitch } from './room/privacy-switch.js';
import type { Room } from './room/room.js';
import { afterAnalysis, fullEffort, limitsOf } from './vision/effort.js';
import { coherent, type LumaGrid, lumaGrid, motion } from './vision/motion.js';
import { defaultSearch } from './vision/search.js';

/** A frame that passed through the whole loop. */
export interface PassedFrame {
  readonly frame: Frame;
  /** It was searched with fewer tiles and close-ups, because the board cannot keep up. */
  readonly isReduced: boolean;
}

export interface PipelineParts {
  readonly camera: Camera;
  readonly engine: Engine;
  readonly room: Room;
  /** false: the camera was switched off while a frame was analysed, so nothing may come of that frame. Default: always true. */
  wanted?(): boolean;
  /** Whether the next analysis carries the aligned faces, for pictures that the user switched on. */
  crops(): boolean;
  /** Somebody waits for an analysed frame, so that an unchanged one is analysed, too. Default: nobody does. */
  awaited?(): boolean;
  /** The camera's time between two frames, milliseconds, and the tiles that are searched in each. Default: as shipped. */
  readonly frameIntervalMs?: number;
  readonly tilesPerFrame?: number;
  /** A recording that waits for the loop: it has the same result on a slow board, so that nothing is left out and nothing is overdue. */
  readonly isRecording?: boolean;
  /** Waits for the turn of this room at an engine that several rooms share. Default: there is one room. */
  readonly turns?: Pick<Turns, 'take'>;
  /** For tests: age of a state that is overdue, milliseconds. Default: 5 s. */
  readonly overdueMs?: number;
  /**
   * A frame passed through the whole loop. null: the motion gate found it unchanged. `tookMs`: milliseconds since the frame
   * was taken out of the mailbox.
   */
  onFrame(analysis: EngineAnalysis | null, tookMs: number, passed: PassedFrame): void;
  /** An analysis goes on: a slow board is no hanging loop. */
  onStep?(): void;
  /** The loop waits for a frame while the camera is not online. Called about once a second. */
  onBlind(): void;
  /** A frame failed: the model runtime died on it, or a bug. The runtime restarts by itself. */
  onFault(error: unknown): void;
}

export interface WatchParts
  extends Pick<
    PipelineParts,
    | 'camera'
    | 'engine'
    | 'turns'
    | 'room'
    | 'crops'
    | 'awaited'
    | 'frameIntervalMs'
    | 'tilesPerFrame'
    | 'onFrame'
    | 'onFault'
  > {
  readonly privacy: Pick<PrivacySwitch, 'on' | 'changes' | 'settled'>;
  readonly notifier: Pick<Notifier, 'frameProcessed' | 'noFrameDue'>;
  readonly signal: AbortSignal;
  readonly log: Log;
  readonly problems: Pick<Problems, 'report' | 'solve'>;
  readonly clock?: Clock;
  /** Recognition failed for several seconds (false), or works again (true). */
  onEngine(works: boolean): void;
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
/** In an empty room the time grows with each analysis, up to this: whoever comes in moves, and then the frame is not unchanged. */
const mostUnchangedMs = 5000;
const unchangedGrowth = 1.5;
/** One lost frame is no news. After this time without an analysed frame the room no longer knows who is there, milliseconds. */
const engineGraceMs = 3_000;
/** How often the wait for a frame reports that none is due, milliseconds. */
const noFrameReportMs = 1000;
/** A state that is older than this, milliseconds, and than so many usual analyses, is not known any more. */
const defaultOverdueMs = 5_000;
const overdueFrames = 3;

/** Runs until `signal` aborts, or with `untilEnd` until the recording is over. */
export async function watchRoom(parts: WatchParts): Promise<void> {
  const { camera, room, privacy, notifier, signal, problems, clock = systemClock, untilEnd, log } = parts;
  const stopCamera = (): void => void camera.stop();
  signal.addEventListener('abort', stopCamera);
  let recordingOver = false;
  /** When the frames began to fail; null while they do not. */
  let failingSinceMs: number | null = null;
  let isEngineDown = false;
  while (!signal.aborted) {
    if (!privacy.on || recordingOver) {
      room.blind(!privacy.on);
      notifier.noFrameDue(privacy.on ? 'offline' : 'paused');
      await wait(switchCheckMs);
      // A pause makes the recording start again from its beginning.
      if (!privacy.on) recordingOver = false;
      continue;
    }
    const changesAtStart = privacy.changes;
    await privacy.settled();
    // While it settled, the daemon may have been stopped or recognition switched off: the camera must not start then.
    if (signal.aborted || !privacy.on) continue;
    camera.start();
    await processFrames({
      ...parts,
      isRecording: untilEnd,
      wanted: () => privacy.changes === changesAtStart && !signal.aborted,
      onStep: () => notifier.frameProcessed(),
      onFrame(analysis, tookMs, passed) {
        notifier.frameProcessed(); // no timer feeds the watchdog, only a frame that passed through the loop, or passes through the engine
        if (analysis !== null && failingSinceMs !== null) {
          failingSinceMs = null;
          problems.solve('recognition');
          if (isEngineDown) parts.onEngine(true);
          isEngineDown = false;
        }
        parts.onFrame(analysis, tookMs, passed);
      },
      onBlind() {
        room.blind();
        notifier.noFrameDue('offline');
      },
      onFault(error) {
        parts.onFault(error);
        failingSinceMs ??= clock.monotonicMs();
        problems.report('recognition', sentenceOf(error));
        if (clock.monotonicMs() - failingSinceMs < engineGraceMs) return;
        room.blind();
        if (!isEngineDown) parts.onEngine(false);
        isEngineDown = true;
        // A new start of the daemon would not mend a model runtime that is being restarted already. A bug in the loop, on the
        // other hand, is no fault of the engine: then the watchdog expires.
        if (parts.engine.fault !== null) notifier.noFrameDue('offline');
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
export async function processFrames({ camera, engine, room, crops, turns, ...listener }: PipelineParts): Promise<void> {
  const {
    frameIntervalMs = defaultRoomOptions.frameIntervalMs,
    tilesPerFrame = defaultSearch.tilesPerFrame,
    isRecording = false,
    overdueMs: shippedOverdueMs = defaultOverdueMs,
  } = listener;
  // Two frames a second are enough for all windows: below that, tiles and close-ups are left out before frames are.
  const budgetMs = Math.max(usualIntervalMs, frameIntervalMs);
  let effort = fullEffort;
  let analyses = 0;
  let analysedGrid: LumaGrid | null = null;
  /** Its memory holds the grid of the next frame. */
  let spareGrid: LumaGrid | null = null;
  let analysedAt = Number.NEGATIVE_INFINITY;
  let unchangedMs = unchangedAnalysisMs;
  for (;;) {
    let frame = await nextFrame(camera, listener.onBlind);
    if (frame === null) return;
    const startMs = performance.now();
    let grid = lumaGrid(frame, spareGrid);
    spareGrid = grid;
    let moved = motion(analysedGrid, grid);
    const isDue = frame.capturedAt - analysedAt >= unchangedMs || room.undecided || listener.awaited?.();
    if (moved.length === 0 && !isDue) {
      room.still(frame.capturedAt);
      listener.onFrame(null, performance.now() - startMs, { frame, isReduced: effort.level > 0 });
      continue;
    }
    const limits = limitsOf(effort, tilesPerFrame, analyses++);
    const overdueMs = windowMs(shippedOverdueMs, overdueFrames, room.intervalMs ?? frameIntervalMs);
    const timer = isRecording ? undefined : setTimeout(() => room.overdue(), overdueMs);
    try {
      using _turn = await turns?.take();
      if (listener.wanted?.() === false) continue;
      // While other rooms had their turns, a newer frame may have come.
      const newer = turns === undefined || isRecording ? null : camera.newer();
      if (newer !== null) {
        frame = newer;
        grid = lumaGrid(frame, grid);
        spareGrid = grid;
        moved = motion(analysedGrid, grid);
      }
      const expected = room.expected(frame.capturedAt);
      const request = { search: 'auto', crops: crops(), limits, expected } as const;
      const analysis = await engine.analyze(frame, request, listener.onStep);
      if (!isRecording) effort = afterAnalysis(effort, performance.now() - startMs, budgetMs);
      if (listener.wanted?.() === false) continue;
      [analysedGrid, spareGrid] = [grid, analysedGrid];
      analysedAt = frame.capturedAt;
      room.see(analysis, coherent(moved));
      const isQuiet = moved.length === 0 && room.isEmpty;
      unchangedMs = isQuiet ? Math.min(mostUnchangedMs, unchangedMs * unchangedGrowth) : unchangedAnalysisMs;
      listener.onFrame(analysis, performance.now() - startMs, { frame, isReduced: effort.level > 0 });
    } catch (error) {
      listener.onFault(error);
    } finally {
      clearTimeout(timer);
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
