// Photos → faces, one at a time, so that at most one decoded photo is in memory. A bad photo does not end the verb: all bad photos are
// listed before anything is changed.

import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { type ErrorCode, fail, RoomkinError } from '../base/errors.js';
import { decodePhoto, type PhotoBytes, photoFrame, type RgbPicture, readPhoto } from '../camera/photo.js';
import { folderContent, folderEmpty, type PassedOver } from '../camera/photo-files.js';
import { reasonOf, unreadable } from '../camera/unreadable.js';
import type { Engine } from '../engine/engine.js';
import { clearestTurn, isDoubtful } from '../gallery/enrolment.js';
import type { Box, Face, Landmarks } from '../vision/face.js';
import { type Frame, type Size, type Turn, turnedBack, turnedRgb } from '../vision/picture.js';
import { photoViews } from '../vision/search.js';
import type { CommandIo } from './command.js';

/** A photo that cannot be used; the sentence names the file. */
export interface BadPhoto {
  readonly file: string;
  readonly code: ErrorCode;
  readonly sentence: string;
}

/** The faces of one photo. Their pixels are those of `picture`, which may be reduced in size. */
export interface AnalysedPhoto {
  readonly file: string;
  readonly picture: Omit<RgbPicture, 'data'>;
  /** In the pixels of the picture as it is; their quality is that in the turned picture. */
  readonly faces: readonly Face[];
  /** By how much the picture was turned clockwise before its faces were found; 0: not at all. */
  readonly turn: Turn;
}

/** Photos to read, and what was passed over in the folders. */
export interface FoundPhotos {
  readonly photos: readonly string[];
  readonly passedOver: readonly PassedOver[];
}

/**
 * The photos at `paths` (files and folders), each once. A path that does not exist stays in the list, so that it is reported with the
 * other bad photos. Errors: FOLDER_EMPTY.
 */
export async function findPhotos(paths: readonly string[]): Promise<FoundPhotos> {
  const files = new Set<string>();
  const passedOver = new Map<string, PassedOver>();
  for (const path of paths) {
    const content = await folderContent(path).catch((error: unknown) => {
      if (error instanceof RoomkinError && error.code === 'PHOTO_UNREADABLE') return { photos: [path], passedOver: [] };
      throw error;
    });
    if (content.photos.length === 0) throw folderEmpty(path, content.passedOver);
    for (const file of content.photos) files.add(file);
    for (const entry of content.passedOver) passedOver.set(entry.file, entry);
  }
  return { photos: [...files], passedOver: [...passedOver.values()].filter(({ file }) => !files.has(file)) };
}

/**
 * Reads and analyses one photo: every tile, or those that the portrait of one person needs, and the mirror image too. A photo without a face
 * that is clearly upright may lie on its side: it is searched again turned by 90, 180 and 270 degrees, and the clearest turn is used.
 * A bad photo is returned, other errors are thrown. `progress` is called with a text that says how far it is: a slow board takes minutes
 * for a photo. `photo`: its path, or its bytes where it is in memory.
 */
export async function analysePhoto(
  engine: Engine,
  photo: string | PhotoBytes,
  progress: (text: string) => void = () => {},
  search: 'all' | 'portrait' = 'all',
): Promise<AnalysedPhoto | BadPhoto> {
  const file = typeof photo === 'string' ? photo : photo.name;
  try {
    const picture = typeof photo === 'string' ? await readPhoto(photo) : await decodePhoto(photo.bytes, photo.name);
    const request = { search, mirror: true } as const;
    const frame = photoFrame(picture);
    const { faces } = await engine.analyze(frame, request, photoProgress(picture, progress));
    const { data: _, ...rest } = picture;
    if (!isDoubtful(faces)) return { file, picture: rest, faces, turn: 0 };
    const best = clearestTurn([
      { ...sizeTurned(frame, 0), faces },
      await facesTurned(engine, frame, 90, progress),
      await facesTurned(engine, frame, 180, progress),
      await facesTurned(engine, frame, 270, progress),
    ]);
    return {
      file,
      picture: rest,
      faces: best.faces.map((face) => placedBack(face, best.turn, picture)),
      turn: best.turn,
    };
  } catch (error) {
    if (error instanceof RoomkinError && error.exitCode === 65)
      return { file, code: error.code, sentence: error.message };
    throw error;
  }
}

