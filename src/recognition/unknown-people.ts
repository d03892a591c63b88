// Recognises an unknown person again over several tracks, so that turning away and back does not count as two arrivals.
// The memory is in RAM only, lasts some minutes, and holds no names.

import { similarity } from '../gallery/similarity.js';
import type { RecognitionOptions } from './options.js';

export interface UnknownPeople {
  readonly known: readonly { readonly key: string; readonly vector: Float32Array; readonly lastMs: number }[];
  readonly nextKey: number;
}

export const noUnknownPeople: UnknownPeople = { known: [], nextKey: 1 };

const maxUnknownPeople = 32;

/**
 * The key of the unknown person whose embedding is `vector`: that of a person met before, or a new key. Keys in
 * `usedKeys` belong to other tracks and are not given again.
 */
export function recogniseUnknown(
  unknownPeople: UnknownPeople,
  vector: Float32Array,
  atMs: number,
  usedKeys: ReadonlySet<string>,
  options: RecognitionOptions,
): { readonly unknownPeople: UnknownPeople; readonly key: string } {
  const recent = unknownPeople.known.filter((person) => atMs - person.lastMs <= options.naming.strangerMemoryMs);
  const ranked = recent
    .filter((person) => !usedKeys.has(person.key))
    .map((person) => ({ key: person.key, score: similarity(person.vector, vector) }))
    .sort((a, b) => b.score - a.score);
  const closest = ranked[0];
  const isKnown = closest !== undefined && closest.score >= options.pooled.threshold;
  const key = isKnown ? closest.key : `stranger-${unknownPeople.nextKey}`;
  const others = recent.filter((person) => person.key !== key);
  const known = [...others, { key, vector, lastMs: atMs }].slice(-maxUnknownPeople);
  return { unknownPeople: { known, nextKey: unknownPeople.nextKey + (isKnown ? 0 : 1) }, key };
}
