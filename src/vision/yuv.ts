// Full-range BT.601, as libcamera's sYCC and JPEG have it (ITU-T T.871, section 7). Not the 16-235 video range.

/** Writes R, G, B (0 to 255, unrounded) of one YUV triple to `out[at]`, `out[at + 1]`, `out[at + 2]`. */
export function yuvToRgb(y: number, u: number, v: number, out: Float32Array | Uint8ClampedArray, at: number): void {
  const blue = u - 128;
  const red = v - 128;
  out[at] = clamp(y + 1.402 * red);
  out[at + 1] = clamp(y - 0.344136 * blue - 0.714136 * red);
  out[at + 2] = clamp(y + 1.772 * blue);
}

/** The same in whole numbers: 1024 times what a step of V adds to R, U and V take from G, and U adds to B. */
export const RED_V = 1436;
export const GREEN_U = 352;
export const GREEN_V = 731;
export const BLUE_U = 1815;

/** Luma of an RGB pixel, 0 to 255. */
export function luma(r: number, g: number, b: number): number {
  return 0.299 * r + 0.587 * g + 0.114 * b;
}

function clamp(value: number): number {
  return value < 0 ? 0 : value > 255 ? 255 : value;
}
