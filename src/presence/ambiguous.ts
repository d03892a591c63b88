// Faces that are one of two people who look too much alike: both are said, neither is guessed. Pure.

import type { Pair } from '../gallery/identify.js';
import type { PersonId } from '../gallery/person.js';

/** A face that is one of two people too much alike to tell. */
export interface AmbiguousFace {
  readonly people: readonly PersonId[];
  /** Their names, in the same order. */
  readonly names: readonly string[];
  readonly sinceMs: number;
}

/** A face on a live track that is one of two people; `agoMs` since its last look. */
export interface AmbiguousTrack {
  readonly between: Pair;
  readonly agoMs: number;
}

interface AmbiguousPair {
  readonly between: Pair;
  readonly sinceMs: number;
  /** Observed time since the last evidence. */
  readonly unseenMs: number;
}

/** By pair: two faces that are the same one of two are said once. */
export type AmbiguousPairs = ReadonlyMap<string, AmbiguousPair>;

export const noAmbiguousPairs: AmbiguousPairs = new Map();

/**
 * One step in time. A doubt goes when nothing showed the face for `limitMs` of observed time, when one of the two was seen
 * since (then it was them), and when one of the two was forgotten.
 */
export function stepAmbiguous(
  before: AmbiguousPairs,
  evidence: readonly AmbiguousTrack[],
  seen: { has(person: PersonId): boolean },
  names: ReadonlyMap<PersonId, string>,
  time: { readonly atMs: number; readonly absenceMs: number; readonly limitMs: number },
): AmbiguousPairs {
  const after = new Map<string, AmbiguousPair>();
  const evident = new Set(evidence.map(({ between }) => between.join()));
  for (const [key, one] of before) {
    const unseenMs = one.unseenMs + time.absenceMs;
    const over = unseenMs >= time.limitMs || one.between.some((person) => seen.has(person));
    if (!evident.has(key) && !over) after.set(key, { ...one, unseenMs });
  }
  for (const { between, agoMs } of evidence) {
    const key = between.join();
    after.set(key, { between, sinceMs: before.get(key)?.sinceMs ?? time.atMs, unseenMs: agoMs });
  }
  for (const [key, { between }] of after) if (!between.every((person) => names.has(person))) after.delete(key);
  return after;
}

/** The doubts as a room says them, the oldest first. */
export function ambiguousFaces(all: AmbiguousPairs, names: ReadonlyMap<PersonId, string>): AmbiguousFace[] {
  return [...all.values()]
    .sort((a, b) => a.sinceMs - b.sinceMs)
    .map(({ between, sinceMs }) => ({
      people: between,
      names: between.map((person) => names.get(person) ?? person),
      sinceMs,
    }));
}
