// Frames for a replay camera of a person who turns their head, made from one sample picture: each side of the nose is squeezed or
// stretched.
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { packageRoot } from '../../../src/base/files.js';

export const frameWidthPx = 384;
export const frameHeightPx = 384;

/** Scale of the widths of the left and the right part, and of the heights of the parts above and below the nose. */
type Warp = readonly [left: number, right: number, above: number, below: number];

const front: readonly Warp[] = [
  [1, 1, 1, 1],
  [0.9, 1.1, 1, 1],
  [0.85, 1.1, 1.03, 1],
  [0.8, 1.2, 1, 1],
  [0.95, 1, 0.97, 1.05],
  [0.8, 1, 1, 0.95],
  [1.05, 0.92, 1, 1.04],
  [1.1, 0.95, 1.05, 1],
  [0.92, 0.92, 1.03, 1.03],
];
const left: readonly Warp[] = [
  [1.3, 0.7, 1, 1],
  [1.35, 0.65, 1, 1],
  [1.25, 0.65, 1.05, 1],
  [1.2, 0.6, 1, 1.05],
  [1.3, 0.75, 0.9, 1],
  [1.2, 0.7, 1.05, 0.95],
];
const up: readonly Warp[] = [
  [1, 1, 0.8, 1.1],
  [1, 1, 0.7, 1.1],
  [0.95, 1.05, 0.75, 1.15],
  [1.1, 0.95, 0.65, 1.2],
  [0.9, 0.9, 0.7, 1.05],
];
const down: readonly Warp[] = [
  [1, 1, 1.1, 0.7],
  [0.9, 1.1, 1.2, 0.72],
  [1.1, 0.9, 1.1, 0.65],
  [0.95, 1, 1, 0.75],
];

/** The woman of a group photo, 300 px wide and high, and where her nose is. */
const portrait = { left: 180, top: 740, width: 560, height: 560 };
const sidePx = 300;
const nose = [162, 163] as const;

async function person(): Promise<Buffer> {
  const file = join(packageRoot, 'node_modules', '@vladmandic', 'face-api', 'demo', 'sample5.jpg');
  return sharp(file)
    .extract(portrait)
    .resize(sidePx, sidePx, { fit: 'fill' })
    .modulate({ brightness: 1.7 })
    .png()
    .toBuffer();
}

/** `picture` cut at the nose into four, each part resized. */
async function warped(picture: Buffer, [l, r, a, b]: Warp): Promise<{ data: Buffer; width: number; height: number }> {
  const [nx, ny] = nose;
  const widths = [Math.round(nx * l), Math.round((sidePx - nx) * r)] as const;
  const heights = [Math.round(ny * a), Math.round((sidePx - ny) * b)] as const;
  const parts = [0, 1].flatMap((x) =>
    [0, 1].map(async (y) => {
      const area = {
        left: x === 0 ? 0 : nx,
        top: y === 0 ? 0 : ny,
        width: x === 0 ? nx : sidePx - nx,
        height: y === 0 ? ny : sidePx - ny,
      };
      const part = sharp(picture).extract(area).resize(widths[x]!, heights[y]!, { fit: 'fill' });
      return { input: await part.png().toBuffer(), left: x === 0 ? 0 : widths[0], top: y === 0 ? 0 : heights[0] };
    }),
  );
  const [width, height] = [widths[0] + widths[1], heights[0] + heights[1]];
  const data = await sharp({ create: { width, height, channels: 3, background: '#000000' } })
    .composite(await Promise.all(parts))
    .png()
    .toBuffer();
  return { data, width, height };
}

/** Adds a shadow in a different position for each picture; otherwise the samples would be too similar to each other. */
async function shadowed(picture: Buffer, index: number): Promise<Buffer> {
  const [x, y] = nose;
  const [left, top, width, height] = [
    [0, 0, 1, 1],
    [0, 0, x, sidePx],
    [x, 0, sidePx - x, sidePx],
    [0, 0, sidePx, y - 20],
    [0, y + 10, sidePx, sidePx - y - 10],
    [0, 0, x + 25, y],
    [x - 25, 0, sidePx - x + 25, y],
  ][index % 7]!;
  const dark = { r: 0, g: 0, b: 0, alpha: 0.55 };
  const create = { width: width!, height: height!, channels: 4 as const, background: dark };
  return sharp(picture)
    .composite([{ input: { create }, left: left!, top: top! }])
    .png()
    .toBuffer();
}

async function draw(folder: string, warps: readonly (readonly [Warp, mirrored: boolean])[]): Promise<void> {
  const picture = await person();
  mkdirSync(folder);
  for (const [index, [warp, mirrored]] of warps.entries()) {
    const { data } = await warped(await shadowed(picture, index), warp);
    const turned = await sharp(data).flop(mirrored).png().toBuffer();
    await sharp({
      create: { width: frameWidthPx, height: frameHeightPx, channels: 3, background: '#8a8478' },
    })
      .composite([{ input: turned, left: 20, top: 20 }])
      .jpeg({ quality: 95 })
      .toFile(join(folder, `${index}.jpg`));
  }
}

const as = (warps: readonly Warp[], mirrored = false) => warps.map((warp) => [warp, mirrored] as const);

/** Writes frames of a person who looks into the camera into `folder`. */
export const drawFront = (folder: string): Promise<void> => draw(folder, as(front));

/** The same person turning to every side. */
export const drawEverySide = (folder: string): Promise<void> =>
  draw(folder, [...as(front), ...as(left), ...as(left, true), ...as(up), ...as(down)]);

/** Two people in each frame. */
export async function drawTwo(folder: string): Promise<void> {
  mkdirSync(folder);
  const small = await sharp(await person())
    .resize(190, 190)
    .toBuffer();
  for (const left of [0, 2])
    await sharp({ create: { width: frameWidthPx, height: frameHeightPx, channels: 3, background: '#8a8478' } })
      .composite([
        { input: small, left, top: 60 },
        { input: small, left: 192, top: 60 },
      ])
      .jpeg({ quality: 95 })
      .toFile(join(folder, `${left}.jpg`));
}

/** Removes all files in `folder`. */
export function empty(folder: string): void {
  for (const name of readdirSync(folder)) rmSync(join(folder, name));
}
