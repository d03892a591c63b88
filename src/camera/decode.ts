// A picture file as a frame: of a folder that is replayed, or of a camera's snapshot address.
import type { Sharp } from 'sharp';
import { loadSharp } from '../base/sharp.js';
import type { CameraOptions } from './options.js';

/** 48 megapixels: more than a photo of any camera. */
const mostPixels = 48e6;

/** The picture upright, RGB, `width` x `height`, with black borders. It is not turned by a quarter. Errors: those of sharp. */
export async function decodePicture(file: string | Buffer, options: CameraOptions): Promise<Uint8Array> {
  const { width, height, hflip, vflip, rotation } = options;
  const upsideDown = rotation === 180;
  const sharp = await loadSharp();
  const picture = sharp(file, { limitInputPixels: mostPixels, sequentialRead: true }).autoOrient();
  const aspect = options.aspect ?? (Buffer.isBuffer(file) ? await statedAspect(file) : null);
  if (aspect === null) picture.resize(width, height, { fit: 'contain', background: 'black' });
  else stretchInto(picture, width, height, aspect);
  return picture
    .flip(vflip !== upsideDown)
    .flop(hflip !== upsideDown)
    .flatten({ background: 'black' })
    .toColourspace('srgb')
    .removeAlpha()
    .raw()
    .toBuffer();
}

/** Scales to the aspect (width by height) and adds the borders. */
function stretchInto(picture: Sharp, width: number, height: number, aspect: number): void {
  const innerWidth = Math.max(1, Math.min(width, Math.round(height * aspect)));
  const innerHeight = Math.max(1, Math.min(height, Math.round(width / aspect)));
  const left = (width - innerWidth) >> 1;
  const top = (height - innerHeight) >> 1;
  picture.resize(innerWidth, innerHeight, { fit: 'fill' }).extend({
    left,
    right: width - innerWidth - left,
    top,
    bottom: height - innerHeight - top,
    background: 'black',
  });
}

/** The aspect of a JPEG whose header says that its pixels are not square (JFIF 1.02, density without a unit); null for all others. */
async function statedAspect(jpeg: Buffer): Promise<number | null> {
  if (jpeg.length < 20 || jpeg.toString('latin1', 6, 11) !== 'JFIF\0' || jpeg[13] !== 0) return null;
  const pixel = jpeg.readUInt16BE(14) / jpeg.readUInt16BE(16);
  if (!(pixel >= 0.2 && pixel <= 5) || pixel === 1) return null;
  const sharp = await loadSharp();
  const { width, height } = await sharp(jpeg, { limitInputPixels: mostPixels }).metadata();
  return (width * pixel) / height;
}
