// The frames that `roomkin bench` analyses: a drawn room with the drawn people of the demo, as a camera gives them. Everybody moves a little
// and a lamp flickers, so that no frame passes for unchanged.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp, { type OverlayOptions } from 'sharp';
import type { Engine } from '../../engine/engine.js';
import type { Picture } from '../../vision/picture.js';
import { drawCast } from '../demo/portraits.js';
import type { Cutout } from '../demo/stage.js';

export const widthPx = 1280;
export const heightPx = 960;
/** Different frames of a scene. They repeat. */
const steps = 4;
/** Distance between the eyes: somebody about two metres from a camera with 66 degrees. */
const eyesPx = 36;
const wall = '#a59d8d';

/** Draws the people, once for all scenes. Errors: ENGINE_FAILED. */
export async function drawPeople(engine: Engine): Promise<readonly Cutout[]> {
  const folder = await mkdtemp(join(tmpdir(), 'roomkin-bench-'));
  try {
    return [...(await drawCast(engine, folder)).values()];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The frames of a room with `count` faces, I420. */
export async function sceneWith(count: number, people: readonly Cutout[]): Promise<readonly Picture[]> {
  const columns = Math.max(1, Math.ceil(Math.sqrt(count * 1.4)));
  const rows = Math.max(1, Math.ceil(count / columns));
  const frames: Picture[] = [];
  for (let step = 0; step < steps; step++) {
    const layers: OverlayOptions[] = [
      { input: await block(step % 2 === 0 ? '#5a5a5a' : '#787878'), left: 0, top: heightPx - 96 },
    ];
    for (let index = 0; index < count; index++) {
      const { png, eyesPx: drawnPx, centre } = people[index % people.length]!;
      const scale = eyesPx / drawnPx;
      const { width } = await sharp(png).metadata();
      const input = await sharp(png)
        .resize({ width: Math.round(width * scale) })
        .png()
        .toBuffer();
      const x = (((index % columns) + 0.5) * widthPx) / columns - centre[0] * scale + 3 * step;
      const y = ((Math.floor(index / columns) + 0.5) * heightPx) / rows - centre[1] * scale;
      layers.push({ input, left: Math.round(x), top: Math.round(y) });
    }
    const room = sharp({ create: { width: widthPx, height: heightPx, channels: 3, background: wall } });
    frames.push(i420(await room.composite(layers).removeAlpha().raw().toBuffer()));
  }
  return frames;
}

/** A frame as the JPEG that a camera in the network gives. */
export async function jpegOf({ width, height, data }: Picture): Promise<Buffer> {
  return sharp(data.subarray(0, width * height), { raw: { width, height, channels: 1 } })
    .toColourspace('srgb')
    .jpeg({ quality: 85 })
    .toBuffer();
}

function block(background: string): Promise<Buffer> {
  return sharp({ create: { width: 96, height: 96, channels: 3, background } })
    .png()
    .toBuffer();
}

/** Full range BT.601, as the camera of a Pi gives it. */
function i420(rgb: Uint8Array): Picture {
  const data = new Uint8ClampedArray((widthPx * heightPx * 3) / 2);
  const [u, v] = [widthPx * heightPx, (widthPx * heightPx * 5) / 4];
  for (let y = 0; y < heightPx; y++) {
    for (let x = 0; x < widthPx; x++) {
      const at = (y * widthPx + x) * 3;
      const [r, g, b] = [rgb[at]!, rgb[at + 1]!, rgb[at + 2]!];
      data[y * widthPx + x] = 0.299 * r + 0.587 * g + 0.114 * b;
      if (x % 2 === 1 || y % 2 === 1) continue;
      const chroma = ((y / 2) * widthPx) / 2 + x / 2;
      data[u + chroma] = 128 - 0.168736 * r - 0.331264 * g + 0.5 * b;
      data[v + chroma] = 128 + 0.5 * r - 0.418688 * g - 0.081312 * b;
    }
  }
  return { width: widthPx, height: heightPx, format: 'i420', stride: widthPx, data: new Uint8Array(data.buffer) };
}
