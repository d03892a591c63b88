// A look as bytes: every number as it was, the embedding as 8-bit integers with one scale. About 450 bytes for 192 numbers.
import type { Box, Quality } from '../domain/face.js';
import type { IdentificationState } from '../domain/identify.js';
import type { KeptLook } from './look-store.js';

/** Format of the bytes; part of what their seal is bound to, so that a later format is never taken for this one. */
export const lookFormat = '1';

/** What is sealed: everything but the two columns that lie in the clear. */
export type SealedLook = Omit<KeptLook, 'id' | 'wallMs'>;

type Texts = readonly [
  run: string,
  space: string,
  state: IdentificationState,
  person: string | null,
  best: string | null,
  runnerUp: string | null,
  rule: string,
];

const numberBytes = 8;

/**
 * Layout, little-endian: count of numbers (1 byte), the numbers (64-bit floats, NaN for null), count of the embedding's
 * dimensions (2 bytes, 0 for none), its scale (32-bit float), the dimensions (8-bit integers), the texts (JSON, UTF-8).
 */
export function encodeLook(look: SealedLook): Buffer {
  const { quality } = look;
  const numbers = [
    look.atMs,
    look.track,
    look.nth,
    ...look.box,
    look.score,
    quality.eyesPx,
    quality.sharpness,
    quality.yawDegrees,
    quality.pitchDegrees,
    quality.light,
    quality.contrast,
    look.weight,
    look.similarity ?? Number.NaN,
    look.second ?? Number.NaN,
    look.margin ?? Number.NaN,
  ];
  const head = Buffer.alloc(1 + numbers.length * numberBytes);
  head.writeUInt8(numbers.length);
  numbers.forEach((value, i) => {
    head.writeDoubleLE(value, 1 + i * numberBytes);
  });
  const texts: Texts = [look.run, look.space, look.state, look.person, look.best, look.runnerUp, look.rule];
  return Buffer.concat([head, encodeEmbedding(look.embedding), Buffer.from(JSON.stringify(texts), 'utf8')]);
}

/** The look behind bytes of this format, which a seal has proved to be our own. */
export function decodeLook(bytes: Buffer): SealedLook {
  const count = bytes.readUInt8(0);
  const numbers = Array.from({ length: count }, (_, i) => bytes.readDoubleLE(1 + i * numberBytes));
  const { embedding, end } = decodeEmbedding(bytes, 1 + count * numberBytes);
  const [run, space, state, person, best, runnerUp, rule] = JSON.parse(bytes.toString('utf8', end)) as Texts;
  const [atMs, track, nth, x, y, width, height, score, ...more] = numbers as [number, ...number[]] & number[];
  const [eyesPx, sharpness, yawDegrees, pitchDegrees, light, contrast, weight, ...similarities] = more;
  const [similarity, second, margin] = similarities.map((value) => (Number.isNaN(value) ? null : value));
  const box: Box = [x!, y!, width!, height!];
  const quality: Quality = {
    eyesPx: eyesPx!,
    sharpness: sharpness!,
    yawDegrees: yawDegrees!,
    pitchDegrees: pitchDegrees!,
    light: light!,
    contrast: contrast!,
  };
  return {
    ...{ run, space, state, person, best, runnerUp, rule },
    ...{ atMs, track: track!, nth: nth!, box, score: score!, quality, embedding, weight: weight! },
    ...{ similarity: similarity!, second: second!, margin: margin! },
  };
}

// One step is 1/127 of the largest number: for 192 numbers the cosine to the original is about 0.99997.
function encodeEmbedding(embedding: Float32Array | null): Buffer {
  const length = embedding?.length ?? 0;
  const bytes = Buffer.alloc(6 + length);
  bytes.writeUInt16LE(length, 0);
  if (embedding === null) return bytes;
  const scale = embedding.reduce((most, value) => Math.max(most, Math.abs(value)), 0) / 127 || 1;
  bytes.writeFloatLE(scale, 2);
  embedding.forEach((value, i) => {
    bytes.writeInt8(Math.max(-127, Math.min(127, Math.round(value / scale))), 6 + i);
  });
  return bytes;
}

/** Made unit length again, as identification wants it. */
function decodeEmbedding(bytes: Buffer, at: number): { embedding: Float32Array | null; end: number } {
  const length = bytes.readUInt16LE(at);
  const end = at + 6 + length;
  if (length === 0) return { embedding: null, end };
  const whole = Float32Array.from({ length }, (_, i) => bytes.readInt8(at + 6 + i));
  const size = Math.hypot(...whole) || 1;
  return { embedding: whole.map((value) => value / size), end };
}
