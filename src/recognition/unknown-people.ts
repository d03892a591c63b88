// The same stranger keeps one key over several tracks, so that turning away and back is not two arrivals.
// Kept in memory only, for some minutes, and never under a name.

import { similarity } from '../gallery/similarity.js';
import type { RecognitionOptions } from './options.js';

export interface UnknownPeople {
  readonly known: readonly { readonly key: string; readonly vector: Float32Array; readonly lastMs: number }[];
  readonly nextKey: number;
}

export const noUnknownPeople: UnknownPeople = { known: [], nextKey: 1 };

const most = 32;

/**
 * The key of the stranger who looks like `vector`: one met before whom no other track has (`taken`), or a new one.
 */
export function recogniseUnknown(
  strangers: UnknownPeople,
  vector: Float32Array,
  atMs: number,
  taken: ReadonlySet<string>,
  options: RecognitionOptions,
): { readonly strangers: UnknownPeople; readonly key: string } {
  const recent = strangers.known.filter((one) => atMs - one.lastMs <= options.naming.strangerMemoryMs);
  const ranked = recent
    .filter((one) => !taken.has(one.key))
    .map((one) => ({ one, score: similarity(one.vector, vector) }))
    .sort((a, b) => b.score - a.score);
  const closest = ranked[0];
  const known = closest !== undefined && closest.score >= options.pooled.threshold;
  const key = known ? closest.one.key : `stranger-${strangers.nextKey}`;
  const others = recent.filter((one) => one.key !== key);
  const met = [...others, { key, vector, lastMs: atMs }].slice(-most);
  return { strangers: { known: met, nextKey: strangers.nextKey + (known ? 0 : 1) }, key };
}
