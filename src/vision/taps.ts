// Which source pixels contribute to an output pixel, and with which weights, along one side of a picture: an area mean where
// the picture shrinks (no aliasing), linear interpolation where it grows, nothing outside.
//
// Invariant: weights are integers whose sum is `ONE` times the share of the output pixel that lies inside the picture, so
// that a flat picture keeps its brightness exactly.

export interface Taps {
  /** First source index (always a valid one) and number of weights of each output index; none outside the picture. */
  readonly first: Int32Array;
  readonly count: Int32Array;
  /** `stride` weights per output index, a multiple of four; those past `count` are zero. */
  readonly weights: Int32Array;
  readonly stride: number;
  /** Distance from one weighted source index to the next. */
  readonly step: number;
  /** The share of each output pixel that lies inside the picture, 0 to `ONE`: the sum of its weights. */
  readonly inside: Int32Array;
  /** Source indices from the first to the last that has a weight: `[from, to)`. */
  readonly from: number;
  readonly to: number;
}

/** The sum of the weights of an output pixel inside the picture. A byte times this just fits 16 bits. */
export const ONE = 256;

/**
 * Weights that map `[start, start + length)` of `size` source pixels to `outPx` output pixels. Where an output pixel
 * covers more than `most` source pixels, only every second or third is used.
 */
export function makeTaps(start: number, length: number, size: number, outPx: number, most: number): Taps {
  const scale = length / outPx;
  // The mean over one pixel's width is linear interpolation.
  const reach = Math.max(1, scale);
  const touched = Math.ceil(reach) + 1;
  const step = Math.max(1, Math.ceil(touched / most));
  const stride = 4 * Math.ceil(touched / step / 4);
  const first = new Int32Array(outPx);
  const count = new Int32Array(outPx);
  const weights = new Int32Array(outPx * stride);
  const inside = new Int32Array(outPx);
  let [from, to] = [0, 0];
  for (let i = 0; i < outPx; i++) {
    const middle = start + (i + 0.5) * scale;
    if (scale < 1 && (middle < 0 || middle > size)) continue;
    const centre = scale < 1 ? Math.min(size - 0.5, Math.max(0.5, middle)) : middle;
    const low = Math.max(0, centre - reach / 2);
    const high = Math.min(size, centre + reach / 2);
    if (high <= low) continue;
    const at = Math.floor(low);
    const last = Math.min(size, Math.ceil(high)) - 1;
    const sum = Math.round((ONE * (high - low)) / reach);
    first[i] = at;
    count[i] = Math.floor((last - at) / step) + 1;
    inside[i] = sum;
    share(sum, low, high, at, step, weights, i * stride, count[i]!);
    if (to === 0) from = at;
    to = at + (count[i]! - 1) * step + 1;
  }
  for (let i = 0; i < outPx; i++) if (count[i] === 0) first[i] = from;
  return { first, count, weights, stride, step, inside, from, to };
}

/** Shares `sum` among source pixels `first`, `first + step`, ... by the part of each that `[low, high)` covers. */
function share(
  sum: number,
  low: number,
  high: number,
  first: number,
  step: number,
  weights: Int32Array,
  at: number,
  count: number,
): void {
  let total = 0;
  for (let k = 0; k < count; k++) total += cover(first + k * step, low, high);
  // The running total is rounded, so that rounding errors do not add up.
  let running = 0;
  let assigned = 0;
  for (let k = 0; k < count; k++) {
    running += cover(first + k * step, low, high);
    const target = Math.round((sum * running) / total);
    weights[at + k] = target - assigned;
    assigned = target;
  }
}

function cover(pixel: number, low: number, high: number): number {
  return Math.min(high, pixel + 1) - Math.max(low, pixel);
}
