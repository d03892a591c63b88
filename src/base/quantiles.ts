// Medians and tails of the last so many measurements: bounded memory, exact within the window.

export interface Quantiles {
  add(value: number): void;
  /** The smallest value that `share` (0 to 1) of the window does not exceed (nearest rank); null while empty. */
  at(share: number): number | null;
  readonly count: number;
}

/** Keeps the newest `size` values. */
export function createQuantiles(size = 512): Quantiles {
  const window: number[] = [];
  let count = 0;
  return {
    add(value) {
      window[count % size] = value;
      count++;
    },
    at(share) {
      const sorted = window.toSorted((a, b) => a - b);
      return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? null;
    },
    get count() {
      return count;
    },
  };
}
