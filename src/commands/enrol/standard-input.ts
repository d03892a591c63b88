// `enrol NAME --photos -`: one photo, or a tar archive of photos (also compressed with gzip), from standard input. An archive is read
// photo by photo and never kept whole: it may be larger than the memory.
import { basename } from 'node:path';
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { createGunzip } from 'node:zlib';
import { createTarDecoder } from 'modern-tar';
import { fail, sentenceOf } from '../../base/errors.js';
import { maxFileBytes, type PhotoBytes } from '../../camera/photo.js';
import { type PassedOver, reasonOfContent, reasonOfName } from '../../camera/photo-files.js';
import { contentOf, headBytes } from '../../camera/photo-format.js';
import type { BadPhoto } from '../photo-analysis.js';

/** The word for standard input in messages. */
const place = 'standard input';
const tarBlockBytes = 512;
/** Where the header of a tar archive has the mark `ustar`. */
const tarMarkAt = 257;

/**
 * The photos in `input`, one after the other. What is no photo is added to `passedOver`. Errors: PHOTO_UNREADABLE (nothing, neither a
 * photo nor an archive, a damaged archive).
 */
export async function* photosOfInput(
  input: Readable,
  passedOver: PassedOver[],
): AsyncGenerator<PhotoBytes | BadPhoto, void, undefined> {
  const { head, all } = await withHead(input);
  if (head.length === 0) throw unreadable('gives nothing: put a photo or a tar archive into the pipe');
  if (head[0] === 0x1f && head[1] === 0x8b) {
    const unpacked = all.pipe(createGunzip());
    all.once('error', (error) => unpacked.destroy(error));
    yield* photosOfInput(unpacked, passedOver);
    return;
  }
  if (head.toString('latin1', tarMarkAt, tarMarkAt + 5) === 'ustar') {
    yield* photosOfTar(all, passedOver);
    return;
  }
  const content = contentOf(head.subarray(0, headBytes));
  if (content !== 'photo' && content !== 'picture') {
    all.destroy();
    throw unreadable('is neither a photo nor a tar archive of photos: use `cat photo.jpg |` or `tar c folder |`');
  }
  const bytes = await bytesOf(all);
  all.destroy();
  yield bytes === null ? tooLarge(place) : { name: place, bytes };
}

/** The first block of `input`, and a stream of everything. */
async function withHead(input: Readable): Promise<{ readonly head: Buffer; readonly all: Readable }> {
  const chunks = input[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  let head = Buffer.alloc(0);
  try {
    while (head.length < tarBlockBytes) {
      const { value, done } = await chunks.next();
      if (done) break;
      head = Buffer.concat([head, value]);
    }
  } catch (error) {
    throw unreadable(`cannot be read (${sentenceOf(error)})`);
  }
  const start = head;
  async function* everything(): AsyncGenerator<Buffer, void, undefined> {
    yield start;
    yield* { [Symbol.asyncIterator]: () => chunks };
  }
  return { head, all: Readable.from(everything(), { objectMode: false }) };
}

async function* photosOfTar(
  archive: Readable,
  passedOver: PassedOver[],
): AsyncGenerator<PhotoBytes | BadPhoto, void, undefined> {
  const entries = (Readable.toWeb(archive) as ReadableStream).pipeThrough(createTarDecoder({ strict: true }) as never);
  try {
    for await (const { header, body } of entries as unknown as AsyncIterable<TarEntry>) {
      const isFile = header.type === undefined || header.type === 'file';
      const { name } = header;
      const parts = name.split('/').filter((part) => part !== '' && part !== '.');
      const named = parts.map(reasonOfName).find((reason) => reason === 'hidden' || reason === 'system');
      const reason = named ?? reasonOfName(basename(name));
      const bytes = await bytesOf(body, isFile && reason === null);
      if (header.type === 'directory') continue;
      const file = `${name} in ${place}`;
      if (reason !== null || !isFile) passedOver.push({ file, reason: reason ?? 'special' });
      else if (bytes === null) yield tooLarge(file);
      else {
        const why = reasonOfContent(name, contentOf(bytes.subarray(0, headBytes)));
        if (why !== null) passedOver.push({ file, reason: why });
        else yield { name: file, bytes };
      }
    }
  } catch (error) {
    throw unreadable(`is a damaged or cut off tar archive (${sentenceOf(error)}): make it again`);
  }
}

interface TarEntry {
  readonly header: { readonly name: string; readonly type?: string };
  readonly body: AsyncIterable<Uint8Array>;
}

/** Everything in `chunks`; null where that is more than a photo may have, or without `kept`. */
async function bytesOf(chunks: AsyncIterable<Uint8Array>, kept = true): Promise<Buffer | null> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    length += chunk.length;
    if (length > maxFileBytes) parts.length = 0;
    else if (kept) parts.push(chunk);
  }
  return length > maxFileBytes || !kept ? null : Buffer.concat(parts);
}

function tooLarge(file: string): BadPhoto {
  const sentence = `${file} has more than ${maxFileBytes / 2 ** 20} MB: too large to open safely, save it as a JPEG of 12 megapixels`;
  return { file, code: 'PHOTO_TOO_LARGE', sentence };
}

function unreadable(why: string): Error {
  return fail('PHOTO_UNREADABLE', `${place} ${why}`);
}
