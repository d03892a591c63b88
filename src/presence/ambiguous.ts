// Faces that are ambiguous between two people who are too similar: both names are published, neither is guessed. Pure.

import type { Pair } from '../gallery/identify.js';
import type { PersonId } from '../gallery/person.js';

/** A face that is one of two people, without a decision which one. */
export interface AmbiguousFace {
  readonly people: readonly PersonId[];
  /** Their names, in the same order. */
  readonly names: readonly string[];
  readonly sinceMs: number;
}

/** A live track that is one of two people; `agoMs` is the time since its last observation. */
export interface AmbiguousTrack {
  readonly between: Pair;
  readonly agoMs: number;
}

interface AmbiguousPair {
  readonly between: Pair;
  readonly sinceMs: number;
  /** Observed time since a track last showed the pair. */
  readonly unseenMs: number;
}

/** By pair: two faces that are ambiguous between the same two people are published once. */
export type AmbiguousPairs = ReadonlyMap<string, AmbiguousPair>;

export const noAmbiguousPairs: AmbiguousPairs = new Map();

/**
 * Advances the pairs to `time.atMs`. A pair ends when no track showed it for `limitMs` of observed time, when one of the two
 * was named since (the face was theirs), or when one of the two was forgotten. `seen` has the people named in this frame.
 */
export function stepAmbiguous(
  before: AmbiguousPairs,
  tracks: readonly AmbiguousTrack[],
  seen: { has(person: PersonId): boolean },
  names: ReadonlyMap<PersonId, string>,
  time: { readonly atMs: number; readonly absenceMs: number; readonly limitMs: number },
): AmbiguousPairs {
  const after = new Map<string, AmbiguousPair>();
  const shown = new Set(tracks.map(({ between }) => between.join()));
  for (const [key, pair] of before) {
    const unseenMs = pair.unseenMs + time.absenceMs;
    const isOver = unseenMs >= time.limitMs || pair.between.some((person) => seen.has(person));
    if (!shown.has(key) && !isOver) after.set(key, { ...pair, unseenMs });
  }
  for (const { between, agoMs } of tracks) {
    const key = between.join();
    after.set(key, { between, sinceMs: before.get(key)?.sinceMs ?? time.atMs, unseenMs: agoMs });
  }
  for (const [key, { between }] of after) if (!between.every((person) => names.has(person))) after.delete(key);
  return after;
}

/** The pairs as a room publishes them, the oldest first. */
export function ambiguousFaces(pairs: AmbiguousPairs, names: ReadonlyMap<PersonId, string>): AmbiguousFace[] {
  return [...pairs.values()]
    .sort((a, b) => a.sinceMs - b.sinceMs)
    .map(({ between, sinceMs }) => ({
      people: between,
      names: between.map((person) => names.get(person) ?? person),
      sinceMs,
    }));
}
