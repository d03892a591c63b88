// Yesterday's looks under today's gallery and thresholds: each track again, look by look, through the code that decides live.
// Which look belongs to which track stands as it was recorded. Pure.

import type { IdentificationState } from '../gallery/identify.js';
import type { Gallery, PersonId } from '../gallery/person.js';
import { decide, noVerdict, type Verdict } from '../recognition/decide.js';
import { type FixedFaces, noFixedFaces, wasFixed, watchFixed } from '../recognition/static-faces.js';
import { addLook, noEvidence } from '../recognition/track-embedding.js';
import { noTracks, type Track, type Tracks } from '../recognition/tracker.js';
import type { RoomOptions } from '../room/options.js';
import { nameTracks, withoutOld } from '../room/step.js';
import { refusal, weight } from '../vision/quality-gate.js';
import type { NotedLook } from './sampling.js';

/** A recorded look: `run` says whose clock `atMs` is of, and whose numbers the tracks have. */
export interface RecordedLook extends NotedLook {
  readonly run: string;
  /** Milliseconds since the Unix epoch. */
  readonly wallMs: number;
}

/** What a track was taken for: the name it had for the longest time, else what it was at its end. */
export interface Outcome {
  readonly person: PersonId | null;
  readonly state: IdentificationState;
  /** The rule behind it, when it began to hold. */
  readonly rule: string;
}

export interface Rejudged {
  readonly run: string;
  readonly track: number;
  /** Wall time of its first and last look. */
  readonly firstMs: number;
  readonly lastMs: number;
  /** Looks it had, kept or not. */
  readonly looks: number;
  /** false: its beginning is not on record any more, so there is nothing to compare; `after` is `before`. */
  readonly whole: boolean;
  readonly before: Outcome;
  readonly after: Outcome;
}

/**
 * Every track of `looks`, in the order they began. `looks` is gone through twice, ordered by time, and may grow in between;
 * embeddings must be of the gallery's space. `progress` hears how many looks are done.
 */
export function rejudge(
  looks: () => Iterable<RecordedLook>,
  gallery: Gallery,
  options: RoomOptions,
  progress: (done: number) => void = () => {},
): readonly Rejudged[] {
  const recorded = new Map<string, Recorded>();
  let done = 0;
  for (const look of looks()) {
    const key = keyOf(look);
    const one = recorded.get(key) ?? begin(look);
    one.before.add(look, look);
    one.lastMs = look.wallMs;
    one.lastAtMs = Math.max(one.lastAtMs, look.atMs);
    one.looks = Math.max(one.looks, look.nth);
    recorded.set(key, one);
    progress(++done);
  }
  // Several at once where a clock was set back between them.
  const runs = new Map<string, Run>();
  for (const frame of frames(looks())) {
    const id = frame[0]!.run;
    const run = runs.get(id) ?? { id, tracks: noTracks, verdicts: new Map(), fixed: noFixedFaces };
    runs.set(id, run);
    const judged = frame.filter((look) => recorded.get(keyOf(look))?.whole);
    advance(run, judged, recorded, gallery, options);
    for (const look of judged) recorded.get(keyOf(look))!.after.add(look, run.verdicts.get(look.track)!);
    done += frame.length;
    progress(done);
  }
  return [...recorded.values()].map((one) => {
    const { run: id, track, firstMs, lastMs, looks: count, whole } = one;
    const before = one.before.outcome();
    return {
      run: id,
      track,
      firstMs,
      lastMs,
      looks: count,
      whole,
      before,
      after: whole ? one.after.outcome() : before,
    };
  });
}

interface Recorded {
  readonly run: string;
  readonly track: number;
  readonly firstMs: number;
  readonly whole: boolean;
  readonly before: History;
  readonly after: History;
  lastMs: number;
  lastAtMs: number;
  looks: number;
}

interface Run {
  readonly id: string;
  tracks: Tracks;
  verdicts: ReadonlyMap<number, Verdict>;
  fixed: FixedFaces;
}

function begin(look: RecordedLook): Recorded {
  const { run, track, wallMs, atMs, nth } = look;
  const [before, after] = [createHistory(), createHistory()];
  return { run, track, firstMs: wallMs, whole: nth === 1, before, after, lastMs: wallMs, lastAtMs: atMs, looks: nth };
}

