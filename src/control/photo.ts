// A photo on the control socket: the raw pixels that a verb has decoded, for the daemon's engine. Files of unknown origin are decoded in the
// verb's process. The pixels are in memory until they are analysed, and kept nowhere.
import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import { fail } from '../base/errors.js';
import type { Face } from '../vision/face.js';
import type { Frame, Picture } from '../vision/picture.js';
import { qualitySchema } from '../vision/quality-schema.js';
import { decodeEmbedding, encodeEmbedding, type RequestLine } from './protocol.js';

/** Longer edge of a photo, pixels: that of a decoded photo, so that one takes 19 MiB at most. */
export const mostEdgePx = 2560;

/** How a photo is searched: as `AnalyzeOptions`. */
export interface PhotoRequest {
  readonly search: 'all' | 'portrait' | 'whole';
  readonly embed: boolean;
  readonly mirror: boolean;
}

/** The memory for one photo at a time, whatever the number of sockets that take photos. */
export interface PhotoPlace {
  /** Until the result is disposed nobody else takes it. Errors: DAEMON_BUSY. */
  take(): Disposable;
}

export function createPhotoPlace(): PhotoPlace {
  let isTaken = false;
  return {
    take() {
      if (isTaken) throw fail('DAEMON_BUSY', 'the daemon analyses another photo at the moment: try again');
      isTaken = true;
      return {
        [Symbol.dispose]() {
          isTaken = false;
        },
      };
    },
  };
}

/** The request for a photo: RGB without padding of its rows. */
export function photoLine({ width, height, data }: Picture, { search, embed, mirror }: PhotoRequest): RequestLine {
  const parameters = { width, height, search, embed, mirror };
  const query = new URLSearchParams(
    Object.entries(parameters).map(([name, value]): [string, string] => [name, String(value)]),
  );
  // The pixels are sent when the daemon says that it takes them.
  const headers = {
    accept: 'application/x-ndjson',
    'content-type': 'application/octet-stream',
    'content-length': String(3 * width * height),
    expect: '100-continue',
  };
  return { method: 'POST', path: `/analyze?${query}`, headers, body: data.subarray(0, 3 * width * height) };
}

const edge = z.coerce.number().int().min(1).max(mostEdgePx);
const switchText = z.enum(['true', 'false']).transform((text) => text === 'true');
const parameters = z.object({
  width: edge,
  height: edge,
  search: z.enum(['all', 'portrait', 'whole']).default('all'),
  embed: switchText.default(true),
  mirror: switchText.default(true),
});

/** Reads the photo of a request into one buffer of its size. Errors: USAGE. */
export async function receivePhoto(
  given: URLSearchParams,
  request: IncomingMessage,
): Promise<{ readonly photo: Frame; readonly request: PhotoRequest }> {
  const checked = parameters.safeParse(Object.fromEntries(given));
  if (!checked.success) {
    const [issue] = checked.error.issues;
    throw fail('USAGE', `analyze: ${issue?.path.join('.')}: ${issue?.message}`);
  }
  const { width, height, ...rest } = checked.data;
  const data = new Uint8Array(3 * width * height);
  const wrong = (): Error =>
    fail('USAGE', `analyze: a photo of ${width}x${height} pixels has ${data.length} bytes, three for each pixel`);
  let at = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    if (at + chunk.length > data.length) throw wrong();
    data.set(chunk, at);
    at += chunk.length;
  }
  if (at !== data.length) throw wrong();
  const photo = { capturedAt: 0, sequence: 0, width, height, format: 'rgb', stride: 3 * width, data } as const;
  return { photo, request: rest };
}

const point = z.tuple([z.number(), z.number()]);

/** The faces of a photo, as the daemon answers them. */
export const photoAnswer = z.object({
  faces: z.array(
    z.object({
      box: z.tuple([z.number(), z.number(), z.number(), z.number()]),
      landmarks: z.tuple([point, point, point, point]).rest(point),
      score: z.number(),
      quality: qualitySchema,
      embedding: z.string().nullable(),
    }),
  ),
  times: z.object({ detectMs: z.number(), alignMs: z.number(), embedMs: z.number(), tiles: z.number() }),
});

export type PhotoAnswer = z.output<typeof photoAnswer>;

export function faceToSend({ box, landmarks, score, quality, embedding }: Face): PhotoAnswer['faces'][number] {
  const encoded = embedding === null ? null : encodeEmbedding(embedding);
  return {
    box: [...box],
    landmarks: landmarks.map(([x, y]) => [x, y]) as PhotoAnswer['faces'][number]['landmarks'],
    score,
    quality,
    embedding: encoded,
  };
}

export function sentFace({ embedding, ...face }: PhotoAnswer['faces'][number]): Face {
  return { ...face, embedding: embedding === null ? null : decodeEmbedding(embedding) };
}
