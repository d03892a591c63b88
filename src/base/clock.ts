// Durations come from the monotonic clock. Wall-clock times are only printed, stored or published.

/** Time source. The daemon uses `systemClock`; tests pass a clock that they advance by hand. */
export interface Clock {
  /** Milliseconds on the monotonic clock (fractional); its zero has no meaning. */
  monotonicMs(): number;
  /** Milliseconds since the Unix epoch. May jump when NTP sets the clock. */
  wallMs(): number;
}

export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
};

/** Turns monotonic milliseconds into ISO 8601 in UTC. */
export type WallTime = (monotonicMs: number) => string;

/** NTP slews the clock all the time. A published time changes only when the clock was set. */
const clockStepMs = 1000;

/**
 * The same moment gives the same text until the wall clock jumps by more than a second. `onStep` gets the length of the jump,
 * milliseconds, positive when the clock was set forward; it is called by the first conversion after the jump.
 */
export function createWallTime(clock: Clock, onStep: (byMs: number) => void = () => {}): WallTime {
  let offsetMs = clock.wallMs() - clock.monotonicMs();
  return (monotonicMs) => {
    const currentOffsetMs = clock.wallMs() - clock.monotonicMs();
    const byMs = currentOffsetMs - offsetMs;
    if (Math.abs(byMs) > clockStepMs) {
      offsetMs = currentOffsetMs;
      onStep(byMs);
    }
    return isoTime(Math.round(monotonicMs + offsetMs));
  };
}

/** A wall time in milliseconds as ISO 8601, UTC. */
export function isoTime(wallMs: number): string {
  return new Date(wallMs).toISOString();
}
