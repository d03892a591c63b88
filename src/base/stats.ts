// The normal distribution: how much of it lies below a value, and the value that a share of it lies below.

/** A normal distribution. */
export interface Normal {
  readonly mean: number;
  readonly standardDeviation: number;
}

/**
 * Share of a standard normal distribution below `z`. Relative error below 1.2e-7 in both tails (Press et al., Numerical
 * Recipes, 6.2: a Chebyshev fit to the complementary error function).
 */
export function normalBelow(z: number): number {
  const x = Math.abs(z) / Math.SQRT2;
  const t = 1 / (1 + x / 2);
  const exponent = chebyshev.reduceRight((sum, factor) => sum * t + factor, 0);
  const tail = (t * Math.exp(-x * x + exponent)) / 2;
  return z < 0 ? tail : 1 - tail;
}

const chebyshev = [
  -1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806, 0.27886807, -1.13520398, 1.48851587, -0.82215223,
  0.17087277,
];

/** The z that the share `rate` of a standard normal distribution lies above, within -8 and 8. */
export function normalAbove(rate: number): number {
  let [low, high] = [-8, 8];
  for (let i = 0; i < 50; i++) {
    const middle = (low + high) / 2;
    if (normalBelow(-middle) > rate) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

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
