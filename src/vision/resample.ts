// A view of a picture as the detector's square input: area-averaged where it shrinks (no aliasing, every source pixel
// counts), linear where it grows, black outside the picture.
//
// Separable: rows are summed first, then columns, so the cost is one multiplication a source byte.
import type { Picture, Plane } from './picture.js';
import { planes } from './picture.js';
import type { View } from './view.js';
import { yuvToRgb } from './yuv.js';

interface Taps {
  /** First source index and number of weights of each output index. */
  readonly first: Int32Array;
  readonly count: Int32Array;
  /** `stride` weights an output index. */
  readonly weights: Float32Array;
  readonly stride: number;
  /** What the weights of an output index leave to the black border, 0 to 1. */
  readonly missing: Float32Array;
}

/** Weights that map `[start, start + length)` of `size` source pixels to `outPx` output pixels. */
function makeTaps(start: number, length: number, size: number, outPx: number): Taps {
  const scale = length / outPx;
  const stride = Math.max(2, Math.ceil(scale) + 1);
  const taps: Taps = {
    first: new Int32Array(outPx),
    count: new Int32Array(outPx),
    weights: new Float32Array(outPx * stride),
    stride,
    missing: new Float32Array(outPx).fill(1),
  };
  for (let i = 0; i < outPx; i++) {
    if (scale >= 1) areaTaps(taps, i, start + i * scale, start + (i + 1) * scale, size);
    else linearTaps(taps, i, start + (i + 0.5) * scale - 0.5, size);
  }
  return taps;
}

function areaTaps(taps: Taps, i: number, from: number, to: number, size: number): void {
  const low = Math.max(0, from);
  const high = Math.min(size, to);
  if (high <= low) return;
  const first = Math.floor(low);
  const last = Math.min(size - 1, Math.ceil(high) - 1);
  taps.first[i] = first;
  taps.count[i] = last - first + 1;
  for (let s = first; s <= last; s++) {
    taps.weights[i * taps.stride + s - first] = (Math.min(high, s + 1) - Math.max(low, s)) / (to - from);
  }
  taps.missing[i] = Math.max(0, 1 - (high - low) / (to - from));
}

function linearTaps(taps: Taps, i: number, centre: number, size: number): void {
  if (centre < -0.5 || centre > size - 0.5) return;
  const inside = Math.min(size - 1, Math.max(0, centre));
  const first = Math.min(Math.floor(inside), Math.max(0, size - 2));
  taps.first[i] = first;
  taps.count[i] = size === 1 ? 1 : 2;
  taps.weights[i * taps.stride] = 1 - (inside - first);
  if (size > 1) taps.weights[i * taps.stride + 1] = inside - first;
  taps.missing[i] = 0;
}

/** `plane` seen through `view` (in the plane's pixels) as `[outPx, outPx, channels]`, 0 to 255, `background` outside. */
function resamplePlane(plane: Plane, view: View, outPx: number, background: number): Float32Array {
  const { channels, data } = plane;
  const across = makeTaps(view.x, view.side, plane.width, outPx);
  const down = makeTaps(view.y, view.side, plane.height, outPx);
  const [left, right] = columnRange(across, outPx);
  const span = (right - left) * channels;
  const row = new Float32Array(Math.max(0, span));
  const out = new Float32Array(outPx * outPx * channels);
  for (let j = 0; j < outPx; j++) {
    row.fill(background * down.missing[j]!);
    for (let k = 0; k < down.count[j]!; k++) {
      const weight = down.weights[j * down.stride + k]!;
      const from = plane.offset + (down.first[j]! + k) * plane.stride + left * channels;
      for (let x = 0; x < span; x++) row[x]! += weight * data[from + x]!;
    }
    for (let i = 0; i < outPx; i++) {
      const to = (j * outPx + i) * channels;
      const from = (across.first[i]! - left) * channels;
      const border = background * across.missing[i]!;
      for (let c = 0; c < channels; c++) {
        let sum = border;
        for (let k = 0; k < across.count[i]!; k++)
          sum += across.weights[i * across.stride + k]! * row[from + k * channels + c]!;
        out[to + c] = sum;
      }
    }
  }
  return out;
}

/** The source columns that any output column reads. */
function columnRange(taps: Taps, outPx: number): readonly [number, number] {
  let left = Number.POSITIVE_INFINITY;
  let right = 0;
  for (let i = 0; i < outPx; i++) {
    if (taps.count[i] === 0) continue;
    left = Math.min(left, taps.first[i]!);
    right = Math.max(right, taps.first[i]! + taps.count[i]!);
  }
  return right === 0 ? [0, 0] : [left, right];
}

/** `view` of `picture` as RGB `[sidePx, sidePx, 3]`, 0 to 255, not rounded. */
export function resample(picture: Picture, view: View, sidePx: number): Float32Array {
  const [first, u, v] = planes(picture);
  const top = resamplePlane(first!, view, sidePx, 0);
  if (u === undefined || v === undefined) return top;
  // 4:2:0 chroma lies in the middle of its four pixels, so continuous coordinates simply halve
  const halved = { x: view.x / 2, y: view.y / 2, side: view.side / 2 };
  const blue = resamplePlane(u, halved, sidePx, 128);
  const red = resamplePlane(v, halved, sidePx, 128);
  const rgb = new Float32Array(sidePx * sidePx * 3);
  for (let i = 0; i < top.length; i++) yuvToRgb(top[i]!, blue[i]!, red[i]!, rgb, i * 3);
  return rgb;
}
