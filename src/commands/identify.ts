// roomkin identify: who is in these pictures, and by which rule. The comparison is the daemon's, on single observations.
import { createCalibrator, recognitionOptions } from '../config/parts.js';
import type { Identification } from '../gallery/identify.js';
import { identifyFace } from '../gallery/identify.js';
import type { Gallery } from '../gallery/person.js';
import type { Reason } from '../gallery/reason.js';
import { reasonText } from '../gallery/reason-text.js';
import { assignNames } from '../recognition/decide.js';
import type { RoomOptions } from '../room/options.js';
import type { Box, Quality } from '../vision/face.js';
import type { CommandIo } from './command.js';
import { openGallery } from './parts.js';
import {
  type AnalysedPhoto,
  analysePhoto,
  type BadPhoto,
  findPhotos,
  isBad,
  refuseBadPhotos,
  step,
} from './photo-analysis.js';
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
  const config = io.config();
  const options = recognitionOptions(config);
  const paths = await findPhotos(inputs);
  using store = openGallery(io);
  await using engine = await io.openEngine(config);
  const { space } = await engine.start();
  const gallery = createCalibrator(config, space, options).calibrated(store.gallery(space));
  const files: { file: string; faces: NamedFace[] }[] = [];
  const bad: BadPhoto[] = [];
  for (const [index, path] of paths.entries()) {
    const text = `photo ${index + 1} of ${paths.length}`;
    step(io, text);
    const photo = await analysePhoto(engine, path, (more) => io.progress(`${text}, ${more}`));
    if (isBad(photo)) {
      bad.push(photo);
      continue;
    }
    const faces = nameFaces(photo, gallery, options);
    files.push({ file: path, faces });
    for (const line of describe(path, faces)) io.out(line);
  }
  io.progress('');
  io.document(bad.length > 0 ? { files, bad } : { files });
  refuseBadPhotos(bad, paths.length, 'the others are listed above');
}

/** Identifies the faces of one picture; no two of them get the same name. */
function nameFaces({ faces, picture }: AnalysedPhoto, gallery: Gallery, options: RoomOptions): NamedFace[] {
  const scale = picture.originalWidth / picture.width;
  const names = new Map(gallery.people.map(({ id, name }) => [id, name]));
  return assignNames(faces.map((face) => identifyFace(face, gallery, options))).map((identification, index) => {
    const { box, quality } = faces[index]!;
    const { person, state, similarity, second, margin, reason } = identification;
    const name = person === null ? null : (names.get(person) ?? null);
    const inPhoto = { ...quality, eyesPx: quality.eyesPx * scale };
    return {
      box: scaled(box, scale),
      person,
      name,
      state,
      similarity,
      second,
      margin,
      quality: inPhoto,
      rule: reasonText(reason, names),
      reason,
    };
  });
}

function scaled([x, y, width, height]: Box, scale: number): Box {
  return [x * scale, y * scale, width * scale, height * scale];
}

function describe(file: string, faces: readonly NamedFace[]): string[] {
  if (faces.length === 0) return [`${file}: no face`];
  return faces.map((face) => {
    const { name, state, similarity, second, margin, quality, rule, box } = face;
    const at = `${Math.round(box[0] + box[2] / 2)},${Math.round(box[1] + box[3] / 2)}`;
    const numbers = [
      `similarity ${fixed(similarity)}`,
      `second ${fixed(second)}`,
      `margin ${fixed(margin)}`,
      `eyes ${Math.round(quality.eyesPx)} px`,
      `sharpness ${fixed(quality.sharpness)}`,
    ];
    return `${file} at ${at}: ${name ?? stateText[state]} (${numbers.join(', ')}): ${rule}`;
  });
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
