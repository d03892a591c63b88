// Measures the detector's recall by the distance between the eyes, and its false faces. Portraits of ../shared/eval/people
// are pasted into the room photos of ../shared/eval/rooms at 1280x960. Each picture is searched as one video frame in which
// nothing is known to have moved, or as a photo (`roomkin detect`, `roomkin identify`).
//
//   npx tsc -p tsconfig.test.json && node .test-build/test/bars/recall.js [video|photo] [ROOMS] [PX,PX,...]

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import sharp from 'sharp';
import { packageRoot } from '../../src/base/files.js';
import { photoFrame, readPhoto } from '../../src/camera/photo.js';
import type { Engine } from '../../src/engine/engine.js';
import { createEngine } from '../../src/engine/supervisor.js';
import { primaryFace } from '../../src/gallery/enrolment.js';
import type { Face } from '../../src/vision/face.js';
import type { Frame } from '../../src/vision/picture.js';
import { toI420 } from '../vision/made-picture.js';

const [roomWidth, roomHeight] = [1280, 960];
const perRoom = 4;

/** The folder with the evaluation pictures, which are not in the repository; null where it does not exist. */
export function evaluationFolder(): string | null {
  const folder = join(process.env['ROOMKIN_SHARED'] ?? join(packageRoot, '..', 'shared'), 'eval');
  return existsSync(join(folder, 'rooms')) && existsSync(join(folder, 'people')) ? folder : null;
}

export interface Recall {
  readonly eyesPx: number;
  readonly pasted: number;
  readonly found: number;
}

export interface RecallReport {
  readonly rooms: number;
  readonly falsePerEmptyRoom: number;
  readonly recall: readonly Recall[];
}

interface Portrait {
  readonly file: string;
  readonly width: number;
  readonly height: number;
  /** Middle of the eyes and the distance between them, pixels of the portrait. */
  readonly x: number;
  readonly y: number;
  readonly eyesPx: number;
}

/** How a picture is searched. */
export type Search = 'video' | 'photo';

/** A room, and where faces were pasted into it: the middle of the eyes. */
interface Scene {
  /** null: an empty room. */
  readonly eyesPx: number | null;
  /** RGB, 1280x960. */
  readonly pixels: Uint8Array;
  readonly eyes: readonly (readonly [number, number])[];
}

/** Measures on the first `rooms` rooms. Pictures, positions and people are the same in every run. */
export async function measureRecall(
  folder: string,
  search: Search,
  rooms: number,
  sizes: readonly number[],
): Promise<RecallReport> {
  await using engine = createEngine();
  await engine.start();
  let [empty, falseFaces] = [0, 0];
  const recall = sizes.map((eyesPx) => ({ eyesPx, pasted: 0, found: 0 }));
  for await (const { eyesPx, pixels, eyes } of scenes(engine, folder, rooms, sizes)) {
    const faces = await facesIn(engine, pixels, search);
    const row = recall.find((entry) => entry.eyesPx === eyesPx);
    if (row === undefined) {
      empty++;
      falseFaces += faces.length;
    } else {
      row.pasted += eyes.length;
      row.found += eyes.filter((middle) => faces.some((face) => isAt(face, middle, row.eyesPx))).length;
    }
  }
  return { rooms: empty, falsePerEmptyRoom: falseFaces / empty, recall };
}

/** The first `rooms` rooms without faces, then with faces of each of `sizes`. */
export async function* scenes(
  engine: Engine,
  folder: string,
  rooms: number,
  sizes: readonly number[],
): AsyncGenerator<Scene> {
  const random = seeded(20260101);
  const files = sortedFolder(join(folder, 'rooms')).slice(0, rooms);
  const portraits = await readPortraits(engine, folder, Math.min(100, rooms * 2), random);
  for (const file of files) yield { eyesPx: null, pixels: await roomPixels(file), eyes: [] };
  for (const eyesPx of sizes) {
    for (const file of files) yield { eyesPx, ...(await paste(await roomPixels(file), portraits, eyesPx, random)) };
  }
}

