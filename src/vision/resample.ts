// A view of a picture as the detector's square input: area-averaged where it shrinks, linear where it grows, black
// outside the picture.
//
// Separable, in whole numbers: rows are summed first (row-sums.ts), then squeezed across, then made colours.
//
// Invariant: every column counts and at least three rows of an output pixel that shrinks more than threefold; a flat
// picture stays as bright as it was, and an output pixel is within one grey level of its exact weighted mean.
import type { Picture, Plane } from './picture.js';
import { planes } from './picture.js';
import { MOST_ROWS, ROWS_ONE, rowSums, type Scratch, scratch } from './row-sums.js';
import { makeTaps, type Taps, type TapsLimits } from './taps.js';
import type { View } from './view.js';
import { yuvToRgb } from './yuv.js';

const rows: TapsLimits = { one: ROWS_ONE, most: MOST_ROWS };
/** A sum of rows times this fits 31 bits. */
const columns: TapsLimits = { one: 1 << 14, most: Number.POSITIVE_INFINITY };
/** From a sum to 0 to 255. */
const UNIT = 1 / (rows.one * columns.one);

/** A view of a picture as RGB `[sidePx, sidePx, 3]`, 0 to 255, not rounded; the same array every time. */
export type Resampler = (picture: Picture, view: View) => Float32Array;

/** A resampler with memory of its own. To 192 px it takes 0.9 ms of a 1280x960 i420 frame, 0.6 of a tile of 480 px (one x86 core). */
export function resampler(sidePx: number): Resampler {
  const rgb = new Float32Array(sidePx * sidePx * 3);
  const row = () => new Int32Array(sidePx);
  const channels: Channels = [row(), row(), row()];
  const memory = scratch();
  return (picture, view) => {
    const [first, u, v] = planes(picture);
    const scaling = scalingOf(first!, view, sidePx);
    const readFirst = rowReader(first!, scaling, memory);
    if (u === undefined || v === undefined) {
      for (let j = 0; j < sidePx; j++) {
        readFirst(j, channels);
        writeRgb(channels, rgb, j * sidePx * 3);
      }
      return rgb;
    }
    // 4:2:0 chroma lies in the middle of its four pixels, so continuous coordinates simply halve
    const halved = { x: view.x / 2, y: view.y / 2, side: view.side / 2 };
    const ofChroma = scalingOf(u, halved, sidePx);
    const readBlue = rowReader(u, ofChroma, memory);
    const readRed = rowReader(v, ofChroma, memory);
    const [luma, blue, red] = channels;
    for (let j = 0; j < sidePx; j++) {
      readFirst(j, [luma]);
      readBlue(j, [blue]);
      readRed(j, [red]);
      writeYuv(channels, ofChroma, j, rgb);
    }
    return rgb;
  };
}

/** `view` of `picture` as RGB `[sidePx, sidePx, 3]`, 0 to 255, not rounded. */
export function resample(picture: Picture, view: View, sidePx: number): Float32Array {
  return resampler(sidePx)(picture, view);
}

/** One output row a channel, in units of `UNIT`, 0 outside the picture. */
type Channels = readonly [Int32Array, Int32Array, Int32Array];

/** How the pixels of a plane become those of its view. */
interface Scaling {
  readonly across: Taps;
  readonly down: Taps;
}

function scalingOf(plane: Plane, view: View, outPx: number): Scaling {
  const across = makeTaps(view.x, view.side, plane.width, outPx, columns);
  return { across, down: makeTaps(view.y, view.side, plane.height, outPx, rows) };
}

/** A function that reads output row `j` of a scaled plane, an array a channel. */
function rowReader(plane: Plane, { across, down }: Scaling, memory: Scratch) {
  const { from, to } = across;
  const { sums, lead, add } = rowSums(plane, from * plane.channels, to * plane.channels, down, memory);
  return (j: number, channels: readonly Int32Array[]): void => {
    const empty = down.count[j] === 0 || from === to;
    if (!empty) add(j);
    for (let c = 0; c < channels.length; c++) {
      if (empty) channels[c]!.fill(0);
      else squeeze(sums, lead + c - from * plane.channels, plane.channels, across, channels[c]!);
    }
  };
}

/** Four weights at a time, written out: a loop over an output pixel's weights takes twice as long. */
function squeeze(sums: Uint16Array, shift: number, step: number, { first, weights, stride }: Taps, out: Int32Array) {
  const px = out.length;
  out.fill(0);
  for (let some = 0; some < stride; some += 4) {
    for (let i = 0, k = some; i < px; i++, k += stride) {
      const x = shift + (first[i]! + some) * step;
      const left = Math.imul(weights[k]!, sums[x]!) + Math.imul(weights[k + 1]!, sums[x + step]!);
      const right = Math.imul(weights[k + 2]!, sums[x + 2 * step]!) + Math.imul(weights[k + 3]!, sums[x + 3 * step]!);
      out[i]! += (left | 0) + (right | 0);
    }
  }
}

function writeRgb([red, green, blue]: Channels, rgb: Float32Array, at: number): void {
  for (let i = 0, to = at; i < red.length; i++, to += 3) {
    rgb[to] = red[i]! * UNIT;
    rgb[to + 1] = green[i]! * UNIT;
    rgb[to + 2] = blue[i]! * UNIT;
  }
}

/** Colours of row `j`; what lies outside is 128 in chroma. */
function writeYuv([luma, blue, red]: Channels, { across, down }: Scaling, j: number, rgb: Float32Array): void {
  const { inside } = across;
  const insideDown = down.inside[j]!;
  const px = luma.length;
  for (let i = 0, to = j * px * 3; i < px; i++, to += 3) {
    const border = 128 * (1 - insideDown * inside[i]!);
    yuvToRgb(luma[i]! * UNIT, blue[i]! * UNIT + border, red[i]! * UNIT + border, rgb, to);
  }
}
