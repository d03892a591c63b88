// roomkin enrol: photos → templates; before the camera it is enrol-live.ts. All or nothing: every photo is looked at first, then one
// transaction keeps them.

import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fail, oneLine } from '../base/errors.js';
import { naturalOrder } from '../camera/photo.js';
import type { Engine } from '../engine/engine.js';
import { outliers, templateCandidate } from '../gallery/enrolment.js';
import { checkName, foldName } from '../gallery/names.js';
import type { Changes, NewTemplate } from '../store/store.js';
import type { Face } from '../vision/face.js';
import type { CommandIo } from './command.js';
import { type KeptSamples, keepSamples } from './enrol/keep.js';
import { enrolLive } from './enrol/live.js';
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
import { count } from './rows.js';
import { type Given, misused } from './verbs.js';

interface Look extends NewTemplate {
  readonly file: string;
}

interface LookedAt extends Batch {
  readonly looks: readonly Look[];
}

/** What became of one person's photos; an element of the JSON result. */
interface Enrolled extends KeptSamples {
  readonly photos: number;
}

export async function run(given: Given<'enrol'>, io: CommandIo): Promise<void> {
  const { name, path: more, photos, live, from, skipBad, force } = given;
  if ([photos !== undefined, from !== undefined, live].filter(Boolean).length !== 1)
    throw misused('enrol', 'one of --photos, --live and --from is needed');
  await refuseMistakenWords(given);
  if (live) {
    if (skipBad) throw misused('enrol', '--skip-bad is for photos');
    if (name === undefined) throw misused('enrol', 'one NAME is needed (in quotes if it has spaces)');
    return enrolLive(checkName(name), force, io);
  }
  if (from === undefined)
    return enrolPhotos(await namedPhotos(name, [...(photos ?? []), ...more]), { skipBad, force }, io);
  if (name !== undefined) throw misused('enrol', 'with --from the folders are the names');
  await enrolPhotos(await classFolders(from), { skipBad, force }, io);
}

/** Enrols everybody who has a folder in `folder`. Errors: those of `roomkin enrol --from`. */
export async function enrolFolders(folder: string, io: CommandIo): Promise<void> {
  await enrolPhotos(await classFolders(folder), { skipBad: false, force: false }, io);
}

/** A word that is neither the NAME nor a photo, and a photo in the place of the NAME. Errors: USAGE. */
async function refuseMistakenWords({ name, path, photos }: Given<'enrol'>): Promise<void> {
  for (const word of path) {
    const isPhoto = photos !== undefined && (await stat(word).catch(() => null)) !== null;
    if (!isPhoto)
      throw misused('enrol', `one NAME is needed (in quotes if it has spaces): ${oneLine(word, 40)} is too much`);
  }
  if (name !== undefined && photos !== undefined && (await stat(name).catch(() => null))?.isFile())
    throw misused('enrol', `one NAME is needed before --photos: ${oneLine(name, 40)} is a file`);
}

interface EnrolOptions {
  readonly skipBad: boolean;
  readonly force: boolean;
}

async function enrolPhotos(batches: readonly Batch[], options: EnrolOptions, io: CommandIo): Promise<void> {
  const { skipBad, force } = options;
  using store = openGallery(io);
  await using engine = await io.openEngine(io.config());
  const { space } = await engine.start();
  const bad: BadPhoto[] = [];
  const lookedAt: LookedAt[] = [];
  const total = batches.reduce((sum, { files }) => sum + files.length, 0);
  let done = 0;
  for (const batch of batches) {
    const looks: Look[] = [];
    for (const file of batch.files) {
      step(io, `photo ${++done} of ${total}: ${batch.name ?? 'unknown'}`);
      const found = await lookAt(engine, file, batch.name === null, space);
      if (isBad(found)) bad.push(found);
      else looks.push(...found);
    }
    lookedAt.push({ ...batch, looks });
  }
  io.progress('');
  if (!skipBad) refuseBadPhotos(bad, total, 'nothing was enrolled (--skip-bad leaves such photos out)');
  const blind = lookedAt.find(({ looks }) => looks.length === 0);
  if (blind) refuseBadPhotos(bad, total, `no photo of ${blind.name ?? 'unknown'} is left, nothing was enrolled`);

  const result = store.change((changes) => {
    const people = lookedAt.flatMap((one) =>
      one.name === null ? [] : [enrolOne(changes, one.name, one, space, force, io)],
    );
    const strangers = lookedAt.filter(({ name }) => name === null).flatMap(({ looks }) => looks);
    return { people, strangers: strangers.filter((look) => changes.addToCohort(look)).length };
  });
  for (const { sentence } of bad) io.log('warning', `left out: ${sentence}`);
  for (const one of result.people) io.out(describe(one));
  if (lookedAt.some(({ name }) => name === null))
    io.out(`${result.strangers} faces of strangers kept, to tell them apart`);
  io.document({ ...result, skipped: bad });
}