async function facesIn(engine: Engine, data: Uint8Array, search: Search): Promise<readonly Face[]> {
  const photo = { width: roomWidth, height: roomHeight, format: 'rgb', stride: roomWidth * 3, data } as const;
  const picture = search === 'photo' ? photo : toI420(photo);
  const frame: Frame = { ...picture, capturedAt: 0, sequence: 0 };
  return (await engine.analyze(frame, { search: search === 'photo' ? 'all' : 'auto', embed: false })).faces;
}

function isAt(face: Face, [x, y]: readonly [number, number], eyesPx: number): boolean {
  const [right, left] = face.landmarks;
  return Math.hypot((right[0] + left[0]) / 2 - x, (right[1] + left[1]) / 2 - y) < 0.6 * eyesPx;
}

function roomPixels(file: string): Promise<Buffer> {
  const room = sharp(file).resize(roomWidth, roomHeight, { fit: 'cover' });
  return room.removeAlpha().toColourspace('srgb').raw().toBuffer();
}

async function readPortraits(engine: Engine, folder: string, count: number, random: () => number): Promise<Portrait[]> {
  const portraits: Portrait[] = [];
  for (const person of sortedFolder(join(folder, 'people')).slice(0, count)) {
    const files = sortedFolder(person);
    const file = files[Math.floor(random() * files.length)]!;
    const photo = await readPhoto(file);
    const { faces } = await engine.analyze(photoFrame(photo), { search: 'all', embed: false });
    const face = primaryFace(faces, photo.width, photo.height);
    if (face === null) throw new Error(`no face in ${file}, which is a sharp portrait`);
    const [right, left] = face.landmarks;
    const [x, y] = [(right[0] + left[0]) / 2, (right[1] + left[1]) / 2];
    portraits.push({ file, width: photo.width, height: photo.height, x, y, eyesPx: face.quality.eyesPx });
  }
  return portraits;
}

async function paste(room: Buffer, portraits: readonly Portrait[], eyesPx: number, random: () => number) {
  const raw = { width: roomWidth, height: roomHeight, channels: 3 } as const;
  const layers: { input: Buffer; left: number; top: number; width: number; height: number }[] = [];
  const eyes: (readonly [number, number])[] = [];
  for (let tries = 0; layers.length < perRoom && tries < 100; tries++) {
    const portrait = portraits[Math.floor(random() * portraits.length)]!;
    const scale = eyesPx / portrait.eyesPx;
    const [width, height] = [Math.round(portrait.width * scale), Math.round(portrait.height * scale)];
    const left = Math.floor(random() * (roomWidth - width));
    const top = Math.floor(random() * (roomHeight - height));
    if (left < 0 || top < 0) continue;
    if (
      layers.some(
        (layer) =>
          left < layer.left + layer.width &&
          layer.left < left + width &&
          top < layer.top + layer.height &&
          layer.top < top + height,
      )
    )
      continue;
    const input = await sharp(portrait.file).rotate().resize(width, height, { fit: 'fill' }).png().toBuffer();
    layers.push({ input, left, top, width, height });
    eyes.push([left + portrait.x * scale, top + portrait.y * scale]);
  }
  return { pixels: await sharp(room, { raw }).composite(layers).removeAlpha().raw().toBuffer(), eyes };
}

function sortedFolder(folder: string): string[] {
  return readdirSync(folder)
    .sort()
    .map((name) => join(folder, name));
}

function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(1664525, state) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

async function main(search: Search, rooms: number, sizes: readonly number[]): Promise<void> {
  const folder = evaluationFolder();
  if (folder === null) return void process.stdout.write('skipped: the folder ../shared/eval does not exist\n');
  const { falsePerEmptyRoom, recall, rooms: count } = await measureRecall(folder, search, rooms, sizes);
  process.stdout.write(`${search}: ${count} rooms, false faces per empty room: ${falsePerEmptyRoom.toFixed(3)}\n`);
  for (const { eyesPx, pasted, found } of recall) {
    process.stdout.write(
      `${eyesPx} px between the eyes: ${found} of ${pasted}, ${((100 * found) / pasted).toFixed(1)} %\n`,
    );
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const sizes = (process.argv[4] ?? '10,14,20,28,40').split(',').map(Number);
  await main(process.argv[2] === 'photo' ? 'photo' : 'video', Number(process.argv[3] ?? 60), sizes);
}
