// Photos of drawn people: the faces of the demo, with a little of other light for each photo.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { drawPhoto } from '../../src/commands/demo/portraits.js';

export type Person = 'ada' | 'grace';

/** Writes `count` photos of a person, 1200 x 1500 pixels, and returns their paths. */
export async function drawPhotos(folder: string, person: Person, count: number): Promise<string[]> {
  mkdirSync(folder, { recursive: true });
  const paths: string[] = [];
  for (let i = 0; i < count; i++) {
    const path = join(folder, `${person}-${i}.jpg`);
    const pose = {
      light: -0.5 + (1.1 * i) / Math.max(1, count - 1),
      tiltDegrees: -12 + (24 * i) / Math.max(1, count - 1),
      smile: (3 * i) % 8,
    };
    await sharp(drawPhoto(person, pose)).resize(1200, 1500).jpeg({ quality: 90 }).toFile(path);
    paths.push(path);
  }
  return paths;
}

/** Two people on one photo. */
export async function drawGroup(path: string): Promise<string> {
  const [left, right] = await Promise.all(
    (['ada', 'grace'] as const).map((person) =>
      sharp(drawPhoto(person, { light: 0, tiltDegrees: 0, smile: 3 }))
        .resize(800, 1000)
        .png()
        .toBuffer(),
    ),
  );
  await sharp({ create: { width: 1600, height: 1000, channels: 3, background: '#8f9aa3' } })
    .composite([
      { input: left!, left: 0, top: 0 },
      { input: right!, left: 800, top: 0 },
    ])
    .jpeg()
    .toFile(path);
  return path;
}
