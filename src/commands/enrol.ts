// roomkin enrol: photos → templates; `enrol/live.ts` uses the camera instead. All photos are analysed first. Then one transaction
// stores the photos of all people or none; faces of unknown people follow.

import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fail, oneLine } from '../base/errors.js';
import { naturalOrder } from '../camera/photo.js';
import type { Engine } from '../engine/engine.js';
import { outliers, templateCandidate } from '../gallery/enrolment.js';
import { checkName, foldName } from '../gallery/names.js';
import type { Changes, NewTemplate, Store } from '../store/store.js';
import type { Face } from '../vision/face.js';
import type { Turn } from '../vision/picture.js';
import type { CommandIo } from './command.js';
import { type ChosenSamples, chooseSamples, type KeptSamples, keepSamples } from './enrol/keep.js';
import { enrolLive } from './enrol/live.js';
import { enrolByPhone } from './enrol/phone.js';
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

/** 0.2 ms each on x86. SQLite polls for a lock, so that the others need a pause to get it. */
const facesPerChange = 200;
const pauseMs = 50;

interface PhotoSample extends NewTemplate {
  readonly file: string;
  /** By how much the photo was turned clockwise, degrees. */
  readonly turn: Turn;
}

interface AnalysedBatch extends Batch {
  readonly samples: readonly PhotoSample[];
}

/** The result for one person; an element of the JSON result. */
interface Enrolled extends KeptSamples {
  readonly photos: number;
}

export async function run(given: Given<'enrol'>, io: CommandIo): Promise<void> {
  const { name, path: more, photos, phone, address, live, from, skipBad, force } = given;
  if ([photos !== undefined, from !== undefined, live, phone].filter(Boolean).length !== 1)
    throw misused('enrol', 'one of --photos, --phone, --live and --from is needed');
  if (address !== undefined && !phone) throw misused('enrol', '--address is for --phone');
  await refuseMistakenWords(given);
  if (phone) {
    if (skipBad) throw misused('enrol', '--skip-bad is for photos');
    if (name === undefined) throw misused('enrol', 'one NAME is needed (in quotes if it has spaces)');
    return enrolByPhone(checkName(name), { force, address }, io);
  }
  if (live) {
    if (skipBad) throw misused('enrol', '--skip-bad is for photos');
    if (name === undefined) throw misused('enrol', 'one NAME is needed (in quotes if it has spaces)');
    return enrolLive(checkName(name), force, io);
  }
  if (from === undefined)
    return enrolPhotos(await namedPhotos(name, [...(photos ?? []), ...more]), { skipBad, force }, io);
  if (name !== undefined) throw misused('enrol', 'NAME cannot be combined with --from: the folders are the names');
  await enrolPhotos(await classFolders(from), { skipBad, force }, io);
}

/** Enrols everybody who has a folder in `folder`. Errors: those of `roomkin enrol --from`. */
export async function enrolFolders(folder: string, io: CommandIo): Promise<void> {
  await enrolPhotos(await classFolders(folder), { skipBad: false, force: false }, io);
}

