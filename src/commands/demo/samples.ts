// The demo's people: faces in the sample photos of a development dependency. The photos are not part of roomkin.

import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { fail } from '../../base/errors.js';
import { photoFrame, readPhoto } from '../../camera/photo.js';
import type { Engine } from '../../engine/engine.js';
import type { Face } from '../../vision/face.js';
import { photoProgress } from '../photo-analysis.js';
import type { Casting } from './script.js';

/** The folder of the sample photos. Errors: SAMPLES_MISSING. */
export function sampleFolder(): string {
  try {
    const folder = join(dirname(createRequire(import.meta.url).resolve('@vladmandic/face-api/package.json')), 'demo');
    if (existsSync(join(folder, 'sample1.jpg'))) return folder;
  } catch {
    // Not installed: the error below says so.
  }
  throw fail(
    'SAMPLES_MISSING',
    'the demo needs sample photos from the development dependencies: run npm ci in a checkout',
  );
}

/** The faces of one photo from left to right, found by the real detector. */
async function facesFromLeft(engine: Engine, path: string, progress: (text: string) => void): Promise<readonly Face[]> {
  const photo = await readPhoto(path);
  const request = { search: 'all', embed: false } as const;
  const analysis = await engine.analyze(photoFrame(photo), request, photoProgress(photo, progress));
  return analysis.faces.toSorted((a, b) => a.box[0] - b.box[0]);
}

/** The face for a role. Errors: SAMPLES_MISSING when the photo does not show it. */
export async function castFace(
  engine: Engine,
  folder: string,
  casting: Casting,
  progress: (text: string) => void = () => {},
): Promise<Face> {
  const face = (await facesFromLeft(engine, join(folder, casting.photo), progress))[casting.face];
  if (face) return face;
  throw fail(
    'SAMPLES_MISSING',
    `no face ${casting.face + 1} from the left in ${casting.photo}: run npm ci in a checkout`,
  );
}

// The photos that the demo enrols: each person is cropped from a group photo, as a user would do it for `roomkin enrol`.

/** Writes `folder/name/1.jpg` with `face` and some surroundings. */
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
