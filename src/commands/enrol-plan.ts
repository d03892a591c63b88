// What `roomkin enrol` was asked to do: which photos belong to whom. Names are checked before any photo is opened.
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fail } from '../base/errors.js';
import { naturalOrder } from '../capture/photo.js';
import { checkName, foldName } from '../domain/names.js';
import { misused, parseArguments } from './arguments.js';
import { findPhotos } from './photo-analysis.js';

export const enrolUsage = 'enrol NAME --photos PATH... | enrol NAME --live | enrol --from DIR  [--skip-bad] [--force]';

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
