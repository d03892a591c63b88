// Weighted means of a plane's rows, two at a time. Four bytes of a row are summed in one 32-bit word. Two means then share one
// word, so that the sums over columns (resample.ts) handle both at once. Most bytes of a picture are read only here.
//
// Invariant: the weights add up to at most 256, so that a byte's sum fits its 16 bits of a word. Words are read as
// little-endian, which x86 and ARM are.
import type { Plane } from './picture.js';
import type { Taps } from './taps.js';

/** Two bytes of a word, or two means of a pair, in 16 bits each. */
const LANES = 0x00ff00ff;
/** Rounding: halves go up in the first row of a pair and down in the second, so that the mean brightness stays the same. */
const HALVES_UP = 0x00800080;
const HALVES_DOWN = 0x007f007f;

/** The means of the two rows of the last `read`. */
export interface RowPairs {
  /** 0 to 255: bits 0 to 7 from the first plane, 16 to 23 from the second, one word per byte of the row. */
  readonly pairs: Int32Array;
  /** Where in `pairs` byte `across.from` times channels is. */
  readonly lead: number;
  /** Reads output row `j` of the first plane and `k` of the second; a row outside the picture, or past the last, is 0. */
  read(j: number, k: number): void;
}

/** Buffers that are reused for every picture. */
export interface Memory {
  pairs: Int32Array;
  sums: readonly [Int32Array, Int32Array];
  rows: Int32Array;
}

export function noMemory(): Memory {
  const none = new Int32Array(0);
  return { pairs: none, sums: [none, none], rows: none };
}

/** Pairs of rows of two planes of one shape (or twice the same), those of `down`, where `across` has weights. */
export function rowPairs(planes: readonly [Plane, Plane], across: Taps, down: Taps, memory: Memory): RowPairs {
  const { channels, stride } = planes[0];
  const bytes = (across.to - across.from) * channels;
  const origins = planes.map((plane) => plane.offset + across.from * channels);
  const words = sharedWords(planes);
  const lead = words === null ? 0 : (planes[0].data.byteOffset + origins[0]!) & 3;
  const span = (lead + bytes + 3) >> 2;
  // readers take four pixels at a time and read beyond the last pixel with a weight
  reserve(memory, span, across.stride * across.step * channels, down.stride);
  const { pairs, sums, rows } = memory;
  const copy = new Uint8Array(rows.buffer);
  const base = new Int32Array(down.stride);

  const add = (which: 0 | 1, j: number): void => {
    const { data } = planes[which];
    const count = j < down.count.length ? down.count[j]! : 0;
    for (let k = 0; k < count; k++) {
      const at = origins[which]! + (down.first[j]! + k * down.step) * stride;
      base[k] = words === null ? k * span : (data.byteOffset + at) >> 2;
      if (words === null) copy.set(data.subarray(at, at + bytes), k * span * 4);
    }
    if (count === 0) sums[which].fill(0, 0, 2 * span);
    for (let k = 0; k < count; k += 4)
      addRows(words ?? rows, base, k, count, down.weights, j * down.stride, sums[which], span);
  };
  return {
    pairs,
    lead,
    read(j, k) {
      add(0, j);
      add(1, k);
      pair(sums[0], sums[1], pairs, span);
    },
  };
}

/** The planes' common memory as words; null if rows start at different bytes of a word, or the last word is incomplete. */
function sharedWords(planes: readonly [Plane, Plane]): Int32Array | null {
  const { data, stride } = planes[0];
  const ends = planes.map(
    (plane) => data.byteOffset + plane.offset + stride * (plane.height - 1) + plane.width * plane.channels,
  );
  const words = data.buffer.byteLength >> 2;
  const aligned = stride % 4 === 0 && (planes[1].offset - planes[0].offset) % 4 === 0;
  return aligned && ends.every((end) => (end + 3) >> 2 <= words) ? new Int32Array(data.buffer, 0, words) : null;
}

