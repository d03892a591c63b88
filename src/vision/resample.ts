// A view of a picture as a detector's input: area-averaged where it shrinks, linear where it grows, black
// outside the picture.
//
// Separable, in integers: rows are summed first (row-pairs.ts), then columns, then converted to colours. Each step handles
// two numbers in one word: two rows of luma or of RGB, or the two chroma planes of one row.
//
// Invariant: a flat picture stays as bright as it was, and every colour is within two grey levels of the exact
// weighted mean. Colours are in quarters of a level.
import { framesAddon } from '../base/frames-addon.js';
import {
  BLUE_U,
  GREEN_U,
  GREEN_V,
  type Picture,
  type Plane,
  packedPlanes,
  planes,
  RED_V,
  type Size,
  type View,
} from './picture.js';

/** A view of a picture as RGB `[height, width, 3]`. Every call returns the same array. */
export type Resampler = (picture: Picture, view: View) => Float32Array;

/**
 * A resampler with buffers of its own. An output pixel is the mean of at most `most` by `most` source pixels, evenly spread.
 * Four are enough to detect faces.
 * @param stored the number to write for a level 0 to 255
 */
export function resampler(
  size: Size,
  most: number,
  stored = (level: number): number => level,
  loaded: ReturnType<typeof framesAddon> = framesAddon(),
): Resampler {
  // Rows are written in pairs.
  const rows = new Float32Array((size.height + 1) * size.width * 3);
  const rgb = rows.subarray(0, size.height * size.width * 3);
  if (loaded.addon !== null) {
    const write = viewWriter(size, most, stored, rgb, loaded);
    return (picture, view) => {
      write(picture, view);
      return rgb;
    };
  }
  const levels = levelTable(stored);
  const line = () => new Int32Array(size.width);
  const lines: Lines = [line(), line(), line()];
  const memory = noMemory();
  return (picture, view) => {
    const [first, u, v] = planes(picture);
    const { across, down, halved } = viewTaps(picture, view, size, most);
    if (u === undefined || v === undefined || halved === null) {
      resampleRgb(scaled(first!, first!, across, down, memory), size, lines, levels, rows);
    } else {
      const luma = scaled(first!, first!, across, down, memory);
      resampleYuv(luma, scaled(u, v, halved.across, halved.down, memory), size, lines, levels, rows);
    }
    return rgb;
  };
}

/** Like a resampler, but writes to `out`. */
export function viewWriter(
  size: Size,
  most: number,
  stored: (level: number) => number,
  out: Float32Array | Int8Array | Uint8Array,
  loaded: ReturnType<typeof framesAddon> = framesAddon(),
): (picture: Picture, view: View) => void {
  const { addon } = loaded;
  if (addon === null || out instanceof Uint8Array) {
    const resample = resampler(size, most, stored, loaded);
    return (picture, view) => out.set(resample(picture, view));
  }
  const reals = levelTable(stored);
  const levels = out instanceof Int8Array ? Int8Array.from(reals) : reals;
  const none = new Int32Array(0);
  return (picture, view) => {
    const { across, down, halved } = viewTaps(picture, view, size, most);
    addon.resample(
      picture.data,
      packedPlanes(planes(picture)),
      across.packed,
      down.packed,
      halved?.across.packed ?? none,
      halved?.down.packed ?? none,
      levels,
      out,
    );
  };
}

interface ViewTaps {
  readonly across: Taps;
  readonly down: Taps;
  /** Those of the chroma planes; null for a picture of one plane. */
  readonly halved: { readonly across: Taps; readonly down: Taps } | null;
}

function viewTaps(picture: Picture, view: View, size: Size, most: number): ViewTaps {
  const { width, height } = picture;
  const across = makeTaps(view.x, view.width, width, size.width, most);
  const down = makeTaps(view.y, view.height, height, size.height, most);
  if (picture.format === 'rgb') return { across, down, halved: null };
  // A 4:2:0 chroma sample lies in the middle of its four pixels, so continuous coordinates are halved.
  const halved = {
    across: makeTaps(view.x / 2, view.width / 2, (width + 1) >> 1, size.width, most),
    down: makeTaps(view.y / 2, view.height / 2, (height + 1) >> 1, size.height, most),
  };
  return { across, down, halved };
}

