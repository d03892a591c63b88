// A sequence as it is kept for a day: thinned, and through the bytes that lie on the card.
import { lastLooks, type NotedLook, noNotes, noteworthy } from '../../src/domain/noteworthy.js';
import type { RecordedLook } from '../../src/domain/rejudge.js';
import { decodeLook, encodeLook } from '../../src/store/look-code.js';
import type { Replayed } from './replay.js';

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
