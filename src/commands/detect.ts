// roomkin detect: the faces in pictures. Every tile is searched, as in photos that are identified or enrolled.

import sharp from 'sharp';
import { RoomkinError } from '../base/errors.js';
import { photoFrame, readPhoto } from '../camera/photo.js';
import type { Engine } from '../engine/engine.js';
import type { Box, Face, Point, Quality } from '../vision/face.js';
import { defaultGate } from '../vision/quality-gate.js';
import type { CommandIo } from './command.js';
import { evaluatedEngine } from './evaluate/portraits.js';
import { writeMarked } from './look/marks.js';
import { passedOverLines } from './passed-over.js';
import { type BadPhoto, findPhotos, isBad, photoProgress, refuseBadPhotos, step } from './photo-analysis.js';
import { count, percent, qualityText, wrap } from './rows.js';
import { type Given, misused } from './verbs.js';

/** Pixels are those of the photo as it is on disk, turned upright. */
interface DetectedFile {
  readonly file: string;
  readonly width: number;
  readonly height: number;
  readonly faces: readonly DetectedFace[];
}

interface DetectedFace {
  readonly box: Box;
  readonly landmarks: readonly Point[];
  readonly score: number;
  readonly quality: Quality;
}

export async function run({ file: inputs, draw }: Given<'detect'>, io: CommandIo): Promise<void> {
  const { photos: paths, passedOver } = await findPhotos(inputs);
  if (draw !== undefined && paths.length !== 1) throw misused('detect', '--draw takes one picture');
  io.progress('loading the models...');
  await using engine = await evaluatedEngine(io, undefined);
  await engine.start();
  const files: DetectedFile[] = [];
  const bad: BadPhoto[] = [];
  for (const [index, path] of paths.entries()) {
    const text = `photo ${index + 1} of ${paths.length}`;
    step(io, text);
    const detected = await detectIn(engine, path, (more) => io.progress(`${text}, ${more}`));
    if (isBad(detected)) {
      bad.push(detected);
      continue;
    }
    files.push(detected);
    for (const line of describe(detected, io.textColumns)) io.out(line);
    if (draw !== undefined) await drawFaces(path, draw, detected);
  }
  io.progress('');
  for (const line of passedOverLines(passedOver)) io.out(line);
  io.document({ files, ...(bad.length > 0 ? { bad } : {}), ...(passedOver.length > 0 ? { passedOver } : {}) });
  refuseBadPhotos(bad, paths.length, 'the others are listed above');
}

/** Errors: USAGE, OUTPUT. */
async function drawFaces(path: string, out: string, { width, faces }: DetectedFile): Promise<void> {
  const picture = await readPhoto(path);
  const { width: shown, height, data } = picture;
  const marked = faces.map(({ box, landmarks, quality }) => ({ box, landmarks, eyesPx: quality.eyesPx }));
  const { leastEyesPx } = defaultGate;
  const pixels = sharp(data, { raw: { width: shown, height, channels: 3 } });
  await writeMarked(out, pixels, marked, { scale: shown / width, leastEyesPx });
}

async function detectIn(
  engine: Engine,
  file: string,
  progress: (text: string) => void,
): Promise<DetectedFile | BadPhoto> {
  try {
    const picture = await readPhoto(file);
    const request = { search: 'all', embed: false } as const;
    const { faces } = await engine.analyze(photoFrame(picture), request, photoProgress(picture, progress));
    const scale = picture.originalWidth / picture.width;
    const { originalWidth: width, originalHeight: height } = picture;
    return { file, width, height, faces: faces.map((face) => enlarged(face, scale)) };
  } catch (error) {
    if (error instanceof RoomkinError && error.exitCode === 65)
      return { file, code: error.code, sentence: error.message };
    throw error;
  }
}

/** A face in the pixels of the photo on disk; large photos are shrunk before they are searched. */
function enlarged(face: Face, scale: number): DetectedFace {
  const [x, y, width, height] = face.box.map((value) => rounded(value * scale)) as unknown as Box;
  return {
    box: [x, y, width, height],
    landmarks: face.landmarks.map(([px, py]) => [rounded(px * scale), rounded(py * scale)]),
    score: face.score,
    quality: { ...face.quality, eyesPx: face.quality.eyesPx * scale },
  };
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}

function describe({ file, width, height, faces }: DetectedFile, columns: number): string[] {
  const head = `${file}: ${width}x${height} px, ${count(faces.length, 'face')}`;
  return [head, ...faces.flatMap((face) => faceLines(face, columns))];
}

function faceLines({ box, score, quality }: DetectedFace, columns: number): string[] {
  const [x, y, w, h] = box.map(Math.round);
  const width = Math.max(40, columns - 4);
  const head = `${w}x${h} px at ${x},${y}, score ${percent(score)}`;
  return wrap(`${head}, ${qualityText(quality)}`, width).map((text, i) => `${i === 0 ? '  ' : '    '}${text}`);
}
