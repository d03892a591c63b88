// roomkin enrol: photos → templates; before the camera it is enrol-live.ts. All or nothing: every photo is looked at first, then one
// transaction keeps them.

import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fail } from '../base/errors.js';
import { naturalOrder } from '../camera/photo.js';
import type { Engine } from '../engine/engine.js';
import { outliers, templateCandidate } from '../gallery/enrolment.js';
import { checkName, foldName } from '../gallery/names.js';
import type { Changes, NewTemplate } from '../store/store.js';
import type { Face } from '../vision/face.js';
import { misused, parseArguments } from './arguments.js';
import type { Command, CommandIo } from './command.js';
import { type KeptSamples, keepSamples } from './enrol/keep.js';
import { enrolLive } from './enrol/live.js';
import { configuredEngine, openGallery } from './parts.js';
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

const enrolUsage = 'enrol NAME --photos PATH... | enrol NAME --live | enrol --from DIR  [--skip-bad] [--force]';

export const command: Command = {
  usage: enrolUsage,
  summary: 'Learn a person, from photos or before the camera.',
  async run(argv, io) {
    const plan = await planEnrolment(argv);
    if ('live' in plan) return enrolLive(plan.live, plan.force, io);
    using store = openGallery(io);
    await using engine = configuredEngine(io);
    const { space } = await engine.start();
    const bad: BadPhoto[] = [];
    const lookedAt: LookedAt[] = [];
    const total = plan.batches.reduce((sum, { files }) => sum + files.length, 0);
    let done = 0;
    for (const batch of plan.batches) {
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
    if (!plan.skipBad) refuseBadPhotos(bad, total, 'nothing was enrolled (--skip-bad leaves such photos out)');
    const blind = lookedAt.find(({ looks }) => looks.length === 0);
    if (blind) refuseBadPhotos(bad, total, `no photo of ${blind.name ?? 'unknown'} is left, nothing was enrolled`);

    const result = store.change((changes) => {
      const people = lookedAt.flatMap((one) =>
        one.name === null ? [] : [enrolOne(changes, one.name, one, space, plan.force, io)],
      );
      const strangers = lookedAt.filter(({ name }) => name === null).flatMap(({ looks }) => looks);
      return { people, strangers: strangers.filter((look) => changes.addToCohort(look)).length };
    });
    for (const { sentence } of bad) io.log('warning', `left out: ${sentence}`);
    for (const one of result.people) io.out(describe(one));
    if (lookedAt.some(({ name }) => name === null))
      io.out(`${result.strangers} faces of strangers kept, to tell them apart`);
    io.document({ ...result, skipped: bad });
  },
};

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

// What `roomkin enrol` was asked to do: which photos belong to whom. Names are checked before any photo is opened.

/** Folder name of the faces that are nobody's. */
const cohortFolder = 'unknown';

/** One person's photos; `name` is null for the cohort of strangers. */
export interface Batch {
  readonly name: string | null;
  readonly files: readonly string[];
}

export interface EnrolPlan {
  readonly batches: readonly Batch[];
  readonly skipBad: boolean;
  readonly force: boolean;
}

/** Somebody of this name is to stand before the camera. */
export interface LivePlan {
  readonly live: string;
  readonly force: boolean;
}

/** Errors: USAGE, NAME_REFUSED, PHOTO_UNREADABLE, FOLDER_EMPTY. */
export async function planEnrolment(argv: readonly string[]): Promise<EnrolPlan | LivePlan> {
  const { values, positionals, tokens } = parseArguments(argv, enrolUsage, {
    photos: { type: 'string', multiple: true },
    from: { type: 'string' },
    live: { type: 'boolean', default: false },
    'skip-bad': { type: 'boolean', default: false },
    force: { type: 'boolean', default: false },
  });
  const { photos, from, live, 'skip-bad': skipBad, force } = values;
  const sources = [photos !== undefined, from !== undefined, live].filter(Boolean).length;
  if (sources !== 1) throw misused(enrolUsage, 'one of --photos, --live and --from is needed');
  if (live) {
    if (skipBad) throw misused(enrolUsage, '--skip-bad is for photos');
    if (positionals.length !== 1) throw misused(enrolUsage, 'one NAME is needed (in quotes if it has spaces)');
    return { live: checkName(positionals[0]!), force };
  }
  if (from !== undefined) {
    if (positionals.length > 0) throw misused(enrolUsage, 'with --from the folders are the names');
    return { batches: await classFolders(from), skipBad, force };
  }
  // Words before --photos are the name, words after it are more photos, as a shell's * gives them.
  const start = tokens.findIndex((token) => token.kind === 'option' && token.name === 'photos');
  const words = (part: typeof tokens): string[] =>
    part.flatMap((token) => (token.kind === 'positional' ? [token.value] : []));
  const names = words(tokens.slice(0, start));
  if (names.length !== 1) throw misused(enrolUsage, 'one NAME is needed before --photos (in quotes if it has spaces)');
  const name = checkName(names[0]!);
  const files = await findPhotos([...(photos ?? []), ...words(tokens.slice(start))]);
  return { batches: [{ name, files }], skipBad, force };
}

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
