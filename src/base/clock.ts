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
