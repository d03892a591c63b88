// The frames of a daemon's camera in tests, made from a sample photo.
import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import sharp from 'sharp';

const samples = join(dirname(createRequire(import.meta.url).resolve('@vladmandic/face-api/package.json')), 'demo');

/** Two frames of the middle person of a group photo, one brighter than the other, and a photo to enrol her. */
export async function pictures(folder: string): Promise<{ frames: string; portrait: string }> {
  const frames = join(folder, 'frames');
  mkdirSync(frames);
  const middle = sharp(join(samples, 'sample3.jpg')).extract({ left: 900, top: 150, width: 480, height: 480 });
  const portrait = join(folder, 'portrait.jpg');
  await middle.clone().jpeg().toFile(portrait);
  for (const [index, brightness] of [1, 0.9].entries()) {
    const face = await middle.clone().resize(192, 192).modulate({ brightness }).toBuffer();
    await sharp({ create: { width: 384, height: 256, channels: 3, background: '#8a8478' } })
      .composite([{ input: face, left: 90 + 8 * index, top: 30 }])
      .jpeg()
      .toFile(join(frames, `${index}.jpg`));
  }
  return { frames, portrait };
}

/** A JPEG of another person, who is not enrolled. */
export function otherPortrait(): Promise<Buffer> {
  return sharp(join(samples, 'sample5.jpg')).extract({ left: 694, top: 47, width: 380, height: 380 }).jpeg().toBuffer();
}
