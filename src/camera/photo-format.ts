// What a file is, by its first bytes: names lie. Phones and chats write `.jfif`, `.jpe`, a JPEG called `.png`, or no extension at all.

/** Bytes from the start of a file that `contentOf` needs. */
export const headBytes = 64;

/**
 * `photo`: a format that roomkin reads. `picture`: a picture in another format. `video`, `archive`. `empty`: no bytes. `other`: anything
 * else, or a format that has no mark.
 */
export type Content = 'photo' | 'picture' | 'video' | 'archive' | 'empty' | 'other';

/** Brands of HEIF files that hold a still picture (ISO/IEC 23008-12, and AVIF). Any other brand is a video. */
const stillBrands: ReadonlySet<string> = new Set([
  'heic',
  'heix',
  'heim',
  'heis',
  'hevc',
  'hevx',
  'mif1',
  'msf1',
  'avif',
  'avis',
]);

/** `head`: the first `headBytes` of the file, or all of a shorter one. */
export function contentOf(head: Uint8Array): Content {
  if (head.length === 0) return 'empty';
  const text = Buffer.from(head).toString('latin1');
  const at = (offset: number, mark: string): boolean => text.startsWith(mark, offset);
  if (at(0, '\xff\xd8\xff') || at(0, '\x89PNG\r\n\x1a\n') || at(0, 'GIF8')) return 'photo';
  if (at(0, 'RIFF')) return at(8, 'WEBP') ? 'photo' : 'video';
  if (at(0, 'II*\0') || at(0, 'MM\0*')) return 'photo';
  if (at(4, 'ftyp')) return stillBrands.has(text.slice(8, 12)) ? 'photo' : 'video';
  if (at(0, 'BM') && at(6, '\0\0\0\0')) return 'picture';
  if (at(0, '\xff\x0a') || at(4, 'JXL ') || at(0, '8BPS') || /^\s*(<\?xml[^>]*>\s*)?<svg/.test(text)) return 'picture';
  if (at(0, '\x1aE\xdf\xa3') || at(4, 'moov') || at(4, 'mdat')) return 'video';
  if (at(0, 'PK\x03\x04') || at(0, '\x1f\x8b') || at(0, '7z\xbc\xaf') || at(0, 'Rar!')) return 'archive';
  return 'other';
}
