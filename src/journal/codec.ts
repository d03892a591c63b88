// Encodes a journal entry as bytes. Numbers are exact; embeddings are 8-bit integers with one scale; texts are compressed with a
// dictionary of the words that most entries contain. An entry with an embedding of 192 dimensions takes about 430 bytes, and 200 more
// if it stands for skipped observations.
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { IdentificationState } from '../gallery/identify.js';
import type { Reason } from '../gallery/reason.js';
import { type Box, type Quality, unmeasuredQuality } from '../vision/face.js';
import type { SampledObservation } from './sampling.js';

/** A stored observation. */
export interface JournalEntry extends SampledObservation {
  /** Never reused for another entry. */
  readonly id: number;
  /** Wall time, milliseconds since the Unix epoch. */
  readonly wallMs: number;
  /** The run of the daemon. `atMs` and track numbers are only valid within one run. */
  readonly run: string;
  /** Embedding space. An entry is only compared with templates of the same space. */
  readonly space: string;
}

/** Format of the bytes. The seal is bound to it, so that bytes of a later format do not open as this one. */
export const entryFormat = '3';

/** The sealed part of an entry: everything except the two columns that are stored in the clear. */
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

/** The texts of an entry are inflated in pieces of this many bytes. zlib's default of 16 KiB is garbage of 100 MiB for a day of entries. */
const textBytes = 1024;

/** Part of the format: with another dictionary the texts of stored entries cannot be read. The most frequent words come last. */
const dictionary = Buffer.from(
  [
    '{"kind":"static-face","stillMs":{"kind":"in-other-room","room":"","decided":{"kind":"name-given-elsewhere","best":"',
    '{"kind":"person-changed","before":"{"kind":"short-span","best":"","spanMs":,"neededMs":"strangers-off""just-named"',
    '{"kind":"nearer-to-cohort","best":"{"kind":"nearer-to-negative","best":"","negative":',
    '{"kind":"not-yet-stranger","because":{"kind":"few-good","good":,"needed":,"overMs":},"compared":{"kind":"unlike-everybody",',
    '{"kind":"nothing-compared"}{"kind":"too-small","eyesPx":,"neededPx":{"kind":"blurred","sharpness":{"kind":"turned",',
    '"ambiguous","stranger","unclear",null,null,null,{"kind":"few-agreeing","best":"","agreeing":1,"needed":3}]',
    '{"kind":"too-close","best":"","second":"","margin":0.0,"needed":0.06}{"kind":"below-threshold","best":"","similarity":0.4,',
    '["","known","","","",{"kind":"name-kept","person":"","because":{"kind":"match","best":"","similarity":0.',
    ',"needed":0.58,"margin":{"value":0.,"needed":0.06}}]',
  ].join(''),
);

/**
 * Layout, little-endian: count of numbers (1 byte); the numbers (64-bit floats, NaN for null); the embedding and the mean of the
 * skipped observations (each: count of dimensions in 2 bytes, 0 for none; scale as 32-bit float; 8-bit integers); the texts (JSON,
 * UTF-8, raw deflate).
 */
export function encodeEntry(entry: SealedEntry): Buffer {
  const { quality } = entry;
  const numbers = [
    entry.atMs,
    entry.track,
    entry.nth,
    ...entry.box,
    entry.score,
    quality.eyesPx,
    quality.sharpness,
    quality.yawDegrees,
    quality.pitchDegrees,
    quality.light,
    quality.contrast,
    entry.weight,
    entry.similarity ?? Number.NaN,
    entry.second ?? Number.NaN,
    entry.margin ?? Number.NaN,
    entry.skipped?.observations ?? 0,
    entry.skipped?.weight ?? 0,
    // Entries of earlier versions end here.
    quality.rollDegrees,
    quality.misfit,
    quality.glare,
    quality.clarity ?? Number.NaN,
  ];
  const head = Buffer.alloc(1 + numbers.length * numberBytes);
  head.writeUInt8(numbers.length);
  numbers.forEach((value, i) => {
    head.writeDoubleLE(value, 1 + i * numberBytes);
  });
  const texts: Texts = [entry.run, entry.space, entry.state, entry.person, entry.best, entry.runnerUp, entry.reason];
  return Buffer.concat([
    head,
    ...[entry.embedding, entry.skipped?.mean ?? null].map(encodeVector),
    deflateRawSync(JSON.stringify(texts), { level: 9, memLevel: 1, dictionary }),
  ]);
}

/** Decodes bytes of this format. Their seal must have been checked: they are trusted. */
export function decodeEntry(bytes: Buffer): SealedEntry {
  const count = bytes.readUInt8(0);
  const numbers = Array.from({ length: count }, (_, i) => bytes.readDoubleLE(1 + i * numberBytes));
  const { vector, end: middle } = decodeVector(bytes, 1 + count * numberBytes);
  const { vector: mean, end } = decodeVector(bytes, middle);
  const [run, space, state, person, best, runnerUp, reason] = JSON.parse(
    inflateRawSync(bytes.subarray(end), { dictionary, chunkSize: textBytes }).toString('utf8'),
  ) as Texts;
  const [atMs, track, nth, x, y, width, height, score, ...rest] = numbers as [number, ...number[]] & number[];
  const [eyesPx, sharpness, yawDegrees, pitchDegrees, light, contrast, weight, ...similarities] = rest;
  const [similarity, second, margin, observations, meanWeight, rollDegrees, misfit, glare, clarity] = similarities.map(
    (value) => (Number.isNaN(value) ? null : value),
  );
  const box: Box = [x!, y!, width!, height!];
  const quality: Quality = {
    eyesPx: eyesPx!,
    sharpness: sharpness!,
    yawDegrees: yawDegrees!,
    pitchDegrees: pitchDegrees!,
    light: light!,
    contrast: contrast!,
    rollDegrees: rollDegrees ?? unmeasuredQuality.rollDegrees,
    misfit: misfit ?? unmeasuredQuality.misfit,
    glare: glare ?? unmeasuredQuality.glare,
    clarity: clarity ?? unmeasuredQuality.clarity,
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

// The step is 1/127 of the largest component. For 192 dimensions the cosine to the original is about 0.99997.
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

/** Rounding changes the length a little, and identification needs unit length. */
function unit(vector: Float32Array): Float32Array {
  const length = Math.hypot(...vector) || 1;
  return vector.map((value) => value / length);
}
