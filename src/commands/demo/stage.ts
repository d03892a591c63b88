// Draws the demo's frames: a room, and people cut out of sample photos who walk through it. The frames are JPEG files for the replay
// camera, so everything after the camera works as in a real room.
import { join } from 'node:path';
import sharp, { type OverlayOptions } from 'sharp';
import type { Box, Face } from '../../vision/face.js';
import { framerate, lengthSeconds, type Walk, walks } from './script.js';

export const widthPx = 640;
export const heightPx = 480;

/** A person cut out of a photo with a transparent background, at the scale of the photo. */
export interface Cutout {
  readonly png: Buffer;
  /** The same person from behind: the face is covered with the colour of hair. */
  readonly behindPng: Buffer;
  /** Distance between the eyes in the cut-out, pixels. */
  readonly eyesPx: number;
  /** The point midway between the eyes, pixels. */
  readonly centre: readonly [x: number, y: number];
}

/** Vertical position of the eyes in the picture, as a fraction of its height. */
const eyeLine = 0.42;

const room = Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="${widthPx}" height="${heightPx}">
  <defs>
    <linearGradient id="wall" x1="0" y1="0" x2="1" y2="1"><stop offset="0" stop-color="#c9c2b4"/><stop offset="1" stop-color="#a59d8d"/></linearGradient>
    <linearGradient id="floor" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="#7a5f45"/><stop offset="1" stop-color="#5d4733"/></linearGradient>
  </defs>
  <rect width="640" height="480" fill="url(#wall)"/>
  <rect y="385" width="640" height="95" fill="url(#floor)"/>
  <rect y="378" width="640" height="8" fill="#e6e0d4"/>
  <rect x="250" y="40" width="130" height="150" fill="#dfe9ee" stroke="#f4f1ea" stroke-width="10"/>
  <path d="M315 40V190M250 115H380" stroke="#f4f1ea" stroke-width="6"/>
  <rect x="30" y="60" width="90" height="60" fill="#5f7a82" stroke="#3d3a34" stroke-width="6"/>
  <rect x="470" y="290" width="150" height="95" rx="14" fill="#4c6357"/>
  <rect x="455" y="340" width="180" height="60" rx="12" fill="#58725f"/>
  <path d="M70 385V250" stroke="#35322d" stroke-width="5"/>
  <path d="M40 250L52 200H88L100 250Z" fill="#e9d9a8"/>
