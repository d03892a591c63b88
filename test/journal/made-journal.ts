// A sequence as it is kept for a day: thinned, and through the bytes that lie on the card.

import { decodeEntry, encodeEntry } from '../../src/journal/codec.js';
import type { RecordedObservation } from '../../src/journal/replay.js';
import { finishSampling, type SampledObservation, noSamplers, sample } from '../../src/journal/sampling.js';
import type { Replayed } from '../room/replay-clip.js';

/** What is kept of `steps`, frame by frame, in the order of time. `run` names the run of the daemon. */
export function keptLooks({ steps }: Replayed, timesMs: readonly number[], run = 'run-1'): RecordedObservation[] {
  let notes = noSamplers;
  const kept: SampledObservation[] = [];
  steps.forEach((step, i) => {
    const next = sample(notes, step.observations, timesMs[i]!);
    notes = next.notes;
    kept.push(...next.kept);
  });
  kept.push(...finishSampling(notes));
  return kept
    .map((look) => ({ wallMs: 1e12 + look.atMs, ...decodeEntry(encodeEntry({ ...look, run, space: 'simulated' })) }))
    .sort((a, b) => a.atMs - b.atMs);
}