function reserve(memory: Memory, span: number, spare: number, rows: number): void {
  if (memory.pairs.length < 4 * span + spare) memory.pairs = new Int32Array(4 * span + spare);
  if (memory.sums[0].length < 2 * span) memory.sums = [new Int32Array(2 * span), new Int32Array(2 * span)];
  if (memory.rows.length < rows * span) memory.rows = new Int32Array(rows * span);
}

/**
 * Adds up to four rows, number `k` to `count`, from word `base[k]` on, times `weights[at + k]`, to `sums` (`k` 0 overwrites
 * `sums`): two words for each four bytes. Written out, because a loop over rows takes two to three times as long.
 */
function addRows(
  words: Int32Array,
  base: Int32Array,
  k: number,
  count: number,
  weights: Int32Array,
  at: number,
  sums: Int32Array,
  span: number,
): void {
  const keep = k === 0 ? 0 : -1;
  const a = base[k]!;
  const b = k + 1 < count ? base[k + 1]! : a;
  const weightA = weights[at + k]!;
  const weightB = weights[at + k + 1]!;
  if (count <= k + 2) {
    for (let i = 0; i < span; i++) {
      const wordA = words[a + i]!;
      const wordB = words[b + i]!;
      const even = Math.imul(wordA & LANES, weightA) + Math.imul(wordB & LANES, weightB);
      const odd = Math.imul((wordA >>> 8) & LANES, weightA) + Math.imul((wordB >>> 8) & LANES, weightB);
      sums[2 * i] = (sums[2 * i]! & keep) + (even | 0);
      sums[2 * i + 1] = (sums[2 * i + 1]! & keep) + (odd | 0);
    }
    return;
  }
  const c = base[k + 2]!;
  const d = k + 3 < count ? base[k + 3]! : a;
  const weightC = weights[at + k + 2]!;
  const weightD = weights[at + k + 3]!;
  for (let i = 0; i < span; i++) {
    const wordA = words[a + i]!;
    const wordB = words[b + i]!;
    const wordC = words[c + i]!;
    const wordD = words[d + i]!;
    const even =
      ((Math.imul(wordA & LANES, weightA) + Math.imul(wordB & LANES, weightB)) | 0) +
      ((Math.imul(wordC & LANES, weightC) + Math.imul(wordD & LANES, weightD)) | 0);
    const odd =
      ((Math.imul((wordA >>> 8) & LANES, weightA) + Math.imul((wordB >>> 8) & LANES, weightB)) | 0) +
      ((Math.imul((wordC >>> 8) & LANES, weightC) + Math.imul((wordD >>> 8) & LANES, weightD)) | 0);
    sums[2 * i] = (sums[2 * i]! & keep) + (even | 0);
    sums[2 * i + 1] = (sums[2 * i + 1]! & keep) + (odd | 0);
  }
}

/** Rounds two sums to 0 to 255 and packs them into one word. */
function pair(low: Int32Array, high: Int32Array, pairs: Int32Array, span: number): void {
  for (let i = 0; i < span; i++) {
    const evenLow = low[2 * i]! + HALVES_UP;
    const oddLow = low[2 * i + 1]! + HALVES_UP;
    const evenHigh = high[2 * i]! + HALVES_DOWN;
    const oddHigh = high[2 * i + 1]! + HALVES_DOWN;
    pairs[4 * i] = ((evenLow >>> 8) & 0xff) | ((evenHigh << 8) & 0xff0000);
    pairs[4 * i + 1] = ((oddLow >>> 8) & 0xff) | ((oddHigh << 8) & 0xff0000);
    pairs[4 * i + 2] = (evenLow >>> 24) | ((evenHigh >>> 8) & 0xff0000);
    pairs[4 * i + 3] = (oddLow >>> 24) | ((oddHigh >>> 8) & 0xff0000);
  }
}
