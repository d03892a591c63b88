// What the daemon keeps of the faces it sees, for `why`, `correct` and `replay`: the sampled observations, written together every few
// seconds. A disk that fails costs a warning and what lies on it, never the daemon; who was forgotten is never written.

import { randomUUID } from 'node:crypto';
import type { Clock } from '../base/clock.js';
import { createWallTime } from '../base/clock.js';
import type { Log } from '../base/log.js';
import type { PersonId } from '../gallery/person.js';
import type { Reason } from '../gallery/reason.js';
import { reasonText } from '../gallery/reason-text.js';
import { type DecidedObservation, isAbout } from '../recognition/observation.js';
import type { JournalEntry } from './codec.js';
import {
  finishSampling,
  noSamplers,
  type SampledObservation,
  type Samplers,
  sample,
  withoutSkipped,
} from './sampling.js';
import { createMemoryJournal, type JournalStore, type NewEntry } from './store.js';

export interface Journal extends Disposable {
  /** The observations of the frame at `atMs` (monotonic), none included. */
  take(observations: readonly DecidedObservation[], atMs: number): void;
  /** The newest `last` kept ones, oldest first; those of earlier runs too, where they are kept on disk. */
  recent(last: number): readonly JournalEntry[];
  find(id: number): JournalEntry | null;
  /** Erases what is kept about somebody, at once. */
  forget(person: PersonId): void;
  /** Writes what waits. Happens by itself every 5 s and at the end. */
  flush(): void;
}

export interface JournalOptions {
  /** Opens the observations on disk; null keeps them in memory only. */
  readonly open: (() => JournalStore) | null;
  /** How long they are kept on disk, milliseconds. */
  readonly keptMs: number;
  /** Embedding space of the engine. */
  readonly space: string;
  /** Who is in the gallery now: asked before each write. */
  readonly people: () => ReadonlySet<PersonId>;
  readonly clock: Clock;
  readonly log: Log;
}

const flushEveryMs = 5000;
const pruneEveryMs = 600_000;
/** After a fault of the disk it is tried again so much later. */
const retryAfterMs = 60_000;
/** Waiting looks at most; a burst beyond is written at once. */
const mostWaiting = 500;
/** Numbers of observations in memory stand in for numbers on disk and must not be taken for them. */
const memoryIdsAbove = 1_000_000_000;

