// How often frames are really analysed. The camera's frame rate does not tell: a board that is hot, starved or old analyses fewer. A
// frame that the motion gate found unchanged, and left out on purpose, counts as analysed. Pure; times are monotonic milliseconds.

/** Immutable; starts as `noPace`. */
export interface Pace {
  /** The last frame; null before the first and after a pause. */
  readonly lastMs: number | null;
  /** The newest times between two frames, milliseconds, oldest first. */
  readonly intervals: readonly number[];
}

export const noPace: Pace = { lastMs: null, intervals: [] };

/** Up to this time between two frames all windows are as shipped. They were measured at two and more frames a second. */
export const usualIntervalMs = 500;
/** From this time on a window holds its whole number of frames. In between it grows, so that no window jumps. */
const slowIntervalMs = 1000;
/** Three seconds at the shipped frame rate. Holds two periods of a camera that sends eight frames at once. */
const rememberedIntervals = 16;
/** A single interval may be a stall, so that two are needed. */
const leastIntervals = 2;
/** Bounds every window that follows the pace. */
const mostIntervalMs = 60_000;

/** The pace after a frame at `atMs`. */
export function afterFrame(pace: Pace, atMs: number): Pace {
  if (pace.lastMs === null) return { ...pace, lastMs: atMs };
  const next = atMs > pace.lastMs ? withInterval(pace, atMs - pace.lastMs) : pace;
  return { ...next, lastMs: Math.max(pace.lastMs, atMs) };
}

/** The pace with one more interval that was measured elsewhere: a recording omits frames. */
export function withInterval(pace: Pace, intervalMs: number): Pace {
  const intervals = [...pace.intervals, Math.min(mostIntervalMs, intervalMs)].slice(-rememberedIntervals);
  return { ...pace, intervals };
}

/** The camera is off or blind from now on. The time until the next frame is no interval. */
export function afterPause(pace: Pace): Pace {
  return { ...pace, lastMs: null };
}

/**
 * The usual time between two frames, milliseconds; null before it is known. It is the interval in which the median moment lies, so
 * that frames that come in bursts are judged by the time between the bursts. The longest interval is left out: a single stall is no
 * pace.
 */
export function usualInterval({ intervals }: Pace): number | null {
  if (intervals.length < leastIntervals) return null;
  const sorted = intervals.toSorted((a, b) => a - b).slice(0, -1);
  const halfMs = sorted.reduce((sum, interval) => sum + interval, 0) / 2;
  let passedMs = 0;
  for (const interval of sorted) {
    passedMs += interval;
    if (passedMs >= halfMs) return interval;
  }
  return null;
}

/** Whether the last frame came much later than usual windows allow for. */
export function isLastLate({ intervals }: Pace): boolean {
  return (intervals.at(-1) ?? 0) >= slowIntervalMs;
}

/** The longer of `shippedMs` and the time that `frames` frames take at one frame per `intervalMs`. */
export function windowMs(shippedMs: number, frames: number, intervalMs: number): number {
  if (intervalMs <= usualIntervalMs) return shippedMs;
  const grown = Math.min(1, (intervalMs - usualIntervalMs) / (slowIntervalMs - usualIntervalMs));
  return Math.max(shippedMs, frames * intervalMs * grown);
}
