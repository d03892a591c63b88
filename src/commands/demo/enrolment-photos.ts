// The photos the demo enrols from: each person cut out of a group photo, as somebody would crop one for `roomkin enrol`.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import type { Face } from '../../domain/face.js';

/** Writes `folder/name/1.jpg` with `face` and some room around it. */
export async function writeEnrolmentPhoto(folder: string, name: string, photo: string, face: Face): Promise<void> {
  const { data, info } = await sharp(photo).rotate().removeAlpha().toBuffer({ resolveWithObject: true });
  const [x, y, width, height] = face.box;
  const left = Math.max(0, Math.round(x - 0.3 * width));
  const top = Math.max(0, Math.round(y - 0.4 * height));
  await mkdir(join(folder, name), { recursive: true });
  await sharp(data)
    .extract({
      left,
      top,
      width: Math.min(info.width - left, Math.round(1.6 * width)),
      height: Math.min(info.height - top, Math.round(1.8 * height)),
    })
    .jpeg({ quality: 92 })
    .toFile(join(folder, name, '1.jpg'));
}
