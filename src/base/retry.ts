// How fast a child that keeps dying is started again: at once for the first few, then slowly, for ever.
// The rule of Frigate's watchdog: 5 restarts in 60 s, then wait.
import type { Clock } from './clock.js';

const restarts = 5;
const windowMs = 60_000;
const slowMs = 30_000;

export interface RestartBudget {
  /** Milliseconds until the next start is allowed; 0 now. */
  waitMs(): number;
  /** Counts a start. */
  note(): void;
}

export function createRestartBudget(clock: Clock): RestartBudget {
  let starts: number[] = [];
  return {
    waitMs() {
      const now = clock.monotonicMs();
      starts = starts.filter((at) => now - at < windowMs);
      const last = starts.at(-1);
      return starts.length < restarts || last === undefined ? 0 : Math.max(0, last + slowMs - now);
    },
    note() {
      starts.push(clock.monotonicMs());
    },
  };
}

// How long to wait before the next try: grows, so that a dead broker is left in peace, and is scattered, so that the rooms of
// a household do not all knock in the same moment after a power cut. It never grows past what a person would wait for.

const firstMs = 500;
const longestMs = 8_000;

/**
 * Milliseconds to wait after `failures` tries in a row that failed (1 or more): 0.5 s, doubling up to 8 s, each scattered
 * evenly over 75 to 125 %. `random` gives 0 (inclusive) to 1.
 */
export function reconnectDelayMs(failures: number, random: () => number = Math.random): number {
  const base = Math.min(longestMs, firstMs * 2 ** Math.min(30, Math.max(0, failures - 1)));
  return Math.round(base * (0.75 + random() / 2));
}
