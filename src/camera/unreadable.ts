// Why a photo or a folder cannot be read, in words. Apart from photo.ts, because a folder can be listed without a decoder.
import { fail, type RoomkinError } from '../base/errors.js';

/** The error for a photo that cannot be read; `why` continues a sentence that starts with its path. */
export function unreadable(path: string, why: string, cause?: unknown): RoomkinError {
  return fail('PHOTO_UNREADABLE', `${path} ${why}`, cause);
}

/** Why a file or folder cannot be opened, in words that follow its path. */
export function reasonOf(cause: unknown): string {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'is not there: check the path';
  if (code === 'EACCES' || code === 'EPERM') return 'may not be read by this user: check its permissions';
  if (code === 'ENXIO') return 'is not a regular file';
  if (code === 'ENAMETOOLONG' || code === 'ERR_INVALID_ARG_VALUE') return 'is not a possible path';
  return `cannot be read (${String(code ?? cause)})`;
}
