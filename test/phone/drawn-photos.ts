// Photos of drawn people: the faces of the demo, in another pose, proportion and light on each photo.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { portrait } from '../../src/commands/demo/portraits.js';
import { cast, type Features, type Pose } from '../../src/commands/demo/script.js';

export type Person = 'ada' | 'grace';

/**
 * Photos that differ less count as the same one: two of these have a similarity below 0.97. The width of a photo changes the
 * proportions of the face, which makes the largest difference.
 */
const shots = [
  { light: -1, tiltDegrees: -14, smile: 0, widthPx: 1200, brightness: 0.7 },
  { light: 0.6, tiltDegrees: -7, smile: 16, widthPx: 1000, brightness: 0.9 },
  { light: 0, tiltDegrees: 0, smile: 6, widthPx: 1320, brightness: 1 },
  { light: -0.6, tiltDegrees: 8, smile: 22, widthPx: 1140, brightness: 0.8 },
  { light: 1, tiltDegrees: 14, smile: -4, widthPx: 1160, brightness: 1.15 },
] as const;

const featuresOf = (key: string): Features => cast.find((role) => role.key === key)!.features;

/** A portrait of the person with this key of the demo's cast, as SVG. */
export function drawPhoto(key: string, pose: Pose): Buffer {
  return Buffer.from(portrait(featuresOf(key), pose));
}

/** Somebody between two people of the cast: `share` is that of the second one, 0 to 1. Similarity falls with the share. */
export function drawRelative(first: string, second: string, share: number, pose: Pose): Buffer {
  const [a, b] = [featuresOf(first), featuresOf(second)];
  const number = (x: number, y: number): number => x * (1 - share) + y * share;
  const colour = (x: string, y: string): string => {
    const part = (at: number): string =>
      Math.round(number(Number.parseInt(x.slice(at, at + 2), 16), Number.parseInt(y.slice(at, at + 2), 16)))
        .toString(16)
        .padStart(2, '0');
    return `#${part(1)}${part(3)}${part(5)}`;
  };
  const mixed = Object.entries(a).map(([key, x]) => {
    const y = b[key as keyof Features];
    if (typeof x === 'number') return [key, number(x, y as number)];
    return [key, typeof x === 'string' ? colour(x, y as string) : share < 0.5 ? x : y];
  });
  return Buffer.from(portrait(Object.fromEntries(mixed) as Features, pose));
}

/** Writes up to five photos of a person, about 1200 x 1500 pixels, and returns their paths. */
export async function drawPhotos(folder: string, person: Person, count: number): Promise<string[]> {
  mkdirSync(folder, { recursive: true });
  return Promise.all(
    shots.slice(0, count).map(async ({ widthPx, brightness, ...pose }, i) => {
      const path = join(folder, `${person}-${i}.jpg`);
      const drawn = sharp(drawPhoto(person, pose)).resize(widthPx, 1500, { fit: 'fill' });
      await (i % 2 === 0 ? drawn : drawn.flop())
        .modulate({ brightness, hue: 5 * i })
        .blur(0.5 + i)
        .jpeg({ quality: 90 })
        .toFile(path);
      return path;
    }),
  );
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

/**
 * Frames in which two people sit and move a little. Ada differs so much from her photos that she gets no name. The other one resembles
 * Grace so much that roomkin takes them for her.
 */
export async function drawFrames(folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  for (let i = 0; i < 6; i++) {
    // The same pose in each frame: what a correction learns from one of them holds for the others.
    const pose = { light: 0.1, tiltDegrees: 1, smile: 2 };
    const [ada, visitor] = await Promise.all(
      [drawRelative('ada', 'visitor', 0.5, pose), drawRelative('grace', 'visitor', 0.6, pose)].map((drawn) =>
        sharp(drawn).resize(320, 400).png().toBuffer(),
      ),
    );
    await sharp({ create: { width: 1280, height: 960, channels: 3, background: '#8f9aa3' } })
      .composite([
        { input: ada!, left: 180 + 4 * i, top: 300 },
        { input: visitor!, left: 760 - 4 * i, top: 320 },
      ])
      .jpeg({ quality: 92 })
      .toFile(join(folder, `${i}.jpg`));
  }
}