interface TurnedFaces {
  readonly turn: Turn;
  readonly width: number;
  readonly height: number;
  readonly faces: readonly Face[];
}

/** The size of a frame after a turn. */
function sizeTurned({ width, height }: Size, turn: Turn): Omit<TurnedFaces, 'faces'> {
  return turn === 90 || turn === 270 ? { turn, width: height, height: width } : { turn, width, height };
}

/** The faces of a photo that is turned; only the faces that a portrait needs, because it costs three times the first search. */
async function facesTurned(
  engine: Engine,
  frame: Frame,
  turn: 90 | 180 | 270,
  progress: (text: string) => void,
): Promise<TurnedFaces> {
  progress(`looking at it turned by ${turn}°`);
  const { capturedAt, sequence } = frame;
  const turned = { ...turnedRgb({ ...frame, format: 'rgb' }, turn), capturedAt, sequence };
  const { faces } = await engine.analyze(turned, { search: 'portrait', mirror: true });
  return { ...sizeTurned(frame, turn), faces };
}

/** A face of the turned picture in the pixels of the picture as it is. */
function placedBack(face: Face, turn: Turn, { width, height }: Size): Face {
  if (turn === 0) return face;
  const [x, y, w, h] = face.box;
  const corners = [turnedBack([x, y], turn, width, height), turnedBack([x + w, y + h], turn, width, height)] as const;
  const [left, top] = [Math.min(corners[0][0], corners[1][0]), Math.min(corners[0][1], corners[1][1])];
  const box: Box = [left, top, Math.abs(corners[1][0] - corners[0][0]), Math.abs(corners[1][1] - corners[0][1])];
  const landmarks = face.landmarks.map((point) => turnedBack(point, turn, width - 1, height - 1));
  return { ...face, box, landmarks: landmarks as unknown as Landmarks };
}

/** Counts the steps of the engine and says how much of `picture` is searched. */
export function photoProgress(
  picture: Pick<RgbPicture, 'width' | 'height'>,
  progress: (text: string) => void,
): (engineStep: string) => void {
  const views = photoViews(picture);
  let searched = 0;
  return (engineStep) => {
    if (engineStep === 'detect') searched++;
    if (engineStep === 'embed') progress('comparing faces');
    else if (engineStep === 'detect' && searched <= views) progress(`${searched} of at most ${views} parts searched`);
    else if (engineStep === 'detect') progress('checking what was found');
  };
}

export function isBad(photo: object): photo is BadPhoto {
  return 'sentence' in photo;
}

/** Throws one error for `bad` photos, with a line for each. `consequence` says what was not done because of them. */
export function refuseBadPhotos(bad: readonly BadPhoto[], total: number, consequence: string): void {
  const [first] = bad;
  if (!first) return;
  if (bad.length === 1) throw fail(first.code, `${first.sentence}; ${consequence}`);
  const lines = bad.map(({ code, sentence }) => `roomkin: ${code}: ${sentence}`);
  throw fail(first.code, `${bad.length} of ${total} photos cannot be used; ${consequence}`, lines);
}

/**
 * Refuses files that are missing or may not be read, before any model is loaded: as soon as there is one, or where `which` is `all` only if
 * no other photo is left.
 */
export async function refuseMissingPhotos(
  paths: readonly string[],
  consequence: string,
  which: 'any' | 'all' = 'any',
): Promise<void> {
  const missing: BadPhoto[] = [];
  for (const file of paths) {
    try {
      await access(file, constants.R_OK);
    } catch (cause) {
      const { code, message } = unreadable(file, reasonOf(cause), cause);
      missing.push({ file, code, sentence: message });
    }
  }
  if (which === 'any' || missing.length === paths.length) refuseBadPhotos(missing, paths.length, consequence);
}

/** Shows progress on stderr, and throws when the user has stopped the verb. */
export function step(io: CommandIo, text: string): void {
  io.signal.throwIfAborted();
  io.progress(text);
}
