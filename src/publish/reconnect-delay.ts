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
