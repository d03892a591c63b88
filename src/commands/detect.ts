// roomkin detect: the faces in pictures. Every tile is searched, as in photos that are identified or enrolled.

import { RoomkinError } from '../base/errors.js';
import { photoFrame, readPhoto } from '../camera/photo.js';
import type { Engine } from '../engine/engine.js';
import type { Box, Face, Point, Quality } from '../vision/face.js';
import type { CommandIo } from './command.js';
import { evaluatedEngine } from './evaluate/portraits.js';
import { type BadPhoto, findPhotos, isBad, photoProgress, refuseBadPhotos, step } from './photo-analysis.js';
import { count } from './rows.js';
import type { Given } from './verbs.js';

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

export async function run({ file: inputs }: Given<'detect'>, io: CommandIo): Promise<void> {
  const paths = await findPhotos(inputs);
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
    for (const line of describe(detected)) io.out(line);
  }
  io.progress('');
  io.document(bad.length > 0 ? { files, bad } : { files });
  refuseBadPhotos(bad, paths.length, 'the others are listed above');
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

function describe({ file, width, height, faces }: DetectedFile): string[] {
  return [`${file}: ${width}x${height}, ${count(faces.length, 'face')}`, ...faces.map(line)];
}

function line({ box, score, quality }: DetectedFace): string {
  const [x, y, w, h] = box.map(Math.round);
  const { eyesPx, sharpness, yawDegrees, pitchDegrees, light } = quality;
  const pose = `yaw ${Math.round(yawDegrees)}, pitch ${Math.round(pitchDegrees)}`;
  return `  ${w}x${h} at ${x},${y}, score ${score.toFixed(2)}, eyes ${eyesPx.toFixed(0)} px, sharpness ${sharpness.toFixed(2)}, ${pose}, light ${light.toFixed(2)}`;
}
