// An aligned face as a JPEG, for the pictures that the user switched on: of an arrival, and on the page of `roomkin open`.
import { loadSharp } from '../base/sharp.js';
import { ALIGNED_PX } from '../vision/alignment.js';

/** `rgb`: an aligned face [112, 112, 3]. A JPEG of `edgePx` pixels; null where it cannot be encoded. */
export async function faceJpeg(rgb: Uint8Array, edgePx: number = ALIGNED_PX): Promise<Uint8Array | null> {
  try {
    const sharp = await loadSharp();
    return await sharp(rgb, { raw: { width: ALIGNED_PX, height: ALIGNED_PX, channels: 3 } })
      .resize(edgePx, edgePx)
      .jpeg({ quality: 80 })
      .toBuffer();
  } catch {
    return null;
  }
}
