// An observation as bytes: every number as it was, the embeddings as 8-bit integers with one scale. About 460 bytes for 192 numbers,
// 200 more where observations before it were left out.

import type { IdentificationState } from '../gallery/identify.js';
import type { Reason } from '../gallery/reason.js';
import type { Box, Quality } from '../vision/face.js';
import type { SampledObservation } from './sampling.js';

/** An observation that is kept for a day. */
export interface JournalEntry extends SampledObservation {
  /** Never given to another observation. */
  readonly id: number;
  /** Wall time, milliseconds since the Unix epoch. */
  readonly wallMs: number;
  /** Which run of the daemon: `atMs` and the numbers of tracks are its own. */
  readonly run: string;
  /** Embedding space: observations are only compared with templates of the same. */
  readonly space: string;
}

/** Format of the bytes; part of what their seal is bound to, so that a later format is never taken for this one. */
export const entryFormat = '2';

/** What is sealed: everything but the two columns that lie in the clear. */
export type SealedEntry = Omit<JournalEntry, 'id' | 'wallMs'>;

type Texts = readonly [
  run: string,
  space: string,
  state: IdentificationState,
  person: string | null,
  best: string | null,
  runnerUp: string | null,
  reason: Reason,
];

const numberBytes = 8;

/**
 * Layout, little-endian: count of numbers (1 byte), the numbers (64-bit floats, NaN for null), the embedding and the mean of what
 * was skipped (each: count of dimensions in 2 bytes, 0 for none; scale as 32-bit float; 8-bit integers), the texts (JSON, UTF-8).
 */
export function encodeEntry(observation: SealedEntry): Buffer {
  const { quality } = observation;
  const numbers = [
    observation.atMs,
    observation.track,
    observation.nth,
    ...observation.box,
    observation.score,
    quality.eyesPx,
    quality.sharpness,
    quality.yawDegrees,
    quality.pitchDegrees,
    quality.light,
    quality.contrast,
    observation.weight,
    observation.similarity ?? Number.NaN,
    observation.second ?? Number.NaN,
    observation.margin ?? Number.NaN,
    observation.skipped?.observations ?? 0,
    observation.skipped?.weight ?? 0,
  ];
  const head = Buffer.alloc(1 + numbers.length * numberBytes);
  head.writeUInt8(numbers.length);
  numbers.forEach((value, i) => {
    head.writeDoubleLE(value, 1 + i * numberBytes);
  });
  const texts: Texts = [
    observation.run,
    observation.space,
    observation.state,
    observation.person,
    observation.best,
    observation.runnerUp,
    observation.reason,
  ];
  return Buffer.concat([
    head,
    ...[observation.embedding, observation.skipped?.mean ?? null].map(encodeVector),
    Buffer.from(JSON.stringify(texts), 'utf8'),
  ]);
}

/** The observation behind bytes of this format, which a seal has proved to be our own. */
export function decodeEntry(bytes: Buffer): SealedEntry {
  const count = bytes.readUInt8(0);
  const numbers = Array.from({ length: count }, (_, i) => bytes.readDoubleLE(1 + i * numberBytes));
  const { vector, end: middle } = decodeVector(bytes, 1 + count * numberBytes);
  const { vector: mean, end } = decodeVector(bytes, middle);
  const [run, space, state, person, best, runnerUp, reason] = JSON.parse(bytes.toString('utf8', end)) as Texts;
  const [atMs, track, nth, x, y, width, height, score, ...more] = numbers as [number, ...number[]] & number[];
  const [eyesPx, sharpness, yawDegrees, pitchDegrees, light, contrast, weight, ...similarities] = more;
  const [similarity, second, margin, observations, meanWeight] = similarities.map((value) =>
    Number.isNaN(value) ? null : value,
  );
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
    ...{ run, space, state, person, best, runnerUp, reason },
    ...{
      atMs,
      track: track!,
      nth: nth!,
      box,
      score: score!,
      quality,
      embedding: vector && unit(vector),
      weight: weight!,
    },
    ...{ similarity: similarity!, second: second!, margin: margin! },
    skipped: mean && { observations: observations!, weight: meanWeight!, mean },
  };
}

// One step is 1/127 of the largest number: for 192 numbers the cosine to the original is about 0.99997.
function encodeVector(embedding: Float32Array | null): Buffer {
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

function decodeVector(bytes: Buffer, at: number): { vector: Float32Array | null; end: number } {
  const length = bytes.readUInt16LE(at);
  const end = at + 6 + length;
  if (length === 0) return { vector: null, end };
  const scale = bytes.readFloatLE(at + 2);
  return { vector: Float32Array.from({ length }, (_, i) => bytes.readInt8(at + 6 + i) * scale), end };
}

/** Rounding moves the length a little, and identification wants 1. */
function unit(vector: Float32Array): Float32Array {
  const length = Math.hypot(...vector) || 1;
  return vector.map((value) => value / length);
}