/** Refuses a word that is neither the NAME nor a photo, and a file in the position of the NAME. Errors: USAGE. */
async function refuseMistakenWords({ name, path, photos }: Given<'enrol'>): Promise<void> {
  for (const word of path) {
    const isPhoto = photos !== undefined && (await stat(word).catch(() => null)) !== null;
    if (!isPhoto)
      throw misused('enrol', `one NAME is needed (in quotes if it has spaces): ${oneLine(word, 40)} is not expected`);
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
  io.progress('loading the models...');
  await using engine = await io.openEngine(io.config());
  const { space } = await engine.start();
  const bad: BadPhoto[] = [];
  const analysed: AnalysedBatch[] = [];
  const total = batches.reduce((sum, { files }) => sum + files.length, 0);
  let done = 0;
  for (const batch of batches) {
    const samples: PhotoSample[] = [];
    for (const file of batch.files) {
      const text = `photo ${++done} of ${total}: ${batch.name ?? 'unknown'}`;
      step(io, text);
      const progress = (more: string): void => io.progress(`${text}, ${more}`);
      const result = await samplesOf(engine, file, batch.name === null, space, progress);
      if (isBad(result)) bad.push(result);
      else samples.push(...result);
    }
    analysed.push({ ...batch, samples });
  }
  io.progress('');
  if (!skipBad) refuseBadPhotos(bad, total, 'nothing was enrolled (--skip-bad skips such photos)');
  const empty = analysed.find(({ samples }) => samples.length === 0);
  if (empty)
    refuseBadPhotos(bad, total, `no photo of ${empty.name ?? 'unknown people'} can be used, nothing was enrolled`);

  const chosen = new Map(
    analysed.flatMap((batch) =>
      batch.name === null ? [] : [[batch, chooseSamples(store, { ...batch, name: batch.name, space }, io)]],
    ),
  );
  io.progress('');
  const people = store.change((changes) =>
    analysed.flatMap((batch) =>
      batch.name === null ? [] : [enrolPerson(changes, batch.name, batch, chosen.get(batch)!, { space, force }, io)],
    ),
  );
  const cohort = analysed.filter(({ name }) => name === null).flatMap(({ samples }) => samples);
  const result = { people, strangers: await addToCohort(store, cohort) };
  for (const { name, samples } of analysed) {
    if (name === null) continue;
    for (const { file } of outliers(samples))
      io.log('warning', `${file} does not resemble the other photos of ${name}: check that it shows ${name}`);
  }
  const turned = turnedPhotos(analysed);
  for (const { file, degrees } of turned)
    io.log('notice', `${file} is not upright: it was turned by ${degrees}° clockwise`);
  for (const { sentence } of bad) io.log('warning', `skipped: ${sentence}`);
  for (const person of result.people) io.out(describe(person));
  if (analysed.some(({ name }) => name === null))
    io.out(`${count(result.strangers, 'face')} of unknown people added, for comparison`);
  io.document({ ...result, skipped: bad, turned });
}

async function samplesOf(
  engine: Engine,
  file: string,
  everyFace: boolean,
  space: string,
  progress: (text: string) => void,
): Promise<PhotoSample[] | BadPhoto> {
  const photo = await analysePhoto(engine, file, progress, everyFace ? 'all' : 'portrait');
  if (isBad(photo)) return photo;
  const candidates = everyFace
    ? usable(photo)
    : [templateCandidate(photo.faces, photo.picture.width, photo.picture.height)];
  if (candidates.length === 0) return { file, code: 'PHOTO_NO_FACE', sentence: `${file} shows no usable face` };
  const samples: PhotoSample[] = [];
  for (const [index, candidate] of candidates.entries()) {
    if ('refused' in candidate) return { file, code: candidate.refused, sentence: `${file} ${candidate.why}` };
    const source = Buffer.concat([photo.picture.sha256, Buffer.from([index])]);
    const { embedding: vector, quality } = candidate.face;
    samples.push({ file, turn: photo.turn, space, vector, quality, source });
  }
  return samples;
}

/** The photos that were turned before use. */
function turnedPhotos(batches: readonly AnalysedBatch[]): { readonly file: string; readonly degrees: Turn }[] {
  const turns = new Map(batches.flatMap(({ samples }) => samples.map(({ file, turn }) => [file, turn])));
  return [...turns].flatMap(([file, degrees]) => (degrees === 0 ? [] : [{ file, degrees }]));
}

/** The faces of a photo that would each be accepted in a photo of their own. */
function usable({ faces, picture }: AnalysedPhoto): { face: Face & { embedding: Float32Array } }[] {
  return faces.flatMap((face) => {
    const candidate = templateCandidate([face], picture.width, picture.height);
    return 'face' in candidate ? [candidate] : [];
  });
}

/** Adds faces of unknown people in several transactions, so that no other process waits for long. Gives the number of new ones. */
async function addToCohort(store: Store, samples: readonly PhotoSample[]): Promise<number> {
  let added = 0;
  for (let start = 0; start < samples.length; start += facesPerChange) {
    const some = samples.slice(start, start + facesPerChange);
    if (start > 0) await wait(pauseMs);
    added += store.change((changes) => some.filter((sample) => changes.addToCohort(sample)).length);
  }
  return added;
}

function enrolPerson(
  changes: Changes,
  name: string,
  { files, samples }: AnalysedBatch,
  chosen: ChosenSamples,
  { space, force }: { readonly space: string; readonly force: boolean },
  { log }: CommandIo,
): Enrolled {
  const result = keepSamples(changes, { name, samples, space, force, what: 'photos' }, chosen, log);
  return { ...result, photos: files.length };
}

function describe({ person, name, photos, added, redundant, templates }: Enrolled): string {
  const similar = redundant > 0 ? `, ${redundant} too similar to others` : '';
  return `${name} (${person}): ${count(photos, 'photo')} read, ${added} added${similar}; ${count(templates, 'photo')} in use`;
}

// Which photos belong to which person. Names are checked before any photo is opened.

/** Name of the folder with faces of unknown people (the cohort). */
const cohortFolder = 'unknown';

/** The photos of one person; `name` is null for the cohort. */
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
      `${from} is not a readable folder (${cause.code}): give a folder that contains one folder per person`,
    );
  });
  const batches: Batch[] = [];
  for (const entry of entries.filter((name) => !name.startsWith('.')).sort(naturalOrder)) {
    const path = join(from, entry);
    // An entry may disappear meanwhile, and a link may point to nothing: neither is a folder.
    if (!(await stat(path).catch(() => null))?.isDirectory()) continue;
    const name = foldName(entry) === cohortFolder ? null : checkName(entry);
    batches.push({ name, files: await findPhotos([path]) });
  }
  if (batches.length === 0)
    throw fail('FOLDER_EMPTY', `${from} contains no folder: it needs one per person, named after the person`);
  return batches;
}
