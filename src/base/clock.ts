// Durations come from the monotonic clock; the wall clock is only ever printed or stored.

/** Time source. The daemon uses `systemClock`; tests pass one they move by hand. */
export interface Clock {
  /** Milliseconds on the monotonic clock (fractional); its zero means nothing. */
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

/** NTP slews the clock all the time; a time that was published changes only when the clock was really set. */
const clockStepMs = 1000;

/** The same moment gives the same text until the wall clock jumps by more than a second. */
export function createWallTime(clock: Clock): WallTime {
  let offsetMs = clock.wallMs() - clock.monotonicMs();
  return (monotonicMs) => {
    const now = clock.wallMs() - clock.monotonicMs();
    if (Math.abs(now - offsetMs) > clockStepMs) offsetMs = now;
    return new Date(Math.round(monotonicMs + offsetMs)).toISOString();
  };
}
