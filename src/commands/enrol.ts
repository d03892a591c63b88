// roomkin enrol: photos → templates; `enrol/live.ts` uses the camera instead. All photos are analysed first. Then one transaction
// stores the photos of all people or none; faces of unknown people follow.

import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fail, oneLine } from '../base/errors.js';
import type { PhotoBytes } from '../camera/photo.js';
import { filesBelow, folderEmpty, naturalOrder, type PassedOver, reasonOfName } from '../camera/photo-files.js';
import type { Engine } from '../engine/engine.js';
import { outliers, templateCandidate } from '../gallery/enrolment.js';
import { checkName, foldName } from '../gallery/names.js';
import type { Gallery } from '../gallery/person.js';
import type { Changes, NewTemplate, Store } from '../store/store.js';
import type { Face } from '../vision/face.js';
import type { Turn } from '../vision/picture.js';
import type { CommandIo } from './command.js';
import { type ChosenSamples, chooseSamples, type KeptSamples, keepSamples } from './enrol/keep.js';
import { enrolLive } from './enrol/live.js';
import { misplacedAdvice, misplacedPhotos, shellWord } from './enrol/misplaced-photos.js';
import { enrolByPhone } from './enrol/phone.js';
import { photosOfInput } from './enrol/standard-input.js';
import { openGallery } from './parts.js';
import { passedOverLines } from './passed-over.js';
import {
  type AnalysedPhoto,
  analysePhoto,
  type BadPhoto,
  type FoundPhotos,
  findPhotos,
  isBad,
  refuseBadPhotos,
  refuseMissingPhotos,
  step,
} from './photo-analysis.js';
import { openPhotoEngine } from './photo-engine.js';
import { count } from './rows.js';
import { type Given, misused } from './verbs.js';

/** 0.2 ms each on x86. SQLite polls for a lock, so that the others need a pause to get it. */
const facesPerChange = 200;
const pauseMs = 50;

interface PhotoSample extends NewTemplate {
  /** The path, for messages. */
  readonly path: string;
  /** By how much the photo was turned clockwise, degrees. */
  readonly turn: Turn;
}

interface AnalysedBatch extends Batch {
  /** Number of photos that were read. */
  readonly read: number;
  readonly samples: readonly PhotoSample[];
}

/** The result for one person; an element of the JSON result. */
interface Enrolled extends KeptSamples {
  readonly photos: number;
}

export async function run(given: Given<'enrol'>, io: CommandIo): Promise<void> {
  const { name, path: more, photos, phone, address, live, from, skipBad, force, face = null } = given;
  if ([photos !== undefined, from !== undefined, live, phone].filter(Boolean).length !== 1)
    throw misused('enrol', 'one of --photos, --phone, --live and --from is needed');
  if (address !== undefined && !phone) throw misused('enrol', '--address is for --phone');
  await refuseMistakenWords(given);
  if (phone) {
    if (skipBad || face !== null) throw misused('enrol', '--skip-bad and --face are for photos');
    if (name === undefined) throw misused('enrol', 'one NAME is needed (in quotes if it has spaces)');
    return enrolByPhone(checkName(name), { force, address }, io);
  }
  if (live) {
    if (skipBad || face !== null) throw misused('enrol', '--skip-bad and --face are for photos');
    if (name === undefined) throw misused('enrol', 'one NAME is needed (in quotes if it has spaces)');
    return enrolLive(checkName(name), force, io);
  }
  if (from === undefined) {
    const batch = await namedPhotos(name, [...(photos ?? []), ...more], io);
    if (face !== null && batch.total !== 1)
      throw misused('enrol', '--face needs one photo, because it counts its faces');
    return enrolPhotos({ batches: [batch], passedOver: [], command: null }, { skipBad, force, face }, io);
  }
  if (face !== null) throw misused('enrol', '--face needs one photo, because it counts its faces');
  if (name !== undefined) throw misused('enrol', 'NAME cannot be combined with --from: the folders are the names');
  const command = `roomkin enrol --from ${shellWord(from)}`;
  await enrolPhotos({ ...(await classFolders(from)), command }, { skipBad, force, face }, io);
}