</svg>`);

/** Cuts `face` and the shoulders below it out of the photo at `path`. */
export async function cutOut(path: string, face: Face): Promise<Cutout> {
  const [right, left] = face.landmarks;
  const eyesPx = Math.hypot(left[0] - right[0], left[1] - right[1]);
  const middle: readonly [number, number] = [(left[0] + right[0]) / 2, (left[1] + right[1]) / 2];
  const photo = sharp(path).rotate();
  const { data, info } = await photo.removeAlpha().toBuffer({ resolveWithObject: true });
  const region = within([middle[0] - 1.7 * eyesPx, middle[1] - 1.9 * eyesPx, 3.4 * eyesPx, 4.6 * eyesPx], info);
  const [x, y, width, height] = region;
  const picture = await sharp(data).extract({ left: x, top: y, width, height }).png().toBuffer();
  const centre: readonly [number, number] = [middle[0] - x, middle[1] - y];
  const mask = svg(
    width,
    height,
    `<filter id="soft"><feGaussianBlur stdDeviation="${0.12 * eyesPx}"/></filter>
     <ellipse cx="${centre[0]}" cy="${centre[1] + 0.35 * eyesPx}" rx="${1.2 * eyesPx}" ry="${1.65 * eyesPx}" fill="#fff" filter="url(#soft)"/>`,
  );
  const png = await sharp(picture)
    .ensureAlpha()
    .composite([{ input: mask, blend: 'dest-in' }])
    .png()
    .toBuffer();
  const hair = svg(
    width,
    height,
    `<ellipse cx="${centre[0]}" cy="${centre[1] + 0.3 * eyesPx}" rx="${1.15 * eyesPx}" ry="${1.6 * eyesPx}" fill="#3a2c22"/>`,
  );
  const behindPng = await sharp(png)
    .composite([{ input: hair, blend: 'atop' }])
    .png()
    .toBuffer();
  return { png, behindPng, eyesPx, centre };
}

/** Writes `frame-0000.jpg` ... into `folder`; calls `progress(done, all)` after each. */
export async function drawFrames(
  folder: string,
  cutouts: ReadonlyMap<string, Cutout>,
  progress: (done: number, all: number) => void,
): Promise<void> {
  const background = await sharp(room).removeAlpha().png().toBuffer();
  const all = lengthSeconds * framerate;
  for (let index = 0; index < all; index++) {
    const seconds = index / framerate;
    const onStage = walks.filter((walk) => seconds >= walk.fromSeconds && seconds < walk.toSeconds);
    const bodies = onStage.map((walk) => bodyOf(walk, positionOf(walk, seconds)));
    const layers: OverlayOptions[] = [{ input: svg(widthPx, heightPx, bodies.join('')), left: 0, top: 0 }];
    for (const walk of onStage) {
      const layer = await layerOf(walk, seconds, cutouts.get(walk.role)!);
      if (layer) layers.push(layer);
    }
    const name = `frame-${String(index).padStart(4, '0')}.jpg`;
    await sharp(background).composite(layers).jpeg({ quality: 88 }).toFile(join(folder, name));
    progress(index + 1, all);
  }
}

/** The point midway between the eyes, pixels. A slow nod makes any two frames differ, as with real people. */
function positionOf(walk: Walk, seconds: number): readonly [x: number, y: number] {
  const progress = (seconds - walk.fromSeconds) / (walk.toSeconds - walk.fromSeconds);
  const nodPx = 3 * Math.sin(seconds * 2.1 + walk.eyesPx);
  return [widthPx * (walk.fromX + progress * (walk.toX - walk.fromX)), heightPx * eyeLine + nodPx];
}

function bodyOf(walk: Walk, [x, y]: readonly [number, number]): string {
  const at = `translate(${x} ${y}) scale(${walk.eyesPx})`;
  const colour = walk.role === 'ada' ? '#7d3f4b' : walk.role === 'grace' ? '#3f5f4b' : '#44506e';
  return `<path transform="${at}" fill="${colour}" d="M-0.5 1.6C-1.8 1.9 -2.3 2.3 -2.4 3.4L-2.5 9H2.5L2.4 3.4C2.3 2.3 1.8 1.9 0.5 1.6Z"/>`;
}

async function layerOf(walk: Walk, seconds: number, cutout: Cutout): Promise<OverlayOptions | null> {
  const [centreX, eyesY] = positionOf(walk, seconds);
  const scale = walk.eyesPx / cutout.eyesPx;
  const { data, info } = await sharp(walk.turnedAway ? cutout.behindPng : cutout.png)
    .resize({ width: Math.round(scale * (await sharp(cutout.png).metadata()).width) })
    .modulate({ brightness: 0.92 + 0.06 * Math.sin(seconds) })
    .png()
    .toBuffer({ resolveWithObject: true });
  const left = Math.round(centreX - cutout.centre[0] * scale);
  const top = Math.round(eyesY - cutout.centre[1] * scale);
  const [x, y, width, height] = within([left, top, info.width, info.height], { width: widthPx, height: heightPx });
  if (width <= 1 || height <= 1) return null;
  const input = await sharp(data)
    .extract({ left: x - left, top: y - top, width, height })
    .toBuffer();
  return { input, left: x, top: y };
}

/** `box` in whole pixels, limited to the picture. */
function within(box: Box, picture: { readonly width: number; readonly height: number }): Box {
  const x = Math.max(0, Math.round(box[0]));
  const y = Math.max(0, Math.round(box[1]));
  const right = Math.min(picture.width, Math.round(box[0] + box[2]));
  const bottom = Math.min(picture.height, Math.round(box[1] + box[3]));
  return [x, y, Math.max(0, right - x), Math.max(0, bottom - y)];
}

const svg = (width: number, height: number, body: string): Buffer =>
  Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${body}</svg>`);
