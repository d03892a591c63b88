// The photos in a folder as people have it: beside them lie sidecars of phones and photo programs, videos, folders of file managers and
// network disks. The content decides what is a photo, not the name. Every file is either a photo or is passed over with a reason.
import type { Dirent } from 'node:fs';
import { constants } from 'node:fs';
import { open, readdir, stat } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { fail } from '../base/errors.js';
import { type Content, contentOf, headBytes } from './photo-format.js';
import { reasonOf, unreadable } from './unreadable.js';

/** Why a file in a folder is passed over. */
export const passedOverReasons = {
  subfolder: 'in a folder inside it: name that folder as well to read it',
  sidecar: 'beside a photo, with its settings (sidecar)',
  hidden: 'hidden',
  system: 'of the system, a file manager or a photo program',
  video: 'a video: save a frame of it as JPEG to use it',
  raw: 'a raw file of a camera: export it as JPEG to use it',
  picture: 'a picture that roomkin cannot read: save it as JPEG to use it',
  special: 'not a regular file',
  loose: 'in no folder of a person',
  other: 'not a photo',
} as const;

export type PassedOverReason = keyof typeof passedOverReasons;

/** A file that is not a photo of the folder. */
export interface PassedOver {
  readonly file: string;
  readonly reason: PassedOverReason;
}

export interface FolderContent {
  /** In natural order: `2.jpg` before `10.jpg`. */
  readonly photos: readonly string[];
  readonly passedOver: readonly PassedOver[];
}

/** Names that say that a file is meant to be a photo: it is then listed also where its content is no photo, and refused as damaged. */
const photoExtensions = new Set(
  'jpg jpeg jpe jfif jif png webp avif heic heif hif tif tiff gif'.split(' ').map((name) => `.${name}`),
);
const sidecarExtensions = new Set('xmp aae json thm pp3 dop cos xml lrv'.split(' ').map((name) => `.${name}`));
const rawExtensions = new Set(
  'dng cr2 cr3 crw nef nrw arw srf sr2 orf rw2 raf pef srw 3fr iiq x3f'.split(' ').map((name) => `.${name}`),
);
const systemNames = new Set([
  '@eadir',
  '#recycle',
  '__macosx',
  '$recycle.bin',
  'system volume information',
  'lost+found',
  'thumbs.db',
  'ehthumbs.db',
  'desktop.ini',
  'icon\r',
]);

/**
 * The photos at `path`: the file itself, or those directly inside the folder. Files in folders inside it are listed as passed over: they
 * may show other people. Links to files are followed, links to folders are not. Errors: PHOTO_UNREADABLE (missing, not permitted).
 */
export async function folderContent(path: string): Promise<FolderContent> {
  const isFolder = await stat(path).then(
    (status) => status.isDirectory(),
    (cause: unknown) => {
      throw unreadable(path, reasonOf(cause), cause);
    },
  );
  if (!isFolder) return { photos: [path], passedOver: [] };
  const entries = await readdir(path, { withFileTypes: true }).catch((cause: unknown) => {
    throw unreadable(path, reasonOf(cause), cause);
  });
  const photos: string[] = [];
  const passedOver: PassedOver[] = [];
  for (const entry of entries.sort((a, b) => naturalOrder(a.name, b.name))) {
    const file = join(path, entry.name);
    const reason = await whyPassedOver(file, entry);
    if (reason === null) photos.push(file);
    else if (reason === 'subfolder' || (entry.isDirectory() && reason !== 'special'))
      passedOver.push(...(await filesBelow(file, reason)));
    else passedOver.push({ file, reason });
  }
  return { photos, passedOver };
}

/**
 * The photos at `path`, as `folderContent`. Errors: PHOTO_UNREADABLE, FOLDER_EMPTY.
 */
export async function listPhotos(path: string): Promise<readonly string[]> {
  const content = await folderContent(path);
  if (content.photos.length === 0) throw folderEmpty(path, content.passedOver);
  return content.photos;
}

/** The error for a folder without photos, with what it holds instead. */
export function folderEmpty(path: string, passedOver: readonly PassedOver[]): Error {
  const inside = passedOver.filter(({ reason }) => reason === 'subfolder');
  const [first] = inside;
  const advice =
    first === undefined
      ? 'name a folder with photos'
      : `${inside.length} of its files are in folders inside it, such as ${first.file}: name such a folder`;
  const held = passedOver.length === 0 ? 'it is empty' : `${passedOver.length} files were passed over`;
  return fail('FOLDER_EMPTY', `${path} holds no photo (${held}): ${advice}`);
}

/** Natural order: `2.jpg` before `10.jpg`; the same on every machine. */
export function naturalOrder(a: string, b: string): number {
  return collator.compare(a, b) || (a < b ? -1 : 1);
}

const collator = new Intl.Collator('en', { numeric: true });

/** The reason that the name alone gives: such files are not opened. null: the content decides. */
export function reasonOfName(name: string): PassedOverReason | null {
  if (systemNames.has(name.toLowerCase())) return 'system';
  // macOS writes `._NAME` beside each file on a foreign disk.
  if (name.startsWith('.')) return 'hidden';
  const extension = extname(name).toLowerCase();
  if (sidecarExtensions.has(extension)) return 'sidecar';
  return rawExtensions.has(extension) ? 'raw' : null;
}

/** The reason that the content of a file gives, null for a photo. A damaged file with the name of a photo is one, so that it is told. */
export function reasonOfContent(name: string, content: Content): PassedOverReason | null {
  if (content === 'photo') return null;
  if (content === 'picture' || content === 'video') return content;
  return photoExtensions.has(extname(name).toLowerCase()) ? null : 'other';
}

async function whyPassedOver(file: string, entry: Dirent): Promise<PassedOverReason | null> {
  const named = reasonOfName(entry.name);
  if (entry.isDirectory()) return named === 'hidden' || named === 'system' ? named : 'subfolder';
  if (named !== null) return named;
  if (!entry.isFile() && !entry.isSymbolicLink()) return 'special';
  // A file that cannot be looked into is taken for a photo: reading it gives the error with its reason.
  const content = await headOf(file).catch(() => null);
  if (content === 'folder' || content === 'special') return 'special';
  return content === null ? null : reasonOfContent(entry.name, content);
}

async function headOf(file: string): Promise<Content | 'folder' | 'special'> {
  // O_NONBLOCK: opening a named pipe must not wait for a writer.
  const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const status = await handle.stat();
    if (status.isDirectory()) return 'folder';
    if (!status.isFile()) return 'special';
    const head = Buffer.alloc(headBytes);
    const { bytesRead } = await handle.read(head, 0, headBytes, 0);
    return contentOf(head.subarray(0, bytesRead));
  } finally {
    await handle.close();
  }
}

/** Every file below `folder`; the folder itself where it is empty or may not be read. Links are not followed, so there are no loops. */
export async function filesBelow(folder: string, reason: PassedOverReason): Promise<PassedOver[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true }).catch(() => []);
  const files = entries.filter((entry) => !entry.isDirectory());
  if (files.length === 0) return [{ file: folder, reason }];
  return files
    .map((entry) => join(entry.parentPath, entry.name))
    .sort(naturalOrder)
    .map((file) => ({ file, reason: reason === 'subfolder' ? reasonInside(file) : reason }));
}

function reasonInside(file: string): PassedOverReason {
  const named = reasonOfName(basename(file));
  return named === null || named === 'raw' ? 'subfolder' : named;
}
