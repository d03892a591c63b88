// One frame as a JPEG, for `roomkin look`: made only when somebody asks for it, kept nowhere.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { loadSharp } from '../base/sharp.js';
import { type Picture, planes, yuvToRgb } from '../vision/picture.js';

export interface Still {
  readonly jpeg: Buffer;
  readonly width: number;
  readonly height: number;
}

/** Rows that are converted before the event loop goes on: the daemon must drain its camera meanwhile. */
const sliceRows = 32;

/** `picture` as a JPEG. Its longer edge has at most `maxEdgePx` pixels: of a larger picture every second, third... pixel is taken. */
export async function stillOf(picture: Picture, maxEdgePx = 1280): Promise<Still> {
  const step = Math.max(1, Math.ceil(Math.max(picture.width, picture.height) / maxEdgePx));
  const [width, height] = [Math.ceil(picture.width / step), Math.ceil(picture.height / step)];
  const [first, u, v] = planes(picture);
  const rgb = new Uint8ClampedArray(width * height * 3);
  for (let y = 0; y < height; y++) {
    if (y % sliceRows === sliceRows - 1) await nextTurn();
    const row = y * step;
    for (let x = 0; x < width; x++) {
      const column = x * step;
      const at = (y * width + x) * 3;
      const source = first!.offset + row * first!.stride + column * first!.channels;
      if (u === undefined || v === undefined) {
        for (let channel = 0; channel < 3; channel++) rgb[at + channel] = first!.data[source + channel]!;
        continue;
      }
      const chroma = (row >> 1) * u.stride + (column >> 1);
      yuvToRgb(first!.data[source]!, u.data[u.offset + chroma]!, v.data[v.offset + chroma]!, rgb, at);
    }
  }
  const sharp = await loadSharp();
  const jpeg = await sharp(rgb, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: 80 })
    .toBuffer();
  return { jpeg, width, height };
}
