// Pictures in which the value of each byte depends on its position: a shift by one byte, mixed rows of two frames or a wrong
// stride can be detected.
import type { Frame } from '../../src/camera/camera.js';

const luma = (k: number, x: number, y: number): number => (k * 31 + x * 3 + y * 5) & 0xff;
const padding = 0xee;

/** Picture `k` as I420 with rows `stride` bytes apart, with padding of a value of its own. */
export function drawPattern(k: number, width: number, height: number, stride: number): Uint8Array {
  const data = new Uint8Array((stride * height * 3) / 2).fill(padding);
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) data[y * stride + x] = luma(k, x, y);
  const chroma = stride / 2;
  for (const [plane, value] of [
    [0, (k * 31 + 1) & 0xff],
    [1, (k * 31 + 2) & 0xff],
  ] as const) {
    const from = stride * height + (plane * chroma * height) / 2;
    for (let y = 0; y < height / 2; y++) data.fill(value, from + y * chroma, from + y * chroma + width / 2);
  }
  return data;
}

/** Which picture this is, or null if any byte is not in its place. */
export function readPattern({
  data,
  width,
  height,
  stride,
}: Pick<Frame, 'data' | 'width' | 'height' | 'stride'>): number | null {
  if (data.length !== (stride * height * 3) / 2) return null;
  for (let k = 0; k < 256; k++) {
    if (luma(k, 0, 0) !== data[0]) continue;
    return Buffer.compare(drawPattern(k, width, height, stride), data) === 0 ? k : null;
  }
  return null;
}
