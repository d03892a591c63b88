// A picture with its faces marked: box, landmarks, the number of the face and the distance between its eyes in pixels.
import { rmSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { extname } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { fail } from '../../base/errors.js';
import type { Box, Point } from '../../vision/face.js';
import { goodQuality } from '../../vision/quality-gate.js';

/** `too-small`: ignored. `small`: recognised, but each frame counts less. */
export type FaceSize = 'good' | 'small' | 'too-small';

export interface MarkedFace {
  /** In pixels of the frame, like the landmarks. */
  readonly box: Box;
  readonly landmarks: readonly Point[];
  readonly eyesPx: number;
}

export const sizeColours: Readonly<Record<FaceSize, readonly [red: number, green: number, blue: number]>> = {
  good: [64, 220, 96],
  small: [255, 190, 40],
  'too-small': [255, 80, 64],
};

export function faceSize(eyesPx: number, leastEyesPx: number): FaceSize {
  if (eyesPx < leastEyesPx) return 'too-small';
  return eyesPx < goodQuality.eyesPx ? 'small' : 'good';
}

/** What the size means, with the values that would be better. */
export function sizeText(eyesPx: number, leastEyesPx: number): string {
  const size = faceSize(eyesPx, leastEyesPx);
  if (size === 'good') return `good (${goodQuality.eyesPx} px or more)`;
  if (size === 'small') return `small (${goodQuality.eyesPx} px or more is good)`;
  return `too small (at least ${leastEyesPx} px; ${goodQuality.eyesPx} px or more is good)`;
}

/**
 * Writes `picture` with `faces` to `path` as JPEG, PNG or WebP, mode 0600; an existing file is replaced as a whole. `scale`: pixels of
 * the picture per pixel of the frame. Errors: USAGE (another ending), OUTPUT.
 */
export async function writeMarked(
  path: string,
  picture: Sharp,
  faces: readonly MarkedFace[],
  { scale, leastEyesPx }: { readonly scale: number; readonly leastEyesPx: number },
): Promise<void> {
  const format = ({ '.jpg': 'jpeg', '.jpeg': 'jpeg', '.png': 'png', '.webp': 'webp' } as const)[
    extname(path).toLowerCase()
  ];
  if (format === undefined) throw fail('USAGE', `${path} must end with .jpg, .png or .webp`);
  const { data, info } = await picture.raw().toBuffer({ resolveWithObject: true });
  const drawing = Buffer.from(drawingOf(info, faces, scale, leastEyesPx));
  const { width, height, channels } = info;
  const marked = sharp(data, { raw: { width, height, channels: channels as 3 } }).composite([{ input: drawing }]);
  const aside = `${path}.${process.pid}.part`;
  const mask = process.umask(0o077);
  // Ctrl-C may end the process in the middle.
  const remove = (): void => rmSync(aside, { force: true });
  process.once('exit', remove);
  try {
    await marked.toFormat(format).toFile(aside);
    await rename(aside, path);
  } catch (cause) {
    remove();
    throw fail('OUTPUT', `${path} cannot be written (${(cause as Error).message}): choose another folder`, cause);
  } finally {
    process.off('exit', remove);
    process.umask(mask);
  }
}

function drawingOf(
  { width, height }: { readonly width: number; readonly height: number },
  faces: readonly MarkedFace[],
  scale: number,
  leastEyesPx: number,
): string {
  const line = Math.max(1.5, Math.max(width, height) / 640);
  const dot = Math.round(line * 1.6);
  const marks = faces.map(({ box, landmarks, eyesPx }, index) => {
    const [x, y, w, h] = box.map((value) => value * scale) as unknown as Box;
    const colour = `rgb(${sizeColours[faceSize(eyesPx, leastEyesPx)].join(',')})`;
    const dots = landmarks
      .map(([px, py]) => `<circle cx="${px * scale}" cy="${py * scale}" r="${line * 1.2}" fill="${colour}"/>`)
      .join('');
    const label = `${index + 1}: ${Math.round(eyesPx)} px`;
    const below = Math.min(height - 8 * dot, y + h + 2 * line);
    return (
      `<rect x="${x}" y="${y}" width="${w}" height="${h}" fill="none" stroke="${colour}" stroke-width="${line}"/>` +
      `${dots}${letters(label, Math.max(0, x), below, dot, colour)}`
    );
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${marks.join('')}</svg>`;
}

// A machine without a screen may have no fonts, so the few characters are drawn here: 3 by 5 dots, row by row.
const glyphs: Readonly<Record<string, readonly number[]>> = {
  '0': [7, 5, 5, 5, 7],
  '1': [2, 6, 2, 2, 7],
  '2': [7, 1, 7, 4, 7],
  '3': [7, 1, 7, 1, 7],
  '4': [5, 5, 7, 1, 1],
  '5': [7, 4, 7, 1, 7],
  '6': [7, 4, 7, 5, 7],
  '7': [7, 1, 1, 2, 2],
  '8': [7, 5, 7, 5, 7],
  '9': [7, 5, 7, 1, 7],
  ':': [0, 2, 0, 2, 0],
  p: [0, 7, 5, 7, 4],
  x: [0, 5, 2, 5, 0],
};

function letters(text: string, x: number, y: number, dot: number, colour: string): string {
  const dots = [...text].flatMap((character, index) =>
    (glyphs[character] ?? []).flatMap((bits, row) =>
      [0, 1, 2]
        .filter((column) => (bits >> (2 - column)) & 1)
        .map((column) => {
          const at = [x + (index * 4 + column + 1) * dot, y + (row + 1) * dot];
          return `<rect x="${at[0]}" y="${at[1]}" width="${dot}" height="${dot}" fill="${colour}"/>`;
        }),
    ),
  );
  const back = `<rect x="${x}" y="${y}" width="${(text.length * 4 + 1) * dot}" height="${7 * dot}" fill="rgba(0,0,0,0.6)"/>`;
  return `${back}${dots.join('')}`;
}
