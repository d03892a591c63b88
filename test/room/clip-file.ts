// The file format of a clip: JSON lines with the gallery, one analysis per line, and the events. Vectors have five decimals.

import type { Gallery } from '../../src/gallery/person.js';
import type { Analysis } from '../../src/vision/face.js';
import { qualitySchema } from '../../src/vision/quality-schema.js';
import type { Clip } from './simulator.js';

export function encodeClip({ gallery, frames }: Clip, events: readonly string[]): string {
  return `${[{ gallery }, ...frames, { events }].map(encode).join('\n')}\n`;
}

export function decodeClip(text: string): Clip & { readonly events: readonly string[] } {
  const lines = text.trimEnd().split('\n').map(decode);
  const { gallery } = lines[0] as { gallery: Gallery };
  const { events } = lines.at(-1) as { events: string[] };
  return { gallery, events, frames: lines.slice(1, -1) as Analysis[] };
}

function encode(line: unknown): string {
  return JSON.stringify(line, (_, value: unknown) =>
    value instanceof Float32Array ? { float32: Array.from(value, (number) => Math.round(number * 1e5) / 1e5) } : value,
  );
}

/** Clips of earlier versions have fewer numbers of the quality. */
function decode(line: string): unknown {
  return JSON.parse(line, (key, value: { float32?: number[] } | null) => {
    if (key === 'quality') return qualitySchema.parse(value);
    return Array.isArray(value?.float32) ? Float32Array.from(value.float32) : value;
  });
}
