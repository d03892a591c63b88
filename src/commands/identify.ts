// roomkin identify: who is in these pictures, and by which rule. The comparison is the daemon's, on single observations.
import { encodeEmbedding } from '../control/protocol.js';
import type { Identification } from '../gallery/identify.js';
import type { Reason } from '../gallery/reason.js';
import type { Box, Quality } from '../vision/face.js';
import type { Turn } from '../vision/picture.js';
import type { CommandIo } from './command.js';
import { reportOf } from './daemon.js';
import { passedOverLines } from './passed-over.js';
import {
  type AnalysedPhoto,
  analysePhoto,
  type BadPhoto,
  findPhotos,
  isBad,
  refuseBadPhotos,
  refuseMissingPhotos,
  step,
} from './photo-analysis.js';
import { openPhotoEngine } from './photo-engine.js';
import { count, percent, wrap } from './rows.js';
import type { Given } from './verbs.js';

/** One face of the result; `box` and `quality.eyesPx` in pixels of the photo as it is on disk, turned upright. */
interface NamedFace {
  readonly box: Box;
  readonly person: string | null;
  readonly name: string | null;
  readonly state: Identification['state'];
  readonly similarity: number | null;
  readonly second: number | null;
  readonly margin: number | null;
  readonly quality: Quality;
  /** The rule that decided, in words and as data. */
  readonly rule: string;
  readonly reason: Reason;
}

export async function run({ file: inputs }: Given<'identify'>, io: CommandIo): Promise<void> {
  const { photos: paths, passedOver } = await findPhotos(inputs);
  // A user without access, or with no photo that exists, is told so before the models are loaded.
  await reportOf(io, 'people', {});
  await refuseMissingPhotos(paths, 'there is nothing to identify', 'all');
  await using engine = openPhotoEngine(io);
  const { space } = await engine.start();
  const files: { file: string; turned: Turn; faces: NamedFace[] }[] = [];
  const bad: BadPhoto[] = [];
  for (const [index, path] of paths.entries()) {
    const text = `photo ${index + 1} of ${paths.length}`;
    step(io, text);
    const photo = await analysePhoto(engine, path, (more) => io.progress(`${text}, ${more}`));
    if (isBad(photo)) {
      bad.push(photo);
      continue;
    }
    if (photo.picture.damage !== null) io.log('warning', `${path} ${photo.picture.damage}`);
    const faces = await nameFaces(photo, space, io);
    files.push({ file: path, turned: photo.turn, faces });
    for (const line of describe(path, photo.turn, faces, io.textColumns)) io.out(line);
  }
  io.progress('');
  for (const line of passedOverLines(passedOver)) io.out(line);
  io.document({ files, ...(bad.length > 0 ? { bad } : {}), ...(passedOver.length > 0 ? { passedOver } : {}) });
  refuseBadPhotos(bad, paths.length, 'the others are listed above');
}

/** Identifies the faces of one picture; no two of them get the same name. */
async function nameFaces({ faces, picture }: AnalysedPhoto, space: string, io: CommandIo): Promise<NamedFace[]> {
  const scale = picture.originalWidth / picture.width;
  const encoded = faces.map(({ quality, score, embedding }) => {
    return { quality, score, embedding: embedding === null ? null : encodeEmbedding(embedding) };
  });
  const { faces: identified } = await reportOf(io, 'identify', { space, faces: encoded });
  return identified.map(({ person, name, state, similarity, second, margin, rule, reason }, index) => {
    const { box, quality } = faces[index]!;
    return {
      box: scaled(box, scale),
      person,
      name,
      state,
      similarity,
      second,
      margin,
      quality: { ...quality, eyesPx: quality.eyesPx * scale },
      rule,
      reason,
    };
  });
}

function scaled([x, y, width, height]: Box, scale: number): Box {
  return [x * scale, y * scale, width * scale, height * scale];
}

function describe(file: string, turn: Turn, faces: readonly NamedFace[], columns: number): string[] {
  if (faces.length === 0) return [`${file}: no face`];
  const lines = faces.map((face) => {
    const { name, state, similarity, second, margin, quality, rule, box } = face;
    const at = `${Math.round(box[0] + box[2] / 2)},${Math.round(box[1] + box[3] / 2)}`;
    const numbers = [
      `similarity ${fixed(similarity)}`,
      `second ${fixed(second)}`,
      `margin ${fixed(margin)}`,
      `eyes ${Math.round(quality.eyesPx)} px apart`,
      `sharpness ${percent(quality.sharpness)}`,
    ];
    const text = `at ${at} px: ${name ?? stateText[state]} (${numbers.join(', ')}): ${rule}`;
    return wrap(text, Math.max(40, columns - 4)).map((line, i) => `${i === 0 ? '  ' : '    '}${line}`);
  });
  const turned = turn === 0 ? '' : `, turned by ${turn}° clockwise`;
  return [`${file}: ${count(faces.length, 'face')}${turned}`, ...lines.flat()];
}

const stateText: Readonly<Record<Identification['state'], string>> = {
  known: 'known',
  stranger: 'unknown person',
  ambiguous: 'ambiguous',
  unclear: 'unclear',
};

function fixed(value: number | null): string {
  return value === null ? '-' : value.toFixed(2);
}