async function lookAt(engine: Engine, file: string, everyFace: boolean, space: string): Promise<Look[] | BadPhoto> {
  const photo = await analysePhoto(engine, file);
  if (isBad(photo)) return photo;
  const faces = everyFace ? usable(photo) : [templateCandidate(photo.faces, photo.picture.width, photo.picture.height)];
  if (faces.length === 0) return { file, code: 'PHOTO_NO_FACE', sentence: `${file} shows no usable face` };
  const looks: Look[] = [];
  for (const [index, found] of faces.entries()) {
    if ('refused' in found) return { file, code: found.refused, sentence: `${file} ${found.why}` };
    const source = Buffer.concat([photo.picture.sha256, Buffer.from([index])]);
    looks.push({ file, space, vector: found.face.embedding, quality: found.face.quality, source });
  }
  return looks;
}

/** Each face of a photo on its own, as far as it would do for a portrait. */
function usable({ faces, picture }: AnalysedPhoto): { face: Face & { embedding: Float32Array } }[] {
  return faces.flatMap((face) => {
    const alone = templateCandidate([face], picture.width, picture.height);
    return 'face' in alone ? [alone] : [];
  });
}

function enrolOne(
  changes: Changes,
  name: string,
  { files, looks }: LookedAt,
  space: string,
  force: boolean,
  { log }: CommandIo,
): Enrolled {
  const kept = keepSamples(changes, { name, looks, space, force, what: 'photos' }, log);
  for (const { file } of outliers(looks))
    log('warning', `${file} looks unlike the other photos of ${name}: is it ${name}?`);
  return { ...kept, photos: files.length };
}

function describe({ person, name, photos, added, redundant, templates }: Enrolled): string {
  const same = redundant > 0 ? `, ${redundant} too much like others` : '';
  return `${name} (${person}): ${count(photos, 'photo')}, ${count(added, 'new look')}${same}; ${count(templates, 'look')} in all`;
}

// Which photos belong to whom. Names are checked before any photo is opened.

/** Folder name of the faces that are nobody's. */
const cohortFolder = 'unknown';

/** One person's photos; `name` is null for the cohort of strangers. */
interface Batch {
  readonly name: string | null;
  readonly files: readonly string[];
}

/** Errors: USAGE, NAME_REFUSED, FOLDER_EMPTY. */
async function namedPhotos(name: string | undefined, photos: readonly string[]): Promise<Batch[]> {
  if (name === undefined) throw misused('enrol', 'one NAME is needed before --photos (in quotes if it has spaces)');
  const checked = checkName(name);
  return [{ name: checked, files: await findPhotos(photos) }];
}

/** Errors: PHOTO_UNREADABLE, FOLDER_EMPTY, NAME_REFUSED. */
async function classFolders(from: string): Promise<Batch[]> {
  const entries = await readdir(from).catch((cause: NodeJS.ErrnoException) => {
    throw fail(
      'PHOTO_UNREADABLE',
      `${from} is not a folder that can be read (${cause.code}): name one with a folder a person`,
    );
  });
  const batches: Batch[] = [];
  for (const entry of entries.filter((name) => !name.startsWith('.')).sort(naturalOrder)) {
    const path = join(from, entry);
    // What vanished meanwhile, or a link to nothing, is no folder.
    if (!(await stat(path).catch(() => null))?.isDirectory()) continue;
    const name = foldName(entry) === cohortFolder ? null : checkName(entry);
    batches.push({ name, files: await findPhotos([path]) });
  }
  if (batches.length === 0)
    throw fail('FOLDER_EMPTY', `${from} holds no folder: it needs one per person, named after them`);
  return batches;
}
