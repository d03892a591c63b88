// A sequence as the journal stores it: sampled, encoded and decoded.

import { decodeEntry, encodeEntry } from '../../src/journal/codec.js';
import type { RecordedObservation } from '../../src/journal/replay.js';
import { finishSampling, noSamplers, type SampledObservation, sample } from '../../src/journal/sampling.js';
import { optionsAt } from '../../src/room/step.js';
import { clipOptions } from '../room/clip-options.js';
import type { Replayed } from '../room/replay-clip.js';

/** The journal entries of `steps`, in the order of time. `run` is the run of the daemon. */
export function sampledEntries({ steps }: Replayed, timesMs: readonly number[], run = 'run-1'): RecordedObservation[] {
  let samplers = noSamplers;
  const entries: SampledObservation[] = [];
  steps.forEach((step, i) => {
    const { lostAfterMs } = optionsAt(step.state.pace, clipOptions).tracks;
    const next = sample(samplers, step.observations, timesMs[i]!, lostAfterMs);
    samplers = next.samplers;
    entries.push(...next.entries);
  });
  entries.push(...finishSampling(samplers));
  return entries
    .map((entry) => ({ wallMs: 1e12 + entry.atMs, ...decodeEntry(encodeEntry({ ...entry, run, space: 'simulated' })) }))
    .sort((a, b) => a.atMs - b.atMs);
}
