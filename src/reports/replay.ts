// The observations of the last day, evaluated again with the present gallery and thresholds: which decisions change.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { z } from 'zod';
import { isoTime } from '../base/clock.js';
import { type ErrorCode, fail } from '../base/errors.js';
import type { Config } from '../config/load.js';
import { recognitionOptions } from '../config/parts.js';
import type { IdentificationState } from '../gallery/identify.js';
import type { Reason } from '../gallery/reason.js';
import { reasonText } from '../gallery/reason-text.js';
import { type Outcome, type RecordedObservation, type ReplayedTrack, replaySteps } from '../journal/replay.js';
import { report, type Sources, type Work } from './report.js';

/** Ctrl-C is noticed this often, milliseconds. */
const sliceMs = 50;
const progressEveryMs = 250;

const dayMs = 86_400_000;
const text = z.string();
const nullableText = text.nullable();
const state = text as unknown as z.ZodType<IdentificationState>;
/** A verb reads no more of a reason than its kind. */
const reason = z.custom<Reason>((value) => z.object({ kind: text }).safeParse(value).success);
const outcome = z.object({ person: nullableText, name: nullableText, state });

const answer = z.object({
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
});

export const replay = report({
  method: 'GET',
  /** `since`: how far back, milliseconds. */
  given: z.object({ since: z.coerce.number().int().min(1).max(dayMs).default(dayMs) }),
  answer,
  async make({ since }, sources, work) {
    const sinceMs = Date.now() - since;
    // Writes the entries that are in memory.
    const isEmpty = sources.journal() === null;
    const isInMemory = sources.config.privacy.looksKeptMs === 0;
    return sources.daemon === null || isEmpty || isInMemory
      ? evaluateAgain(sinceMs, sources, work)
      : inThread({ config: sources.config, sinceMs }, work);
  },
});

/** What the thread gets, and what it sends. */
export interface ReplayTask {
  readonly config: Config;
  readonly sinceMs: number;
}

export type ReplayMessage =
  | { readonly type: 'progress'; readonly text: string }
  | { readonly type: 'result'; readonly result: Replay }
  | { readonly type: 'error'; readonly code: ErrorCode; readonly message: string };

/** A day takes seconds, on a Pi minutes, and the event loop of the daemon drains its camera: so a thread of its own does it. */
async function inThread(task: ReplayTask, { signal, progress }: Work): Promise<Replay> {
  signal.throwIfAborted();
  const thread = new Worker(new URL('./replay-thread.js', import.meta.url), { workerData: task });
  const stop = (): void => void thread.terminate();
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await new Promise<Replay>((resolve, reject) => {
      thread.on('message', (message: ReplayMessage) => {
        if (message.type === 'progress') progress(message.text);
        else if (message.type === 'result') resolve(message.result);
        else reject(fail(message.code, message.message));
      });
      thread.once('error', reject);
      thread.once('exit', () => reject(signal.aborted ? signal.reason : new Error('the thread of a replay ended')));
    });
  } finally {
    signal.removeEventListener('abort', stop);
    stop();
  }
}

export type Replay = z.output<typeof answer>;

/** Replays the tracks since `sinceMs` (wall time, milliseconds) in this thread. */
export async function evaluateAgain(sinceMs: number, sources: Omit<Sources, 'daemon'>, work: Work): Promise<Replay> {
  const tracks = await replayTracks(sinceMs, sources, work);
  const whole = tracks.filter((track) => track.whole);
  const changed = whole.filter(isChanged);
  const names = new Map(sources.store.people().map(({ id, name }) => [id, name]));
  const [first] = whole;
  const lastMs = whole.reduce((latest, track) => Math.max(latest, track.lastMs), 0);
  return {
    since: isoTime(sinceMs),
    tracks: whole.length,
    unchanged: whole.length - changed.length,
    leftOut: tracks.length - whole.length,
    span: first === undefined ? null : { from: isoTime(first.firstMs), to: isoTime(lastMs) },
    changes: changed.map(({ firstMs, run, track, observations, before, after }) => ({
      at: isoTime(firstMs),
      run,
      track,
      looks: observations,
      before: named(before, names),
      after: { ...named(after, names), reason: after.reason, rule: reasonText(after.reason, names) },
    })),
  };
}

/** Observations of another embedding space than the configured one cannot be compared; they are skipped. */
async function replayTracks(
  sinceMs: number,
  { config, space: configured, gallery: calibrated, journal: openJournal }: Omit<Sources, 'daemon'>,
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
