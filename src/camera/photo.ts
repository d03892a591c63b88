// Photos come from untrusted sources. A photo is accepted or refused by the memory that decoding would need, estimated from
// its header, not by its file size. Each call decodes one photo at a time and caches nothing: peak memory stays under 250 MB.
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, readdir, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import sharp, { type Metadata } from 'sharp';
import { fail, RoomkinError } from '../base/errors.js';
import type { Frame } from './camera.js';

// Otherwise libvips keeps decoded pixels of earlier photos and one buffer per thread.
sharp.cache(false);
sharp.concurrency(1);

/** A decoded photo, upright, 8-bit sRGB, 3 bytes a pixel, no row padding. */
export interface RgbPicture {
  readonly width: number;
  readonly height: number;
  readonly format: 'rgb';
  /** `width * 3`. */
  readonly stride: number;
  readonly data: Uint8Array;
  /** Size of the photo in the file, upright, pixels; larger than `width` x `height` where it was shrunk. */
  readonly originalWidth: number;
  readonly originalHeight: number;
  /** Of the file's bytes: identifies the same photo under another name. */
  readonly sha256: Uint8Array;
}

export interface PhotoLimits {
  /** Most pixels (width times height). Default 64 million: more than the 50 megapixels of phones, far fewer than a bomb. */
  readonly maxPixels?: number;
  /** Longer edge of the result in pixels; larger photos are shrunk, never enlarged. Default 2560. */
  readonly maxEdgePx?: number;
}

const maxFileBytes = 48 * 2 ** 20;
/** Bytes that a decoder may hold at once. Node, sharp and the result take up to 130 MB more. */
const maxDecoderBytes = 80 * 2 ** 20;
const formats = new Set(['jpeg', 'png', 'webp', 'heif', 'tiff', 'gif']);
const extensions = new Set(['.jpg', '.jpeg', '.png', '.webp', '.avif', '.tif', '.tiff', '.gif']);

/**
 * Reads one photo: turned upright by its EXIF orientation, converted to sRGB, transparent pixels on grey, shrunk to
 * `maxEdgePx`. Errors (exit 65, the sentence names the file): PHOTO_UNREADABLE (missing, a folder, empty, truncated, not an
 * image, not permitted), PHOTO_TOO_LARGE.
 */
export async function readPhoto(path: string, limits: PhotoLimits = {}): Promise<RgbPicture> {
  return decodePhoto(await readBytes(path), path, limits);
}

/** The same for the bytes of a photo; `path` is what the error calls it. */
export async function decodePhoto(bytes: Buffer, path: string, limits: PhotoLimits = {}): Promise<RgbPicture> {
  const { maxPixels = 64e6, maxEdgePx = 2560 } = limits;
  const decoder = { limitInputPixels: maxPixels, failOn: 'error', autoOrient: true } as const;
  const metadata = await sharp(bytes, { ...decoder, limitInputPixels: false })
    .metadata()
    .catch((cause: unknown) => {
      throw unreadable(path, 'is not an image that roomkin can read (JPEG, PNG, WebP, AVIF, TIFF, GIF)', cause);
    });
  if (!formats.has(metadata.format))
    throw unreadable(path, `is a ${metadata.format} drawing, not a photo: save it as JPEG or PNG`);
  if (metadata.compression === 'hevc')
    throw unreadable(path, 'is a HEIC photo, which roomkin cannot read: save it as JPEG');
  const pixels = metadata.width * metadata.height;
  if (pixels > maxPixels || decoderBytes(metadata) > maxDecoderBytes) {
    const size = `${metadata.width}x${metadata.height} (${Math.round(pixels / 1e6)} megapixels, ${describe(metadata)})`;
    throw fail('PHOTO_TOO_LARGE', `${path} is ${size}: too large to open safely, save it as a JPEG of 12 megapixels`);
  }
  try {
    const { data, info } = await sharp(bytes, decoder)
      .resize({ width: maxEdgePx, height: maxEdgePx, fit: 'inside', withoutEnlargement: true })
      .flatten({ background: '#808080' })
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    return {
      width: info.width,
      height: info.height,
      format: 'rgb',
      stride: info.width * 3,
      data,
      originalWidth: metadata.autoOrient.width,
      originalHeight: metadata.autoOrient.height,
      sha256: createHash('sha256').update(bytes).digest(),
    };
  } catch (cause) {
    throw unreadable(path, 'is damaged or truncated: copy it again from its source', cause);
  }
}

