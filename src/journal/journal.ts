// The journal of the daemon for `why`, `correct` and `replay`: sampled observations, written together every 15 minutes, because each
// batch rewrites some pages. A question (`why`) has them written at once; a crash loses them. A disk fault costs a warning and the
// entries on the disk, but never stops the daemon. Entries about a forgotten person are never written.
import { randomUUID } from 'node:crypto';
import type { Clock } from '../base/clock.js';
import { createWallTime, isoTime } from '../base/clock.js';
import { sentenceOf } from '../base/errors.js';
import type { Log } from '../base/log.js';
import { createBackoff } from '../base/retry.js';
import { type NameThresholds, trackThreshold } from '../gallery/identify.js';
import type { Person, PersonId } from '../gallery/person.js';
import { neededIn, type Reason } from '../gallery/reason.js';
import { observationText } from '../gallery/reason-text.js';
import { type DecidedObservation, isAbout } from '../recognition/observation.js';
import type { JournalEntry } from './codec.js';
import {
  finishSampling,
  mergedUntilMs,
  noSamplers,
  type SampledObservation,
  type Samplers,
  sample,
  storeSkipped,
  withoutSkipped,
} from './sampling.js';
import { createMemoryJournal, type JournalStore, type NewEntry } from './store.js';

export interface Journal extends Disposable {
  /** The id of this run in its entries. */
  readonly run: string;
  /**
   * Call once per frame, even without faces: the observations of the frame at `atMs` (monotonic). `trackLastsMs`: how long a track lives
   * without an observation at present.
   */
  record(observations: readonly DecidedObservation[], atMs: number, trackLastsMs?: number): void;
  /** The newest `last` entries, oldest first. Includes earlier runs if entries are stored on disk. */
  recent(last: number): readonly JournalEntry[];
  find(id: number): JournalEntry | null;
  /** Stores the observation of `track` at `atMs` (monotonic) of this run, one of the newest, also where sampling would skip it. */
  keep(track: number, atMs: number): void;
  /** Until when observations of a live track may have been merged, so that `keep` cannot store them (monotonic, milliseconds). */
  mergedUntilMs(track: number): number;
  /** The id of the observation of `track` at `atMs` (monotonic) of this run; null where there is none. */
  idOf(track: number, atMs: number): number | null;
  /** The newest entry first, as `JournalStore.newestFirst`. */
  newestFirst(): Iterable<JournalEntry>;
  /** The entries from this wall time on, as `JournalStore.since`. */
  since(wallMs: number): Iterable<JournalEntry>;
  /** Erases every entry about a person at once. */
  forget(person: PersonId): void;
  /** Writes the pending entries. This also happens every 15 minutes, before each answer and on disposal. */
  flush(): void;
}

export interface JournalOptions {
  /** Opens the entries on disk; null keeps entries in memory only. */
  readonly open: (() => JournalStore) | null;
  /** How long entries stay on disk, milliseconds. */
  readonly retentionMs: number;
  /** Embedding space of the engine. */
  readonly space: string;
  /** The people in the gallery at present. Called before each write. */
  readonly people: () => ReadonlySet<PersonId>;
  readonly clock: Clock;
  readonly log: Log;
}

const writeEveryMs = 900_000;
/** How often the gallery is asked who was forgotten, milliseconds. */
const checkEveryMs = 5000;
const pruneEveryMs = 600_000;
/** The wall clock may have been set by as much since an entry was stored that `idOf` finds, milliseconds. */
const searchedMs = 600_000;
/** Wait after a disk fault before the next attempt to open the disk. */
const reopenMs = 60_000;
/** From this many pending entries on, they are written at once. They take about 2 kB each in memory. */
const mostPending = 2000;
/** Ids of entries in memory start above this number, so that they never equal the id of an entry on disk. */
const memoryIdsAbove = 1_000_000_000;