/** Enrols everybody who has a folder in `folder`. Errors: those of `roomkin enrol --from`. */
export async function enrolFolders(folder: string, io: CommandIo): Promise<void> {
  await enrolPhotos(
    { ...(await classFolders(folder)), command: null },
    { skipBad: false, force: false, face: null },
    io,
  );
}

/** Refuses a word that is neither the NAME nor a photo, and a file in the position of the NAME. Errors: USAGE. */
async function refuseMistakenWords({ name, path, photos }: Given<'enrol'>): Promise<void> {
  for (const word of path) {
    const isPhoto = photos !== undefined && word !== '-' && (await stat(word).catch(() => null)) !== null;
    if (!isPhoto)
      throw misused('enrol', `one NAME is needed (in quotes if it has spaces): ${oneLine(word, 40)} is not expected`);
  }
  if (name !== undefined && photos !== undefined && (await stat(name).catch(() => null))?.isFile())
    throw misused('enrol', `one NAME is needed before --photos: ${oneLine(name, 40)} is a file`);
}

interface EnrolOptions {
  readonly skipBad: boolean;
  readonly force: boolean;
  /** The face to take, from the left; null: there must be one. */
  readonly face: number | null;
}

/** What is enrolled together. */
interface Gathered {
  readonly batches: readonly Batch[];
  /** Outside of the batches. */
  readonly passedOver: readonly PassedOver[];
  /** The command line, to repeat it with another option; null where advice is of no use. */
  readonly command: string | null;
}

async function enrolPhotos(
  { batches, passedOver, command }: Gathered,
  options: EnrolOptions,
  io: CommandIo,
): Promise<void> {
  const { skipBad, force, face } = options;
  using store = openGallery(io);
  if (!skipBad)
    await refuseMissingPhotos(
      batches.flatMap(({ photos }) => (Array.isArray(photos) ? photos : [])),
      'nothing was enrolled (--skip-bad skips such photos)',
    );
  await using engine = openPhotoEngine(io);
  const { space } = await engine.start();
  const bad: BadPhoto[] = [];
  const analysed: AnalysedBatch[] = [];
  const expected = batches.reduce((sum, batch) => sum + (batch.total ?? Number.NaN), 0);
  let done = 0;
  const notes: string[] = [];
  for (const batch of batches) {
    const samples: PhotoSample[] = [];
    const before = done;
    for await (const photo of batch.photos) {
      const of = Number.isNaN(expected) ? '' : ` of ${expected}`;
      const text = `photo ${++done}${of}: ${batch.name ?? 'unknown'}`;
      step(io, text);
      const progress = (more: string): void => io.progress(`${text}, ${more}`);
      const request = { everyFace: batch.name === null, face, space };
      const result =
        typeof photo === 'object' && isBad(photo) ? photo : await samplesOf(engine, photo, request, progress);
      if (isBad(result)) bad.push(result);
      else {
        samples.push(...result.samples);
        if (result.note !== null) notes.push(result.note);
      }
    }
    analysed.push({ ...batch, samples, read: done - before });
  }
  io.progress('');
  const total = done;
  const left = [...passedOver, ...batches.flatMap((batch) => batch.passedOver)];
  if (total === 0) throw folderEmpty('standard input', left);
  if (!skipBad) refuseBadPhotos(bad, total, 'nothing was enrolled (--skip-bad skips such photos)');
  if (!force) leaveOutMisplaced(analysed, bad, { skipBad, total, command }, store.gallery(space));
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
    for (const { path } of outliers(samples))
      io.log('warning', `${path} does not resemble the other photos of ${name}: check that it shows ${name}`);
  }
  for (const note of notes) io.log('warning', note);
  const turned = turnedPhotos(analysed);
  for (const { file, degrees } of turned)
    io.log('notice', `${file} is not upright: it was turned by ${degrees}° clockwise`);
  for (const { sentence } of bad) io.log('warning', `skipped: ${sentence}`);
  for (const person of result.people) io.out(describe(person));
  if (analysed.some(({ name }) => name === null))
    io.out(`${count(result.strangers, 'face')} of unknown people added, for comparison`);
  for (const line of passedOverLines(left)) io.out(line);
  const summary = {
    files: total + left.length,
    used: total - bad.length,
    skipped: bad.length,
    passedOver: left.length,
  };
  if (bad.length + left.length > 0)
    io.out(
      `${count(summary.files, 'file')}: ${summary.used} used, ${summary.skipped} skipped, ${summary.passedOver} passed over`,
    );
  io.document({ ...result, skipped: bad, turned, passedOver: left, summary });
}

