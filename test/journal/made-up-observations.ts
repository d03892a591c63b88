// Journal entries of invented people.

import type { Reason } from '../../src/gallery/reason.js';
import type { NewEntry } from '../../src/journal/store.js';
import { madeUpVector, quality, space } from '../sharing/household.js';

/** An entry of Ada on track 1 that counts, with `over` replacing its members. */
export function madeUpEntry(over: Partial<NewEntry> = {}): NewEntry {
  return {
    run: 'run-1',
    space,
    wallMs: 1_000_000,
    atMs: 1234.5678,
    track: 1,
    nth: 1,
    skipped: null,
    box: [10.25, 20.5, 90.125, 91],
    score: 0.912345,
    quality,
    embedding: madeUpVector('look'),
    weight: 0.73456789,
    best: 'ada',
    runnerUp: 'ben',
    similarity: 0.612345,
    second: 0.2,
    margin: 0.412345,
    person: 'ada',
    state: 'known',
    reason: matchOf(over.best === undefined ? 'ada' : over.best),
    ...over,
  };
}

function matchOf(best: string | null): Reason {
  const margin = { value: 0.41, needed: 0.08 };
  return best === null ? { kind: 'nothing-compared' } : { kind: 'match', best, similarity: 0.61, needed: 0.58, margin };
}
