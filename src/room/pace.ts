// Every window of recognition and presence at a slow pace. The shipped windows hold several frames at two and more frames a second. A
// board that analyses less often needs longer ones: the same people arrive and leave, later. This table is the only place where a
// window follows the pace. Pure.
import { usualIntervalMs, windowMs } from '../base/pace.js';
import { shippedPathMs } from '../presence/motion-support.js';
import type { RoomOptions } from './options.js';

/**
 * How many frames each window holds at least. Some of a person's faces are missed, turned or blurred, so that each window holds more
 * frames than it needs.
 */
const frames = {
  /** A track survives two missed frames in a row, and half a frame of jitter. */
  lostAfter: 3.5,
  /** Half of the frames in the window of a name may disagree or be missing. Multiplied by the observations that a name needs. */
  naming: 2,
  /** The newest five frames make up half of a track embedding. */
  halfLife: 5,
  /** A track with a name needs this many frames that do not support it before it is decided to be a stranger. */
  strangerAfterName: 10,
  /** In this many frames each tile of a frame is searched: a far face is not detected more often. */
  staticGap: 10,
  /** A turned head is no departure: three seconds at the shipped frame rate, with room for blurred and missed faces. */
  leaveAfter: 15,
  /** A longer pause is a blind camera. */
  gap: 2,
  /** One motion supports presence until the next frame. */
  motionLasts: 1.5,
} as const;

/** `options` for one frame per `intervalMs`; the same object at two and more frames a second. */
export function atPace(options: RoomOptions, intervalMs: number): RoomOptions {
  if (intervalMs <= usualIntervalMs) return options;
  const { tracks, naming, staticFaces, presence, motionSupport } = options;
  const atLeast = (shippedMs: number, count: number): number => windowMs(shippedMs, count, intervalMs);
  const slowness = intervalMs / usualIntervalMs;
  const staticGapMs = atLeast(staticFaces.gapMs, frames.staticGap);
  return {
    ...options,
    tracks: {
      ...tracks,
      lostAfterMs: atLeast(tracks.lostAfterMs, frames.lostAfter),
      halfLifeMs: atLeast(tracks.halfLifeMs, frames.halfLife),
      // Somebody crosses the whole picture between two frames, and comes nearer. `positionMs` does not grow: after that time only the
      // embedding tells who it is.
      reachWidths: tracks.reachWidths * slowness,
      sizeRatio: tracks.sizeRatio * Math.min(2, slowness),
    },
    naming: {
      ...naming,
      windowMs: atLeast(naming.windowMs, frames.naming * naming.leastAgreeing),
      strangerAfterNameMs: atLeast(naming.strangerAfterNameMs, frames.strangerAfterName),
    },
    staticFaces: { ...staticFaces, gapMs: staticGapMs, slowness: staticGapMs / staticFaces.gapMs },
    presence: {
      ...presence,
      leaveAfterMs: atLeast(presence.leaveAfterMs, frames.leaveAfter),
      gapMs: atLeast(presence.gapMs, frames.gap),
    },
    motionSupport: {
      ...motionSupport,
      motionLastsMs: atLeast(motionSupport.motionLastsMs, frames.motionLasts),
      pathMs: atLeast(motionSupport.pathMs ?? shippedPathMs, frames.motionLasts),
    },
  };
}