/**
 * Finds photos that show another person than the one whose photos they are given as. They become bad photos with `skipBad`. Errors:
 * PHOTO_MISPLACED.
 */
function leaveOutMisplaced(
  analysed: AnalysedBatch[],
  bad: BadPhoto[],
  { skipBad, total, command }: { readonly skipBad: boolean; readonly total: number; readonly command: string | null },
  gallery: Gallery,
): void {
  const people = analysed.flatMap(({ name, folder, samples }) =>
    name === null ? [] : [{ name, folder, samples: samples.map(({ path: file, vector }) => ({ file, vector })) }],
  );
  const misplaced = misplacedPhotos(people, gallery);
  if (misplaced.length === 0) return;
  if (!skipBad) {
    const lines = misplaced.map(({ sentence }) => oneLine(`  ${sentence}`));
    const advice = command === null ? [] : misplacedAdvice(misplaced, command);
    const verb = misplaced.length === 1 ? 'shows' : 'show';
    const sentence = `${misplaced.length} of ${count(total, 'photo')} ${verb} another person than the one given`;
    throw fail(
      'PHOTO_MISPLACED',
      `${sentence}; nothing was enrolled (--skip-bad leaves them out, --force enrols them)`,
      [...lines, ...advice],
    );
  }
  const files = new Set(misplaced.map(({ file }) => file));
  bad.push(...misplaced.map(({ file, code, sentence }) => ({ file, code, sentence })));
  for (const [index, batch] of analysed.entries())
    analysed[index] = {
      ...batch,
      samples: batch.samples.filter(({ path }) => batch.name === null || !files.has(path)),
    };
}

async function samplesOf(
  engine: Engine,
  source: string | PhotoBytes,
  { everyFace, face, space }: { readonly everyFace: boolean; readonly face: number | null; readonly space: string },
  progress: (text: string) => void,
): Promise<{ readonly samples: PhotoSample[]; readonly note: string | null } | BadPhoto> {
  const photo = await analysePhoto(engine, source, progress, everyFace ? 'all' : 'portrait');
  if (isBad(photo)) return photo;
  const { file } = photo;
  const candidates = everyFace
    ? usable(photo)
    : [templateCandidate(photo.faces, photo.picture.width, photo.picture.height, face)];
  if (candidates.length === 0) return { file, code: 'PHOTO_NO_FACE', sentence: `${file} shows no usable face` };
  const samples: PhotoSample[] = [];
  for (const [index, candidate] of candidates.entries()) {
    if ('refused' in candidate) return { file, code: candidate.refused, sentence: `${file} ${candidate.why}` };
    const number = face === null ? index : face - 1;
    const hash = Buffer.concat([photo.picture.sha256, Buffer.from([number])]);
    const { embedding: vector, quality } = candidate.face;
    samples.push({ path: file, file: fileName(file), turn: photo.turn, space, vector, quality, source: hash });
  }
  const { damage } = photo.picture;
  return { samples, note: damage === null ? null : `${file} ${damage}` };
}

