// The demo's people: faces in the sample photos that come with a development dependency. None is part of roomkin.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fail } from '../../base/errors.js';
import { readPhoto } from '../../capture/photo.js';
import type { Face } from '../../domain/face.js';
import type { Engine } from '../../engine/engine.js';
import type { Casting } from './script.js';

/** The folder of the sample photos. Errors: SAMPLES_MISSING. */
export function sampleFolder(): string {
  try {
    const folder = join(dirname(createRequire(import.meta.url).resolve('@vladmandic/face-api/package.json')), 'demo');
    if (existsSync(join(folder, 'sample1.jpg'))) return folder;
  } catch {
    // Not installed: said below.
  }
  throw fail(
    'SAMPLES_MISSING',
    'the demo needs sample photos from the development dependencies: run npm ci in a checkout',
  );
}

/** The faces of one photo from left to right, found by the real detector. */
export async function facesFromLeft(engine: Engine, path: string): Promise<readonly Face[]> {
  const photo = await readPhoto(path);
  const analysis = await engine.analyze({ ...photo, capturedAt: 0, sequence: 0 }, { search: 'all', embed: false });
  return analysis.faces.toSorted((a, b) => a.box[0] - b.box[0]);
}

/** The face a role is cast with. Errors: SAMPLES_MISSING when the photo does not show it. */
export async function castFace(engine: Engine, folder: string, casting: Casting): Promise<Face> {
  const face = (await facesFromLeft(engine, join(folder, casting.photo)))[casting.face];
  if (face) return face;
  throw fail(
    'SAMPLES_MISSING',
    `no face ${casting.face + 1} from the left in ${casting.photo}: run npm ci in a checkout`,
  );
}