/** `view` of `picture` as RGB `[sidePx, sidePx, 3]`, 0 to 255, in quarters of a level. Every source pixel counts. */
export function resample(picture: Picture, view: View, sidePx: number): Float32Array {
  return resampler({ width: sidePx, height: sidePx }, Number.POSITIVE_INFINITY)(picture, view);
}

/** Colours are in quarters of a level, because the mean of many source pixels is more precise than whole levels. */
const QUARTERS = 4;
/** Quarters below 0 in the table: colours of extreme chroma reach from level -227 to 481. */
const BELOW = 256 * QUARTERS;

/** `stored` of each quarter from level -256 to 511, clamped to 0 to 255. */
function levelTable(stored: (level: number) => number): Float32Array {
  return Float32Array.from({ length: 3 * BELOW }, (_, i) => stored(Math.min(255, Math.max(0, (i - BELOW) / QUARTERS))));
}

/** Output rows from `sumColumns`, one word per output pixel. */
type Lines = readonly [Int32Array, Int32Array, Int32Array];

/** Bits of a sum below a quarter of a level, and half of that, for rounding. */
const FINE_BITS = 6;
const HALF = 1 << (FINE_BITS - 1);

/** Two planes of one shape (or the same plane twice), scaled to a view. */
interface Scaled extends RowPairs {
  readonly channels: number;
  readonly across: Taps;
  readonly down: Taps;
}

function scaled(a: Plane, b: Plane, across: Taps, down: Taps, memory: Memory): Scaled {
  return { channels: a.channels, across, down, ...rowPairs([a, b], across, down, memory) };
}

function resampleRgb(picture: Scaled, out: Size, lines: Lines, levels: Float32Array, rgb: Float32Array): void {
  const [red, green, blue] = lines;
  const px = out.width;
  for (let j = 0; j < out.height; j += 2) {
    picture.read(j, j + 1);
    for (let c = 0; c < 3; c++) sumColumns(picture, c, lines[c]!);
    for (let i = 0, upper = j * px * 3, lower = upper + px * 3; i < px; i++) {
      rgb[upper++] = levels[BELOW + (((red[i]! & 0xffff) + HALF) >> FINE_BITS)]!;
      rgb[lower++] = levels[BELOW + (((red[i]! >>> 16) + HALF) >> FINE_BITS)]!;
      rgb[upper++] = levels[BELOW + (((green[i]! & 0xffff) + HALF) >> FINE_BITS)]!;
      rgb[lower++] = levels[BELOW + (((green[i]! >>> 16) + HALF) >> FINE_BITS)]!;
      rgb[upper++] = levels[BELOW + (((blue[i]! & 0xffff) + HALF) >> FINE_BITS)]!;
      rgb[lower++] = levels[BELOW + (((blue[i]! >>> 16) + HALF) >> FINE_BITS)]!;
    }
  }
}

function resampleYuv(
  luma: Scaled,
  chroma: Scaled,
  out: Size,
  [light, colours]: Lines,
  levels: Float32Array,
  rgb: Float32Array,
): void {
  for (let j = 0; j < out.height; j += 2) {
    luma.read(j, j + 1);
    sumColumns(luma, 0, light);
    for (let k = 0; k < 2; k++) {
      chroma.read(j + k, j + k);
      sumColumns(chroma, 0, colours);
      writeYuv(light, 16 * k, colours, chroma, j + k, levels, rgb);
    }
  }
}

