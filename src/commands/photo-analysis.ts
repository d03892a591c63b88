// Photos → faces, one at a time: neither pixels nor decoded photos pile up. A bad photo is a finding, not the end: all of them
// are named before anything is decided.

import { type ErrorCode, fail, RoomkinError } from '../base/errors.js';
import { listPhotos, photoFrame, type RgbPicture, readPhoto } from '../camera/photo.js';
import type { Engine } from '../engine/engine.js';
import type { Face } from '../vision/face.js';
import type { CommandIo } from './command.js';

/** A photo that cannot be used; the sentence names the file. */
export interface BadPhoto {
  readonly file: string;
  readonly code: ErrorCode;
  readonly sentence: string;
}

/** What the engine found in one photo. Pixels of the faces are those of `picture`, which was perhaps shrunk. */
export interface AnalysedPhoto {
  readonly file: string;
  readonly picture: Omit<RgbPicture, 'data'>;
  readonly faces: readonly Face[];
}

/**
 * The photos at `paths` (files and folders), each once. What is not there stays in the list, to be named with the other bad
 * photos. Errors: FOLDER_EMPTY.
 */
export async function findPhotos(paths: readonly string[]): Promise<string[]> {
  const files = new Set<string>();
  for (const path of paths) {
    const found = await listPhotos(path).catch((error: unknown) => {
      if (error instanceof RoomkinError && error.code === 'PHOTO_UNREADABLE') return [path];
      throw error;
    });
    for (const file of found) files.add(file);
  }
  return [...files];
}

/** Reads and analyses one photo, every tile searched, the mirror image too. A bad photo is returned, other faults are thrown. */
export async function analysePhoto(engine: Engine, file: string): Promise<AnalysedPhoto | BadPhoto> {
  try {
    const picture = await readPhoto(file);
    const { faces } = await engine.analyze(photoFrame(picture), { search: 'all', mirror: true });
    const { data: _, ...rest } = picture;
    return { file, picture: rest, faces };
  } catch (error) {
    if (error instanceof RoomkinError && error.exitCode === 65)
      return { file, code: error.code, sentence: error.message };
    throw error;
  }
}

export function isBad(photo: object): photo is BadPhoto {
  return 'sentence' in photo;
}

/** Throws one error for `bad` photos, with one line for each. `consequence` says what was therefore not done. */
export function refuseBadPhotos(bad: readonly BadPhoto[], total: number, consequence: string): void {
  const [first] = bad;
  if (!first) return;
  if (bad.length === 1) throw fail(first.code, `${first.sentence}; ${consequence}`);
  const lines = bad.map(({ code, sentence }) => `roomkin: ${code}: ${sentence}`);
  throw fail(first.code, `${bad.length} of ${total} photos cannot be used; ${consequence}`, lines);
}

/** Says on stderr how far a verb is and stops it when the user did. */
export function step(io: CommandIo, text: string): void {
  io.signal.throwIfAborted();
  io.progress(text);
}
