// A sequence as it is kept for a day: thinned, and through the bytes that lie on the card.

import { decodeLook, encodeLook } from '../../src/journal/codec.js';
import type { RecordedLook } from '../../src/journal/replay.js';
import { lastLooks, type NotedLook, noNotes, noteworthy } from '../../src/journal/sampling.js';
import type { Replayed } from '../room/replay-clip.js';

/** What is kept of `steps`, frame by frame, in the order of time. `run` names the run of the daemon. */
export function keptLooks({ steps }: Replayed, timesMs: readonly number[], run = 'run-1'): RecordedLook[] {
  let notes = noNotes;
  const kept: NotedLook[] = [];
  steps.forEach((step, i) => {
    const next = noteworthy(notes, step.looks, timesMs[i]!);
    notes = next.notes;
    kept.push(...next.kept);
  });
  kept.push(...lastLooks(notes));
  return kept
    .map((look) => ({ wallMs: 1e12 + look.atMs, ...decodeLook(encodeLook({ ...look, run, space: 'simulated' })) }))
    .sort((a, b) => a.atMs - b.atMs);
}