/** Begins at once, with a new run. Throws nothing that a disk does. */
export function createJournal(options: JournalOptions): Journal {
  const { keptMs, space, people, clock, log } = options;
  const run = randomUUID().slice(0, 8);
  const wallTime = createWallTime(clock);
  const gone = new Set<PersonId>();
  let known: ReadonlySet<PersonId> = people();
  let notes: Samplers = noSamplers;
  let waiting: NewEntry[] = [];
  let store: JournalStore = createMemoryJournal(options.open === null ? 0 : memoryIdsAbove);
  let onDisk = false;
  let warned = false;
  let retryMs = Number.NEGATIVE_INFINITY;
  let prunedMs = Number.NEGATIVE_INFINITY;

  const timer = setInterval(flush, flushEveryMs);
  openDisk();
  prune();

  function keep(observations: readonly SampledObservation[]): void {
    for (const observation of observations)
      waiting.push({ ...observation, run, space, wallMs: Date.parse(wallTime(observation.atMs)) });
    if (waiting.length >= mostWaiting) flush();
  }

  function flush(): void {
    forgetGone();
    openDisk();
    const observations = waiting.filter((observation) => ![...gone].some((person) => isAbout(observation, person)));
    waiting = [];
    if (observations.length > 0) attempt((target) => target.append(observations));
    if (clock.monotonicMs() - prunedMs >= pruneEveryMs) prune();
  }

  /** Who left the gallery since the last time leaves the observations as well. */
  function forgetGone(): void {
    const now = people();
    const left = [...known].filter((person) => !now.has(person));
    for (const person of now) gone.delete(person);
    known = now;
    for (const person of left) erase(person);
  }

  function erase(person: PersonId): void {
    notes = withoutSkipped(notes);
    gone.add(person);
    waiting = waiting.filter((observation) => !isAbout(observation, person));
    attempt((target) => target.forget(person));
  }

  function prune(): void {
    prunedMs = clock.monotonicMs();
    if (!onDisk) return;
    attempt((target) => target.prune(clock.wallMs() - keptMs));
  }

  function openDisk(): void {
    if (onDisk || options.open === null || clock.monotonicMs() - retryMs < retryAfterMs) return;
    try {
      const disk = options.open();
      const rest = [...store.since(Number.NEGATIVE_INFINITY)];
      store = disk;
      onDisk = true;
      // `gone` is of this run only: who was forgotten while the disk was away is still on it.
      for (const person of gone) disk.forget(person);
      if (rest.length > 0) disk.append(rest);
      if (warned) log('notice', 'faces are kept on disk again');
      warned = false;
    } catch (error) {
      fault(error);
    }
  }

  /** Does `work` on the disk, or, where that fails, on what is in memory. */
  function attempt<T>(work: (target: JournalStore) => T): T {
    try {
      return work(store);
    } catch (error) {
      if (!onDisk) throw error;
      fault(error);
      return work(store);
    }
  }

  function fault(error: unknown): void {
    retryMs = clock.monotonicMs();
    if (!warned)
      log('warning', `faces are explained from memory only: ${error instanceof Error ? error.message : String(error)}`);
    warned = true;
    if (!onDisk) return;
    onDisk = false;
    const broken = store;
    store = createMemoryJournal(memoryIdsAbove);
    try {
      broken.close();
    } catch {
      // It is given up in any case.
    }
  }

  return {
    take(observations, atMs) {
      const next = sample(notes, observations, atMs);
      notes = next.notes;
      keep(next.kept);
    },
    recent(last) {
      flush();
      return attempt((target) => target.recent(last));
    },
    find(id) {
      flush();
      return attempt((target) => target.find(id));
    },
    forget: erase,
    flush,
    [Symbol.dispose]() {
      clearInterval(timer);
      keep(finishSampling(notes));
      notes = noSamplers;
      flush();
      store.close();
    },
  };
}

// A kept observation in the words of `why`, with people's names. The daemon says it over its socket, `why` by itself when no daemon runs.

/** One face that was looked at, and why it got a name or none. Numbers stay on this machine: they are never published. */
export interface ExplainedObservation {
  /** Never given to another observation while observations are kept on disk; what `correct` takes. */
  readonly id: number;
  /** When it was seen, ISO 8601. */
  readonly at: string;
  /** Number of the track in its run of the daemon. */
  readonly track: number | null;
  readonly eyesPx: number;
  readonly sharpness: number;
  readonly yawDegrees: number;
  readonly pitchDegrees: number;
  readonly light: number;
  /** Best and second-best person, with similarity -1 to 1; null where there is none or the face was not embedded. */
  readonly best: { readonly name: string; readonly similarity: number } | null;
  readonly second: { readonly name: string; readonly similarity: number } | null;
  readonly margin: number | null;
  /** What its track is taken for: `known`, `ambiguous`, `unclear` or `stranger`. */
  readonly state: string;
  /** The name it got; null: none. */
  readonly name: string | null;
  /** The rule that decided, as a short sentence and as data. */
  readonly rule: string;
  readonly reason: Reason;
}

/** `names`: of everybody in the gallery, by id. */
export function explain(observation: JournalEntry, names: ReadonlyMap<PersonId, string>): ExplainedObservation {
  const nameOf = (person: PersonId): string => names.get(person) ?? person;
  const near = (person: PersonId | null, similarity: number | null) =>
    person === null || similarity === null ? null : { name: nameOf(person), similarity };
  return {
    id: observation.id,
    at: new Date(observation.wallMs).toISOString(),
    track: observation.track,
    ...observation.quality,
    best: near(observation.best, observation.similarity),
    second: near(observation.runnerUp, observation.second),
    margin: observation.margin,
    state: observation.state,
    name: observation.person === null ? null : nameOf(observation.person),
    rule: reasonText(observation.reason, names),
    reason: observation.reason,
  };
}