/** The name that is kept with the template, without the folder: folders have names of users. */
function fileName(file: string): string {
  return basename(file.replace(/ in standard input$/, ''));
}

/** The photos that were turned before use. */
function turnedPhotos(batches: readonly AnalysedBatch[]): { readonly file: string; readonly degrees: Turn }[] {
  const turns = new Map(batches.flatMap(({ samples }) => samples.map(({ path, turn }) => [path, turn] as const)));
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
  { read, samples }: AnalysedBatch,
  chosen: ChosenSamples,
  { space, force }: { readonly space: string; readonly force: boolean },
  { log }: CommandIo,
): Enrolled {
  const result = keepSamples(changes, { name, samples, space, force, what: 'photos' }, chosen, log);
  return { ...result, photos: read };
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
  readonly folder: string | null;
  readonly photos: readonly string[] | AsyncIterable<PhotoBytes | BadPhoto>;
  /** Number of photos; null where it is not known before the last one. */
  readonly total: number | null;
  /** Complete when the last photo was read. */
  readonly passedOver: readonly PassedOver[];
}

/** Errors: USAGE, NAME_REFUSED, FOLDER_EMPTY. */
async function namedPhotos(name: string | undefined, photos: readonly string[], io: CommandIo): Promise<Batch> {
  if (name === undefined) throw misused('enrol', 'one NAME is needed before --photos (in quotes if it has spaces)');
  const checked = checkName(name);
  if (photos.includes('-')) return inputPhotos(checked, photos, io);
  return { name: checked, folder: null, ...counted(await findPhotos(photos)) };
}

/** Errors: USAGE. */
function inputPhotos(name: string, photos: readonly string[], { signal }: CommandIo): Batch {
  if (photos.length > 1) throw misused('enrol', '- cannot be combined with other photos');
  const { stdin } = process;
  if (stdin.isTTY)
    throw misused('enrol', 'there is no photo on standard input: use `cat photo.jpg | roomkin enrol ...`');
  signal.addEventListener('abort', () => stdin.destroy(), { once: true });
  const passedOver: PassedOver[] = [];
  return { name, folder: null, photos: photosOfInput(stdin, passedOver), total: null, passedOver };
}

function counted({ photos, passedOver }: FoundPhotos): Pick<Batch, 'photos' | 'total' | 'passedOver'> {
  return { photos, total: photos.length, passedOver };
}

/** Errors: PHOTO_UNREADABLE, FOLDER_EMPTY, NAME_REFUSED. */
async function classFolders(from: string): Promise<Omit<Gathered, 'command'>> {
  const entries = await readdir(from, { withFileTypes: true }).catch((cause: NodeJS.ErrnoException) => {
    throw fail(
      'PHOTO_UNREADABLE',
      `${from} is not a readable folder (${cause.code}): give a folder that contains one folder per person`,
    );
  });
  const batches: Batch[] = [];
  const passedOver: PassedOver[] = [];
  for (const entry of entries.sort((a, b) => naturalOrder(a.name, b.name))) {
    const path = join(from, entry.name);
    const named = reasonOfName(entry.name);
    const reason = named === 'hidden' || named === 'system' ? named : null;
    // An entry may disappear meanwhile, and a link may point to nothing: neither is a folder.
    const isFolder = (await stat(path).catch(() => null))?.isDirectory() ?? false;
    if (!isFolder) passedOver.push({ file: path, reason: named ?? (entry.isFile() ? 'loose' : 'special') });
    else if (reason !== null) passedOver.push(...(await filesBelow(path, reason)));
    else {
      const name = foldName(entry.name) === cohortFolder ? null : checkName(entry.name);
      batches.push({ name, folder: path, ...counted(await findPhotos([path])) });
    }
  }
  if (batches.length === 0)
    throw fail('FOLDER_EMPTY', `${from} contains no folder: it needs one per person, named after the person`);
  return { batches, passedOver };
}