/** The photo as a frame for the engine. A photo has no time and no sequence number: both are 0. */
export function photoFrame(picture: RgbPicture): Frame {
  const { width, height, format, stride, data } = picture;
  return { capturedAt: 0, sequence: 0, width, height, format, stride, data };
}

/**
 * The photos at `path`: the file itself, or the pictures directly inside the folder (by extension, without hidden files)
 * in natural order (`2.jpg` before `10.jpg`). Errors: PHOTO_UNREADABLE (missing, not permitted), FOLDER_EMPTY.
 */
export async function listPhotos(path: string): Promise<string[]> {
  const folder = await stat(path).then(
    (status) => status.isDirectory(),
    (cause: unknown) => {
      throw unreadable(path, reason(cause), cause);
    },
  );
  if (!folder) return [path];
  const entries = await readdir(path, { withFileTypes: true }).catch((cause: unknown) => {
    throw unreadable(path, reason(cause), cause);
  });
  const photos = entries
    .filter((entry) => !entry.isDirectory() && !entry.name.startsWith('.') && isPhotoName(entry.name))
    .map((entry) => join(path, entry.name))
    .sort(naturalOrder);
  if (photos.length === 0)
    throw fail('FOLDER_EMPTY', `${path} holds no photo (${[...extensions].join(', ')}): name a folder with photos`);
  return photos;
}

/** Whether a file name has the extension of a photo. */
export function isPhotoName(name: string): boolean {
  return extensions.has(extname(name).toLowerCase());
}

/** Natural order: `2.jpg` before `10.jpg`; the same on every machine. */
export function naturalOrder(a: string, b: string): number {
  return collator.compare(a, b) || (a < b ? -1 : 1);
}

const collator = new Intl.Collator('en', { numeric: true });

// O_NONBLOCK: opening a named pipe must not wait for a writer. The file is read into memory here, because libvips reads text in
// square brackets in a file name as options.
async function readBytes(path: string): Promise<Buffer> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const status = await handle.stat();
    if (status.isDirectory()) throw unreadable(path, 'is a folder, not a photo');
    if (!status.isFile()) throw unreadable(path, 'is not a regular file');
    if (status.size === 0) throw unreadable(path, 'is empty (0 bytes): copy it again from its source');
    if (status.size > maxFileBytes) {
      const size = `${Math.round(status.size / 2 ** 20)} MB`;
      throw fail(
        'PHOTO_TOO_LARGE',
        `${path} is a file of ${size}: too large to open safely, save it as a JPEG of 12 megapixels`,
      );
    }
    return await handle.readFile();
  } catch (cause) {
    if (cause instanceof RoomkinError) throw cause;
    throw unreadable(path, reason(cause), cause);
  } finally {
    await handle?.close();
  }
}

/**
 * Most bytes that a decoder holds at once. Baseline JPEG and plain PNG are read row by row. A progressive JPEG keeps 2
 * bytes per coefficient of the whole picture. An interlaced PNG and the other formats keep every pixel (measured: AVIF 18
 * bytes per pixel, WebP and GIF 4).
 */
function decoderBytes(metadata: Metadata): number {
  const { width, height, format, isProgressive, channels, chromaSubsampling } = metadata;
  const pixels = width * height;
  const bytesPerSample = metadata.depth === 'uchar' ? 1 : 2;
  if (format === 'jpeg')
    return isProgressive ? pixels * (chromaSubsampling === '4:2:0' ? 3 : 2 * channels) : width * 512;
  if (format === 'png') return isProgressive ? pixels * channels * bytesPerSample : width * 512;
  if (format === 'heif') return pixels * 18;
  return pixels * (format === 'tiff' ? channels * bytesPerSample : 6);
}

function describe({ format, isProgressive }: Metadata): string {
  return `${isProgressive ? 'progressive ' : ''}${format === 'heif' ? 'AVIF' : format.toUpperCase()}`;
}

function unreadable(path: string, why: string, cause?: unknown): RoomkinError {
  return fail('PHOTO_UNREADABLE', `${path} ${why}`, cause);
}

function reason(cause: unknown): string {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'is not there: check the path';
  if (code === 'EACCES' || code === 'EPERM') return 'may not be read by this user: check its permissions';
  if (code === 'ENXIO') return 'is not a regular file';
  if (code === 'ENAMETOOLONG' || code === 'ERR_INVALID_ARG_VALUE') return 'is not a possible path';
  return `cannot be read (${String(code ?? cause)})`;
}
