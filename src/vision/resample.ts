// A view of a picture as the detector's square input: area-averaged where it shrinks (no aliasing, every source pixel
// counts), linear where it grows, black outside the picture.
//
// Separable: rows are squeezed first, then summed, so the cost is one multiplication a source byte.
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
  /** From one weighted source index to the next. */
  readonly step: number;
  /** What the weights of an output index leave to the black border, 0 to 1. */
  readonly missing: Float32Array;
}

/**
 * Weights that map `[start, start + length)` of `size` source pixels to `outPx` output pixels. With `sparse`, an output
 * pixel of six source pixels or more is averaged over every second or third of them: three samples are enough of a mean.
 */
function makeTaps(start: number, length: number, size: number, outPx: number, sparse: boolean): Taps {
  const scale = length / outPx;
  const step = sparse ? Math.max(1, Math.floor(scale / 3)) : 1;
  const stride = Math.max(2, Math.ceil(scale) + 1);
  const taps: Taps = {
    first: new Int32Array(outPx),
    count: new Int32Array(outPx),
    weights: new Float32Array(outPx * stride),
    stride,
    step,
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
  taps.count[i] = Math.floor((last - first) / taps.step) + 1;
  taps.missing[i] = Math.max(0, 1 - (high - low) / (to - from));
  let covered = 0;
  const cover = (s: number): number => Math.min(high, s + 1) - Math.max(low, s);
  for (let s = first; s <= last; s += taps.step) covered += cover(s);
  for (let k = 0; k < taps.count[i]!; k++) {
    taps.weights[i * taps.stride + k] = (cover(first + k * taps.step) / covered) * (1 - taps.missing[i]!);
  }
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
  const across = makeTaps(view.x, view.side, plane.width, outPx, false);
  const down = makeTaps(view.y, view.side, plane.height, outPx, true);
  const span = outPx * plane.channels;
  const out = new Float32Array(outPx * span);
  // A source row serves up to two output rows when shrinking, many when growing: the latest few are kept.
  const slots = Array.from({ length: down.stride }, () => ({ y: -1, row: new Float32Array(span) }));
  for (let j = 0; j < outPx; j++) {
    const target = out.subarray(j * span, (j + 1) * span);
    target.fill(background * down.missing[j]!);
    for (let k = 0; k < down.count[j]!; k++) {
      const y = down.first[j]! + k * down.step;
      const slot = slots[y % slots.length]!;
      if (slot.y !== y) {
        slot.y = y;
        squeezeRow(plane, y, across, background, slot.row);
      }
      const weight = down.weights[j * down.stride + k]!;
      const { row } = slot;
      for (let i = 0; i < span; i++) target[i]! += weight * row[i]!;
    }
  }
  return out;
}

/** One source row of `plane` as `outPx` pixels. The inner loop of the whole search: sums stay in registers. */
function squeezeRow(plane: Plane, y: number, across: Taps, background: number, row: Float32Array): void {
  const { data, channels } = plane;
  const { first, count, weights, stride, missing } = across;
  const start = plane.offset + y * plane.stride;
  for (let i = 0; i < first.length; i++) {
    const border = background * missing[i]!;
    const from = start + first[i]! * channels;
    const to = i * stride + count[i]!;
    if (channels === 1) {
      let sum = border;
      for (let at = i * stride, x = from; at < to; at++, x++) sum += weights[at]! * data[x]!;
      row[i] = sum;
    } else {
      let [red, green, blue] = [border, border, border];
      for (let at = i * stride, x = from; at < to; at++, x += 3) {
        const weight = weights[at]!;
        red += weight * data[x]!;
        green += weight * data[x + 1]!;
        blue += weight * data[x + 2]!;
      }
      row[3 * i] = red;
      row[3 * i + 1] = green;
      row[3 * i + 2] = blue;
    }
  }
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
