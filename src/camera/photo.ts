// Photos come from untrusted sources. A photo is accepted or refused by the memory that decoding would need, estimated from
// its header, not by its file size. Each call decodes one photo at a time and caches nothing: peak memory stays under 250 MB, with HEIC
// under 350 MB.
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { availableMemory } from 'node:process';
import type { Metadata, Sharp } from 'sharp';
import { fail, RoomkinError } from '../base/errors.js';
import { loadSharp } from '../base/sharp.js';
import type { Frame } from './camera.js';
import { decodeHeic, heicBytesPerPixel } from './heic.js';
import { reasonOf, unreadable } from './unreadable.js';

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
  /** What is missing of a damaged photo, in words that follow its name; null for a whole one. */
  readonly damage: string | null;
}

/** A photo that is not a file: of an archive, or from standard input. */
export interface PhotoBytes {
  /** For messages. */
  readonly name: string;
  readonly bytes: Buffer;
}

export interface PhotoLimits {
  /** Most pixels (width times height). Default 64 million: more than the 50 megapixels of phones, far fewer than a bomb. */
  readonly maxPixels?: number;
  /** Longer edge of the result in pixels; larger photos are shrunk, never enlarged. Default 2560. */
  readonly maxEdgePx?: number;
}

/** Largest file of a photo, bytes. */
export const maxFileBytes: number = 48 * 2 ** 20;
/** Bytes that a decoder may hold at once. Node, sharp and the result take up to 130 MB more. */
const maxDecoderBytes = 80 * 2 ** 20;
/** The 24 megapixels that phones write as HEIC, and a little more. */
const maxHeicPixels = 25e6;
/** Least share of the rows that a damaged photo must have. */
const leastIntact = 0.9;
const formats = new Set(['jpeg', 'png', 'webp', 'heif', 'tiff', 'gif']);

/**
 * Reads one photo: turned upright by its EXIF orientation, converted to sRGB, transparent pixels on grey, shrunk to
 * `maxEdgePx`. Its content decides the format, not its name. A damaged one is read where at least nine tenths of its rows are there.
 * Errors (exit 65, the sentence names the file): PHOTO_UNREADABLE (missing, a folder, empty, truncated, not an image, not permitted),
 * PHOTO_TOO_LARGE.
 */
export async function readPhoto(path: string, limits: PhotoLimits = {}): Promise<RgbPicture> {
  return decodePhoto(await readBytes(path), path, limits);
}

/** The same for the bytes of a photo; `name` is what the error calls it. */
export async function decodePhoto(bytes: Buffer, name: string, limits: PhotoLimits = {}): Promise<RgbPicture> {
  const { maxPixels = 64e6, maxEdgePx = 2560 } = limits;
  const sharp = await loadSharp();
  const metadata = await sharp(bytes, { limitInputPixels: false })
    .metadata()
    .catch((cause: unknown) => {
      throw unreadable(name, 'is not an image that roomkin can read (JPEG, HEIC, PNG, WebP, AVIF, TIFF, GIF)', cause);
    });
  if (!formats.has(metadata.format))
    throw unreadable(name, `is a ${metadata.format} drawing, not a photo: save it as JPEG or PNG`);
  const isHeic = metadata.compression === 'hevc';
  refuseTooLarge(name, metadata, maxPixels, isHeic);
  const sha256 = createHash('sha256').update(bytes).digest();
  const shrunk = async (source: Sharp) => {
    const { data, info } = await source
      .resize({ width: maxEdgePx, height: maxEdgePx, fit: 'inside', withoutEnlargement: true })
      .flatten({ background: '#808080' })
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    const { width, height } = info;
    return { width, height, format: 'rgb' as const, stride: width * 3, data, sha256 };
  };
  const damaged = (cause: unknown): Error =>
    unreadable(name, 'is damaged or truncated: copy it again from its source', cause);
  if (isHeic) {
    const { data, width, height } = await decodeHeic(bytes, maxHeicPixels).catch((cause: unknown) => {
      throw damaged(cause);
    });
    const picture = await shrunk(sharp(data, { raw: { width, height, channels: 4 } }));
    return { ...picture, originalWidth: width, originalHeight: height, damage: null };
  }
  const { width: originalWidth, height: originalHeight } = metadata.autoOrient;
  const decoder = { limitInputPixels: maxPixels, autoOrient: true } as const;
  try {
    const picture = await shrunk(sharp(bytes, { ...decoder, failOn: 'error' }));
    return { ...picture, originalWidth, originalHeight, damage: null };
  } catch (cause) {
    // Turned as in the file, because decoders go from its first row to its last.
    const asStored = await sharp(bytes, { limitInputPixels: maxPixels, failOn: 'none' })
      .resize({ width: 64, height: 500, fit: 'fill', kernel: 'nearest', fastShrinkOnLoad: false })
      .removeAlpha()
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true })
      .catch(() => null);
    if (asStored === null) throw damaged(cause);
    const missing = 1 - intactShare(asStored.data, asStored.info.height, asStored.info.width * asStored.info.channels);
    if (1 - missing < leastIntact) throw damaged(cause);
    const picture = await shrunk(sharp(bytes, { ...decoder, failOn: 'none' })).catch(() => {
      throw damaged(cause);
    });
    const what = missing === 0 ? 'the end of the file' : `the last ${Math.max(1, Math.round(100 * missing))} % of it`;
    return { ...picture, originalWidth, originalHeight, damage: `is damaged: ${what} is missing, the rest was used` };
  }
}

/** The share of rows before the single-coloured ones at the end, with which a decoder fills up what is missing. */
function intactShare(data: Uint8Array, height: number, rowBytes: number): number {
  const isUniform = (row: number): boolean => {
    const pixels = data.subarray(row * rowBytes, (row + 1) * rowBytes);
    return pixels.every((value, i) => Math.abs(value - pixels[i % 3]!) <= 1);
  };
  let intact = height;
  while (intact > 0 && isUniform(intact - 1)) intact--;
  return intact / height;
}

/** Errors: PHOTO_TOO_LARGE. */
function refuseTooLarge(name: string, metadata: Metadata, maxPixels: number, isHeic: boolean): void {
  const { width, height } = metadata;
  const pixels = width * height;
  const most = isHeic ? Math.min(maxHeicPixels, maxPixels) : maxPixels;
  const size = `${width}x${height} (${Math.round(pixels / 1e6)} megapixels, ${isHeic ? 'HEIC' : describe(metadata)})`;
  if (pixels > most || (!isHeic && decoderBytes(metadata) > maxDecoderBytes))
    throw fail('PHOTO_TOO_LARGE', `${name} is ${size}: too large to open safely, save it as a JPEG of 12 megapixels`);
  // 0: the system does not say.
  const available = availableMemory();
  const needed = isHeic ? pixels * heicBytesPerPixel : 0;
  if (available > 0 && needed > available) {
    const sizes = `${Math.round(needed / 2 ** 20)} MB of memory, ${Math.round(available / 2 ** 20)} MB are free`;
    throw fail('PHOTO_TOO_LARGE', `${name} is ${size} and needs ${sizes}: save it as JPEG`);
  }
}

/** The photo as a frame for the engine. A photo has no time and no sequence number: both are 0. */
export function photoFrame(picture: RgbPicture): Frame {
  const { width, height, format, stride, data } = picture;
  return { capturedAt: 0, sequence: 0, width, height, format, stride, data };
}

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
    throw unreadable(path, reasonOf(cause), cause);
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
