// How fast a child that keeps dying is started again: at once for the first few, then slowly, for ever.
// The rule of Frigate's watchdog: 5 restarts in 60 s, then wait.
import type { Clock } from '../base/clock.js';

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
