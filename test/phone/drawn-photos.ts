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
    // Photos that differ less count as the same one.
    const pose = { light: i % 2 === 0 ? -0.6 : 0.6, tiltDegrees: -14 + 7 * i, smile: (5 * i) % 12 };
    const drawn = sharp(drawPhoto(person, pose)).resize(1200, 1500);
    const lit = drawn.modulate({ brightness: 0.6 + 0.1 * i, saturation: 1.4 - 0.3 * i, hue: (i * 340) % 24 });
    await (i % 2 === 0 ? lit : lit.flop())
      .blur(0.3 + 1.2 * i)
      .gamma(1 + 0.4 * (i % 3))
      .jpeg({ quality: 90 })
      .toFile(path);
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