/** Writes the colours of row `j`, whose luma starts at bit `bits` of `light`. Outside the picture chroma is 128. */
function writeYuv(
  light: Int32Array,
  bits: number,
  colours: Int32Array,
  { across, down }: Scaled,
  j: number,
  levels: Float32Array,
  rgb: Float32Array,
): void {
  const { inside } = across;
  const insideDown = j < down.inside.length ? down.inside[j]! : 0;
  const px = light.length;
  for (let i = 0, to = j * px * 3; i < px; i++, to += 3) {
    const colour = colours[i]!;
    // 128 * 256 where the whole pixel lies inside
    const grey = Math.imul(insideDown, inside[i]!) >> 1;
    const u = (colour & 0xffff) - grey;
    const v = (colour >>> 16) - grey;
    // times 1024, like the factors of u and v
    const y = (((light[i]! >>> bits) & 0xffff) + HALF) << 10;
    rgb[to] = levels[BELOW + ((y + Math.imul(RED_V, v)) >> (FINE_BITS + 10))]!;
    rgb[to + 1] = levels[BELOW + ((y - Math.imul(GREEN_U, u) - Math.imul(GREEN_V, v)) >> (FINE_BITS + 10))]!;
    rgb[to + 2] = levels[BELOW + ((y + Math.imul(BLUE_U, u)) >> (FINE_BITS + 10))]!;
  }
}

/** Output pixels of channel `c`, times 256. Four weights per step are written out, because a loop takes twice as long. */
function sumColumns({ pairs, lead, channels, across }: Scaled, c: number, out: Int32Array): void {
  const { first, weights, stride, from, step } = across;
  const px = out.length;
  const next = step * channels;
  for (let group = 0; group < stride; group += 4) {
    const shift = lead + c + group * next - from * channels;
    for (let i = 0, k = group; i < px; i++, k += stride) {
      const x = shift + first[i]! * channels;
      const left = Math.imul(weights[k]!, pairs[x]!) + Math.imul(weights[k + 1]!, pairs[x + next]!);
      const right = Math.imul(weights[k + 2]!, pairs[x + 2 * next]!) + Math.imul(weights[k + 3]!, pairs[x + 3 * next]!);
      out[i] = (group === 0 ? 0 : out[i]!) + ((left | 0) + (right | 0));
    }
  }
}

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
  /** All of them in one array, as native/frames.c takes them: the number of outputs, stride, step, from, to, then the arrays. */
  readonly packed: Int32Array;
}

const PACKED_HEAD = 5;

/** The sum of the weights of an output pixel inside the picture. A byte times this just fits 16 bits. */
const ONE = 256;

/**
 * Weights that map `[start, start + length)` of `size` source pixels to `outPx` output pixels. Where an output pixel
 * covers more than `most` source pixels, only every second or third is used.
 */
function makeTaps(start: number, length: number, size: number, outPx: number, most: number): Taps {
  const scale = length / outPx;
  // The mean over one pixel's width is linear interpolation.
  const reach = Math.max(1, scale);
  const touched = Math.ceil(reach) + 1;
  const step = Math.max(1, Math.ceil(touched / most));
  const stride = 4 * Math.ceil(touched / step / 4);
  const packed = new Int32Array(PACKED_HEAD + outPx * (3 + stride));
  const first = packed.subarray(PACKED_HEAD, PACKED_HEAD + outPx);
  const count = packed.subarray(PACKED_HEAD + outPx, PACKED_HEAD + 2 * outPx);
  const inside = packed.subarray(PACKED_HEAD + 2 * outPx, PACKED_HEAD + 3 * outPx);
  const weights = packed.subarray(PACKED_HEAD + 3 * outPx);
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
  packed.set([outPx, stride, step, from, to]);
  return { first, count, weights, stride, step, inside, from, to, packed };
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

// Weighted means of a plane's rows, two at a time. Four bytes of a row are summed in one 32-bit word. Two means then share one
// word, so that the sums over columns (resample.ts) handle both at once. Most bytes of a picture are read only here.
//
// Invariant: the weights add up to at most 256, so that a byte's sum fits its 16 bits of a word. Words are read as
// little-endian, which x86 and ARM are.

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

function noMemory(): Memory {
  const none = new Int32Array(0);
  return { pairs: none, sums: [none, none], rows: none };
}

/** Pairs of rows of two planes of one shape (or twice the same), those of `down`, where `across` has weights. */
function rowPairs(planes: readonly [Plane, Plane], across: Taps, down: Taps, memory: Memory): RowPairs {
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