/** As `observe` does it, with the tracks that were alive then. */
function advance(
  run: Run,
  frame: readonly RecordedLook[],
  recorded: ReadonlyMap<string, Recorded>,
  gallery: Gallery,
  options: RoomOptions,
): void {
  const atMs = frame[0]?.atMs;
  if (atMs === undefined) return;
  const counted = new Map(frame.map((look) => [look.track, { look, weight: weightNow(look, options) }]));
  const alive = run.tracks.tracks.filter((one) => {
    const { lastAtMs } = recorded.get(keyOf({ run: run.id, track: one.id }))!;
    return atMs - lastAtMs <= options.tracks.lostAfterMs;
  });
  const old = new Map(alive.map((one) => [one.id, one]));
  const verdicts = new Map(run.verdicts);
  const seen = [...counted].map(([id, now]) => {
    const gap = fillGap(old.get(id), now.look, verdicts.get(id) ?? noVerdict, gallery, options);
    verdicts.set(id, gap.verdict);
    return withLook(gap.track, now.look, now.look.embedding, now.weight, now.look.atMs, options);
  });
  const tracks = [...seen, ...alive.filter((one) => !counted.has(one.id))].sort((a, b) => a.id - b.id);
  const newLook = (id: number) => ((counted.get(id)?.weight ?? 0) > 0 ? counted.get(id)!.look.embedding : null);
  const looks = [...counted.values()].map((now) => ({ face: now.look, weight: now.weight }));
  run.fixed = watchFixed(run.fixed, { atMs, size: null, looks }, [...counted.keys()], tracks, options.fixed);
  run.verdicts = nameTracks(tracks, verdicts, newLook, run.fixed, gallery, options);
  run.tracks = withoutOld({ ...run.tracks, tracks }, run.verdicts);
}

/** The looks that were left out before `look`, each as their mean, evenly over the time. */
function fillGap(
  old: Track | undefined,
  look: RecordedLook,
  before: Verdict,
  gallery: Gallery,
  options: RoomOptions,
): { readonly track: Track | undefined; readonly verdict: Verdict } {
  let [track, verdict] = [old, before];
  const { skipped } = look;
  // A gate that would stop this look only now would have stopped those before it too.
  const refused = refusal(look, options.gate);
  const stopped = refused !== null && refused !== look.rule;
  if (skipped === null || track === undefined || stopped) return { track, verdict };
  const { lastMs } = track;
  for (let n = 1; n <= skipped.looks; n++) {
    const atMs = lastMs + ((look.atMs - lastMs) * n) / (skipped.looks + 1);
    track = withLook(track, look, skipped.mean, skipped.weight, atMs, options);
    verdict = decide(track, skipped.mean, verdict, gallery, options);
    if (verdict.swapped) track = { ...track, evidence: noEvidence };
  }
  return { track, verdict };
}

function withLook(
  old: Track | undefined,
  { track: id, box, nth }: RecordedLook,
  embedding: Float32Array | null,
  counts: number,
  atMs: number,
  options: RoomOptions,
): Track {
  const before = old?.evidence ?? noEvidence;
  const evidence = embedding === null ? before : addLook(before, embedding, counts, atMs, options.tracks);
  const lastMs = Math.max(old?.lastMs ?? atMs, atMs);
  return { id, box, velocity: [0, 0], firstMs: old?.firstMs ?? atMs, lastMs, frames: nth, evidence };
}

/** What the look counted, unless the present gate says otherwise. */
function weightNow(look: RecordedLook, { gate, fixed }: RoomOptions): number {
  if (refusal(look, gate) !== null) return 0;
  // Known to be a picture from before the record begins.
  if (wasFixed(look.rule) && Number.isFinite(fixed.afterMs)) return 0;
  return look.weight > 0 ? look.weight : weight(look, gate);
}

/** Looks of one frame together. */
function* frames(looks: Iterable<RecordedLook>): Generator<readonly RecordedLook[]> {
  let frame: RecordedLook[] = [];
  for (const look of looks) {
    const [first] = frame;
    if (first !== undefined && (first.run !== look.run || first.atMs !== look.atMs)) {
      yield frame;
      frame = [];
    }
    frame.push(look);
  }
  if (frame.length > 0) yield frame;
}

interface History {
  add(look: RecordedLook, now: Outcome): void;
  outcome(): Outcome;
}

/** How long a track was taken for whom: each look's verdict holds until the next look. Looks that do not count end nothing. */
function createHistory(): History {
  const held = new Map<PersonId, { ms: number; readonly now: Outcome }>();
  let last: { readonly atMs: number; readonly now: Outcome } | null = null;
  let decided: Outcome | null = null;
  return {
    add({ atMs, weight: counts }, { person, state, rule }) {
      const now = { person, state, rule };
      if (counts > 0 || decided === null) decided = now;
      const before = last?.now.person;
      if (before) held.get(before)!.ms += Math.max(0, atMs - last!.atMs);
      if (person !== null && !held.has(person)) held.set(person, { ms: 0, now });
      last = { atMs, now };
    },
    outcome() {
      const [longest] = [...held.values()].sort((a, b) => b.ms - a.ms);
      return longest?.now ?? decided ?? { person: null, state: 'unclear', rule: 'no look' };
    },
  };
}

function keyOf({ run, track }: Pick<RecordedLook, 'run' | 'track'>): string {
  return `${run} ${track}`;
}
