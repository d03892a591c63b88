// The observations of the last day, evaluated again with the present gallery and thresholds: which decisions change.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { z } from 'zod';
import { recognitionOptions } from '../config/parts.js';
import type { IdentificationState } from '../gallery/identify.js';
import type { Reason } from '../gallery/reason.js';
import { reasonText } from '../gallery/reason-text.js';
import { type Outcome, type RecordedObservation, type ReplayedTrack, replaySteps } from '../journal/replay.js';
import { report, type Sources, type Work } from './report.js';

/** The event loop of the daemon also drains the camera: it is never kept longer than this, milliseconds. */
const sliceMs = 10;
const progressEveryMs = 250;

const dayMs = 86_400_000;
const text = z.string();
const nullableText = text.nullable();
const state = text as unknown as z.ZodType<IdentificationState>;
/** A verb reads no more of a reason than its kind. */
const reason = z.custom<Reason>((value) => z.object({ kind: text }).safeParse(value).success);
const outcome = z.object({ person: nullableText, name: nullableText, state });

export const replay = report({
  method: 'GET',
  /** `since`: how far back, milliseconds. */
  given: z.object({ since: z.coerce.number().int().min(1).max(dayMs).default(dayMs) }),
  answer: z.object({
    since: text,
    /** Tracks whose start is in the journal, those of them that stay the same, and those whose start is not. */
    tracks: z.number(),
    unchanged: z.number(),
    leftOut: z.number(),
    /** Time of the first and the last observation; null without tracks. */
    span: z.object({ from: text, to: text }).nullable(),
    changes: z.array(
      z.object({
        at: text,
        run: text,
        track: z.number(),
        looks: z.number(),
        before: outcome,
        after: outcome.extend({ reason, rule: text }),
      }),
    ),
  }),
  async make({ since }, sources, work) {
    const sinceMs = Date.now() - since;
    const tracks = await replayTracks(sinceMs, sources, work);
    const whole = tracks.filter((track) => track.whole);
    const changed = whole.filter(isChanged);
    const names = new Map(sources.store.people().map(({ id, name }) => [id, name]));
    const [first] = whole;
    const lastMs = whole.reduce((latest, track) => Math.max(latest, track.lastMs), 0);
    return {
      since: iso(sinceMs),
      tracks: whole.length,
      unchanged: whole.length - changed.length,
      leftOut: tracks.length - whole.length,
      span: first === undefined ? null : { from: iso(first.firstMs), to: iso(lastMs) },
      changes: changed.map(({ firstMs, run, track, observations, before, after }) => ({
        at: iso(firstMs),
        run,
        track,
        looks: observations,
        before: named(before, names),
        after: { ...named(after, names), reason: after.reason, rule: reasonText(after.reason, names) },
      })),
    };
  },
});

/** Observations of another embedding space than the configured one cannot be compared; they are skipped. */
async function replayTracks(
  sinceMs: number,
  { config, space: configured, gallery: calibrated, journal: openJournal }: Sources,
  { signal, progress }: Work,
): Promise<readonly ReplayedTrack[]> {
  const options = recognitionOptions(config);
  const space = configured();
  const journal = openJournal();
  if (journal === null) return [];
  function* entriesOfSpace(): Generator<RecordedObservation> {
    for (const entry of journal!.since(sinceMs)) if (entry.space === space) yield entry;
  }
  const steps = replaySteps(entriesOfSpace, calibrated(), options);
  let sliceStart = performance.now();
  let toldMs = Number.NEGATIVE_INFINITY;
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    const nowMs = performance.now();
    if (nowMs - toldMs >= progressEveryMs) {
      toldMs = nowMs;
      progress(`${step.value} observations`);
    }
    if (nowMs - sliceStart < sliceMs) continue;
    await nextTurn();
    signal.throwIfAborted();
    sliceStart = performance.now();
  }
}

/** Whether the person differs, or, where there is none, whether the track is an unknown person. */
function isChanged({ before, after }: ReplayedTrack): boolean {
  const isStranger = ({ state }: Outcome): boolean => state === 'stranger';
  return before.person !== after.person || (before.person === null && isStranger(before) !== isStranger(after));
}

function named({ person, state }: Outcome, names: ReadonlyMap<string, string>) {
  return { person, name: person === null ? null : (names.get(person) ?? person), state };
}

function iso(atMs: number): string {
  return new Date(atMs).toISOString();
}
