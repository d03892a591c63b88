// Weighted sums of a plane's rows, four bytes at a time in one 32-bit word: the larger part of all pixels is only ever
// touched here.
//
// Invariant: weights of at most `ROWS_ONE` in all, so that a sum fits the 16 bits that each byte has in a word. Words are
// read as little-endian, which x86 and ARM are.
import type { Plane } from './picture.js';
import type { Taps } from './taps.js';

/** A byte times this just fits 16 bits. */
export const ROWS_ONE = 256;
/** Most rows in a sum. */
export const MOST_ROWS = 4;
/** Past the end of the sums, for readers that take four pixels at a time. */
const SPARE_WORDS = 8;
/** The first and third byte of a word, each with 16 bits to grow in. */
const LANES = 0x00ff00ff;

export interface RowSums {
  /** What the last `add` gave, a number a byte; a few more may be read. */
  readonly sums: Uint16Array;
  /** Where in `sums` the byte `fromByte` is. */
  readonly lead: number;
  /** Sums the rows of output index `j`; at least one. */
  add(j: number): void;
}

/** Memory that sums are made in, used again and again. */
export interface Scratch {
  sums: Int32Array;
  rows: Int32Array;
}

export function scratch(): Scratch {
  return { sums: new Int32Array(0), rows: new Int32Array(0) };
}

/** Sums of the bytes `[fromByte, toByte)` of the rows of `plane` that `down` names, four at most an output index. */
export function rowSums(plane: Plane, fromByte: number, toByte: number, down: Taps, memory: Scratch): RowSums {
  const { data, stride } = plane;
  const origin = plane.offset + fromByte;
  const bytes = toByte - fromByte;
  const inPlace = wordsOf(plane, origin + bytes);
  const lead = inPlace === null ? 0 : (data.byteOffset + origin) & 3;
  const span = (lead + bytes + 3) >> 2;
  if (memory.sums.length < 2 * span + SPARE_WORDS) memory.sums = new Int32Array(2 * span + SPARE_WORDS);
  if (inPlace === null && memory.rows.length < MOST_ROWS * span) memory.rows = new Int32Array(MOST_ROWS * span);
  const { sums, rows } = memory;
  const copy = new Uint8Array(rows.buffer);
  const base = [0, 0, 0, 0];
  return {
    sums: new Uint16Array(sums.buffer),
    lead,
    add(j) {
      const count = down.count[j]!;
      for (let k = 0; k < count; k++) {
        const at = origin + (down.first[j]! + k * down.step) * stride;
        base[k] = inPlace === null ? k * span : (data.byteOffset + at) >> 2;
        if (inPlace === null) copy.set(data.subarray(at, at + bytes), k * span * 4);
      }
      addRows(inPlace ?? rows, base, down.weights, j * down.stride, count, sums, span);
    },
  };
}

/** The memory of `plane` as words; null where its rows do not all start at the same byte of a word, or the last word is not whole. */
function wordsOf({ data, stride, height }: Plane, end: number): Int32Array | null {
  const words = data.buffer.byteLength >> 2;
  if (stride % 4 !== 0 || (data.byteOffset + end + (height - 1) * stride + 3) >> 2 > words) return null;
  return new Int32Array(data.buffer, 0, words);
}

/**
 * `count` rows from word `base[k]` on, times `weights[at + k]`, into `sums`. Written out for two rows and for four, which is
 * two to three times as fast as a loop.
 */
function addRows(
  words: Int32Array,
  base: readonly number[],
  weights: Int32Array,
  at: number,
  count: number,
  sums: Int32Array,
  span: number,
): void {
  const [a, weightA] = [base[0]!, weights[at]!];
  const [b, weightB] = count > 1 ? [base[1]!, weights[at + 1]!] : [a, 0];
  if (count <= 2) {
    for (let i = 0; i < span; i++) {
      const [wordA, wordB] = [words[a + i]!, words[b + i]!];
      const even = Math.imul(wordA & LANES, weightA) + Math.imul(wordB & LANES, weightB);
      const odd = Math.imul((wordA >>> 8) & LANES, weightA) + Math.imul((wordB >>> 8) & LANES, weightB);
      sums[2 * i] = (even & 0xffff) | (odd << 16);
      sums[2 * i + 1] = (even >>> 16) | (odd & 0xffff0000);
    }
    return;
  }
  const [c, weightC] = [base[2]!, weights[at + 2]!];
  const [d, weightD] = count > 3 ? [base[3]!, weights[at + 3]!] : [a, 0];
  for (let i = 0; i < span; i++) {
    const [wordA, wordB, wordC, wordD] = [words[a + i]!, words[b + i]!, words[c + i]!, words[d + i]!];
    const even =
      ((Math.imul(wordA & LANES, weightA) + Math.imul(wordB & LANES, weightB)) | 0) +
      ((Math.imul(wordC & LANES, weightC) + Math.imul(wordD & LANES, weightD)) | 0);
    const odd =
      ((Math.imul((wordA >>> 8) & LANES, weightA) + Math.imul((wordB >>> 8) & LANES, weightB)) | 0) +
      ((Math.imul((wordC >>> 8) & LANES, weightC) + Math.imul((wordD >>> 8) & LANES, weightD)) | 0);
    sums[2 * i] = (even & 0xffff) | (odd << 16);
    sums[2 * i + 1] = (even >>> 16) | (odd & 0xffff0000);
  }
}