/** Starts a new run. Disk faults are logged, not thrown. */
export function createJournal(options: JournalOptions): Journal {
  const { retentionMs: keptMs, space, people, clock, log } = options;
  const run = randomUUID().slice(0, 8);
  const wallTime = createWallTime(clock);
  const forgotten = new Set<PersonId>();
  let known: ReadonlySet<PersonId> = people();
  let samplers: Samplers = noSamplers;
  let pending: NewEntry[] = [];
  let store: JournalStore = createMemoryJournal(options.open === null ? 0 : memoryIdsAbove);
  let onDisk = false;
  let warned = false;
  const reopening = createBackoff({ firstMs: reopenMs, mostMs: reopenMs, clock });
  let prunedMs = Number.NEGATIVE_INFINITY;

  let writtenMs = clock.monotonicMs();
  const timer = setInterval(check, checkEveryMs);
  openDisk();
  prune();

  function add(observations: readonly SampledObservation[]): void {
    for (const observation of observations)
      pending.push({ ...observation, run, space, wallMs: Date.parse(wallTime(observation.atMs)) });
    if (pending.length >= mostPending || clock.monotonicMs() - writtenMs >= writeEveryMs) flush();
  }

  function check(): void {
    if (clock.monotonicMs() - writtenMs >= writeEveryMs) flush();
    else forgetRemovedPeople();
  }

  function flush(): void {
    writtenMs = clock.monotonicMs();
    forgetRemovedPeople();
    openDisk();
    const entries = pending
      .filter((entry) => ![...forgotten].some((person) => isAbout(entry, person)))
      .sort((a, b) => a.atMs - b.atMs);
    pending = [];
    if (entries.length > 0) attempt((target) => target.append(entries));
    if (clock.monotonicMs() - prunedMs >= pruneEveryMs) prune();
  }

  /** Erases the entries about people who left the gallery since the last call. */
  function forgetRemovedPeople(): void {
    const present = people();
    const removed = [...known].filter((person) => !present.has(person));
    for (const person of present) forgotten.delete(person);
    known = present;
    for (const person of removed) erase(person);
  }

  function erase(person: PersonId): void {
    samplers = withoutSkipped(samplers);
    forgotten.add(person);
    pending = pending.filter((entry) => !isAbout(entry, person));
    attempt((target) => target.forget(person));
  }

  function prune(): void {
    prunedMs = clock.monotonicMs();
    if (!onDisk) return;
    attempt((target) => target.prune(clock.wallMs() - keptMs));
  }

  function openDisk(): void {
    if (onDisk || options.open === null || reopening.waitMs() > 0) return;
    try {
      const disk = options.open();
      const inMemory = [...store.since(Number.NEGATIVE_INFINITY)];
      store = disk;
      onDisk = true;
      // The disk still holds entries about people who were forgotten while it was unavailable.
      for (const person of forgotten) disk.forget(person);
      if (inMemory.length > 0) disk.append(inMemory);
      if (warned) log('notice', 'the journal is stored on disk again');
      warned = false;
    } catch (error) {
      fault(error);
    }
  }

  /** Runs `work` on the disk. If that fails, runs it on the entries in memory. */
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
    reopening.failed();
    if (!warned) log('warning', `the journal is in memory only: ${sentenceOf(error)}`);
    warned = true;
    if (!onDisk) return;
    onDisk = false;
    const broken = store;
    store = createMemoryJournal(memoryIdsAbove);
    try {
      broken.close();
    } catch {
      // The store is abandoned in any case.
    }
  }

  return {
    run,
    record(observations, atMs, trackLastsMs) {
      const next = sample(samplers, observations, atMs, trackLastsMs);
      samplers = next.samplers;
      add(next.entries);
    },
    recent(last) {
      flush();
      return attempt((target) => target.recent(last));
    },
    find(id) {
      flush();
      return attempt((target) => target.find(id));
    },
    keep(track, atMs) {
      const next = storeSkipped(samplers, track, atMs);
      samplers = next.samplers;
      add(next.entries);
    },
    mergedUntilMs: (track) => mergedUntilMs(samplers, track),
    idOf(track, atMs) {
      flush();
      const fromMs = Date.parse(wallTime(atMs)) - searchedMs;
      return attempt((target) => {
        // The entries are in the order of time, so this one is among the first.
        for (const entry of target.since(fromMs))
          if (entry.run === run && entry.track === track && entry.atMs === atMs) return entry.id;
        return null;
      });
    },
    newestFirst() {
      flush();
      return attempt((target) => target.newestFirst());
    },
    since(wallMs) {
      flush();
      return attempt((target) => target.since(wallMs));
    },
    forget: erase,
    flush,
    [Symbol.dispose]() {
      clearInterval(timer);
      add(finishSampling(samplers));
      samplers = noSamplers;
      flush();
      store.close();
    },
  };
}

// A journal entry as `why` shows it, with people's names. The daemon answers with it over its socket; `why` builds it itself if no
// daemon runs.

export interface ComparedPerson {
  readonly name: string;
  readonly similarity: number;
  /** The similarity that a track needs for this name: as it was decided, or else as it is now. null for a forgotten person. */
  readonly threshold: number | null;
}

/** One observation and the reason for its name or for having none. The numbers stay on this machine: they are never published. */
export interface ExplainedObservation {
  /** The id that `correct` takes. Never reused while entries are stored on disk. */
  readonly id: number;
  /** Capture time, ISO 8601. */
  readonly at: string;
  /** Number of the track in its run of the daemon. */
  readonly track: number | null;
  readonly eyesPx: number;
  readonly sharpness: number;
  readonly yawDegrees: number;
  readonly pitchDegrees: number;
  readonly light: number;
  /** Best and second-best person, with similarity -1 to 1; null if there is none or the face was not embedded. */
  readonly best: ComparedPerson | null;
  readonly second: ComparedPerson | null;
  readonly margin: number | null;
  /** State of its track: `known`, `ambiguous`, `unclear` or `stranger`. */
  readonly state: string;
  /** The name it got; null for none. */
  readonly name: string | null;
  /** The rule that decided, as a short sentence and as data. */
  readonly rule: string;
  readonly reason: Reason;
}

/** `people`: the calibrated gallery. `options` has the thresholds of tracks. */
export function explain(
  entry: JournalEntry,
  people: readonly Person[],
  options: Pick<NameThresholds, 'pooled'>,
): ExplainedObservation {
  const names = new Map(people.map(({ id, name }) => [id, name]));
  const nameOf = (person: PersonId): string => names.get(person) ?? person;
  const candidate = (id: PersonId | null, similarity: number | null, needed: number | null): ComparedPerson | null => {
    if (id === null || similarity === null) return null;
    const person = people.find((other) => other.id === id);
    return { name: nameOf(id), similarity, threshold: needed ?? (person ? trackThreshold(person, options) : null) };
  };
  return {
    id: entry.id,
    at: isoTime(entry.wallMs),
    track: entry.track,
    ...entry.quality,
    best: candidate(entry.best, entry.similarity, neededIn(entry.reason)),
    second: candidate(entry.runnerUp, entry.second, null),
    margin: entry.margin,
    state: entry.state,
    name: entry.person === null ? null : nameOf(entry.person),
    rule: observationText(entry, names),
    reason: entry.reason,
  };
}
