// Follows faces from frame to frame by place and looks. A track survives missed frames for a while, never belongs to two
// faces, and refuses a face that clearly looks like somebody else: then a new track starts with no evidence.
import type { Box, ObservedFace } from '../vision/face.js';
import { addObservation, agreement, type TrackEmbedding, type PoolingOptions, noTrackEmbedding } from './track-embedding.js';

export interface TrackOptions {
  /** A track not seen for this long is over. */
  readonly lostAfterMs: number;
  /** Tracks kept at most; the ones not seen for the longest go first. */
  readonly most: number;
  /** Overlap (intersection over union) that is enough by itself. */
  readonly leastOverlap: number;
  /** A look this unlike the track's evidence starts a new track (cosine). */
  readonly differentBelow: number;
  /** A look this like the track's evidence may have moved further than overlap allows (cosine). */
  readonly sameAbove: number;
}

export interface Track {
  /** Grows by one per track; never used twice. */
  readonly id: number;
  readonly box: Box;
  /** Movement of the box's centre, pixels per millisecond. */
  readonly velocity: readonly [x: number, y: number];
  readonly firstMs: number;
  readonly lastMs: number;
  /** Frames it was found in. */
  readonly frames: number;
  /** Only of a recorded track: it lives until then, although the recording leaves frames out. */
  readonly untilMs?: number;
  readonly pooled: TrackEmbedding;
}

export interface Tracks {
  readonly tracks: readonly Track[];
  readonly nextId: number;
}

export const noTracks: Tracks = { tracks: [], nextId: 1 };

/** A face of the present frame and how much its look counts, 0 to 1. */
export interface WeightedFace {
  readonly face: Pick<ObservedFace, 'box' | 'embedding' | 'recorded'>;
  readonly weight: number;
}

/**
 * One frame further. `trackOf[i]` is the id of the track that look `i` belongs to. Time never goes back: a frame older
 * than a track's last is taken as of the same time.
 */
export function track(
  before: Tracks,
  looks: readonly WeightedFace[],
  atMs: number,
  options: TrackOptions & PoolingOptions,
): { readonly tracks: Tracks; readonly trackOf: readonly number[] } {
  const alive = before.tracks.filter((one) => isAlive(one, atMs, options));
  if (looks.some((look) => look.face.recorded !== undefined))
    return asRecorded({ ...before, tracks: alive }, looks, atMs, options);
  const chosen = bestAssignment(looks.map((look) => alive.map((one) => affinity(one, look, atMs, options))));
  const updated = new Map<number, Track>();
  let { nextId } = before;
  const trackOf = looks.map((look, index) => {
    const old = alive[chosen[index]!];
    const one = old === undefined ? begin(nextId++, look, atMs, options) : advance(old, look, atMs, options);
    updated.set(one.id, one);
    return one.id;
  });
  const waiting = alive.filter((one) => !updated.has(one.id)).sort((a, b) => b.lastMs - a.lastMs);
  const tracks = [...updated.values(), ...waiting].slice(0, options.most).sort((a, b) => a.id - b.id);
  return { tracks: { tracks, nextId }, trackOf };
}

/** Whether the track may still be seen: it was, not longer ago than a lost face takes to come back. */
export function isAlive(
  one: Pick<Track, 'lastMs' | 'untilMs'>,
  atMs: number,
  options: Pick<TrackOptions, 'lostAfterMs'>,
): boolean {
  return atMs - (one.untilMs ?? one.lastMs) <= options.lostAfterMs;
}

/** The tracks as they were live: which face belongs to which is on record. */
function asRecorded(
  { tracks: alive, nextId }: Tracks,
  looks: readonly WeightedFace[],
  atMs: number,
  options: PoolingOptions,
): { readonly tracks: Tracks; readonly trackOf: readonly number[] } {
  const tracks = new Map(alive.map((one) => [one.id, one]));
  const trackOf = looks.map(({ face, weight }) => {
    const { track: id, frames, untilMs } = face.recorded!;
    const old = tracks.get(id);
    const before = old?.pooled ?? noTrackEmbedding;
    const evidence = face.embedding === null ? before : addObservation(before, face.embedding, weight, atMs, options);
    const times = { firstMs: old?.firstMs ?? atMs, lastMs: Math.max(old?.lastMs ?? atMs, atMs), untilMs };
    tracks.set(id, { id, box: face.box, velocity: [0, 0], ...times, frames, pooled: evidence });
    return id;
  });
  const newest = Math.max(nextId - 1, ...trackOf);
  return { tracks: { tracks: [...tracks.values()].sort((a, b) => a.id - b.id), nextId: newest + 1 }, trackOf };
}

function begin(id: number, look: WeightedFace, atMs: number, options: PoolingOptions): Track {
  const evidence = withLook(noTrackEmbedding, look, atMs, options);
  return { id, box: look.face.box, velocity: [0, 0], firstMs: atMs, lastMs: atMs, frames: 1, pooled: evidence };
}

function advance(old: Track, look: WeightedFace, atMs: number, options: PoolingOptions): Track {
  const elapsed = atMs - old.lastMs;
  const [x0, y0] = centre(old.box);
  const [x1, y1] = centre(look.face.box);
  // Half of the new speed: a detector's box trembles by some pixels even when nobody moves.
  const velocity: readonly [number, number] =
    elapsed > 0
      ? [(old.velocity[0] + (x1 - x0) / elapsed) / 2, (old.velocity[1] + (y1 - y0) / elapsed) / 2]
      : old.velocity;
  return {
    ...old,
    box: look.face.box,
    velocity,
    lastMs: Math.max(old.lastMs, atMs),
    frames: old.frames + 1,
    pooled: withLook(old.pooled, look, atMs, options),
  };
}

function withLook(evidence: TrackEmbedding, look: WeightedFace, atMs: number, options: PoolingOptions): TrackEmbedding {
  return look.face.embedding === null ? evidence : addObservation(evidence, look.face.embedding, look.weight, atMs, options);
}

/** How well a look continues a track; 0 where it may not. */
function affinity(one: Track, look: WeightedFace, atMs: number, options: TrackOptions): number {
  const { box } = look.face;
  const ratio = box[2] / one.box[2];
  if (!(ratio > 0.4 && ratio < 2.5)) return 0;
  // Only looks that count may speak: a profile or a smear is unlike everybody, its own track too.
  const alike = look.weight > 0 ? agreement(one.pooled, look.face.embedding) : null;
  if (alike !== null && alike < options.differentBelow) return 0;
  const predicted = predict(one, atMs);
  const shared = overlap(predicted, box);
  const size = (predicted[2] + box[2]) / 2;
  const [x0, y0] = centre(predicted);
  const [x1, y1] = centre(box);
  // Faces cross a room at up to about ten widths a second; the longer nothing was seen, the further one may be.
  const reach = size * (1 + Math.min(3, (atMs - one.lastMs) / 300));
  const nearness = Math.max(0, 1 - Math.hypot(x1 - x0, y1 - y0) / reach);
  const near = shared >= options.leastOverlap || (nearness > 0 && alike !== null && alike >= options.sameAbove);
  return near ? 0.01 + shared + 0.5 * nearness + Math.max(0, alike ?? 0) : 0;
}

/** Where the box should be now: constant velocity, for half a second at most. */
function predict(one: Track, atMs: number): Box {
  const elapsed = Math.min(500, Math.max(0, atMs - one.lastMs));
  const [x, y, w, h] = one.box;
  return [x + one.velocity[0] * elapsed, y + one.velocity[1] * elapsed, w, h];
}

function centre([x, y, w, h]: Box): readonly [number, number] {
  return [x + w / 2, y + h / 2];
}

/** Intersection over union, 0 to 1. */
export function overlap(a: Box, b: Box): number {
  const w = Math.min(a[0] + a[2], b[0] + b[2]) - Math.max(a[0], b[0]);
  const h = Math.min(a[1] + a[3], b[1] + b[3]) - Math.max(a[1], b[1]);
  if (w <= 0 || h <= 0) return 0;
  const shared = w * h;
  return shared / (a[2] * a[3] + b[2] * b[3] - shared);
}

// The assignment of rows to columns with the largest sum, each used at most once (Kuhn 1955, Munkres 1957; the O(n^3)
// form with potentials). Deterministic: equal sums always give the same answer.

/**
 * For each row the column it gets, or -1. `gain[row][column]` above 0 is a pair that may be made, anything else may not;
 * every row has the same number of columns.
 */
export function bestAssignment(gain: readonly (readonly number[])[]): number[] {
  const rows = gain.length;
  const columns = gain[0]?.length ?? 0;
  if (rows === 0 || columns === 0) return gain.map(() => -1);
  // Square with room for "no pair at all": a forbidden pair costs 0, exactly what no pair costs.
  const size = Math.max(rows, columns);
  const cost = (row: number, column: number): number => -Math.max(0, gain[row - 1]?.[column - 1] ?? 0);
  const rowPotential = new Float64Array(size + 1);
  const columnPotential = new Float64Array(size + 1);
  const rowOf = new Int32Array(size + 1);
  const cameFrom = new Int32Array(size + 1);
  for (let row = 1; row <= size; row++) {
    const slack = new Float64Array(size + 1).fill(Number.POSITIVE_INFINITY);
    const used = new Uint8Array(size + 1);
    let column = 0;
    rowOf[0] = row;
    do {
      used[column] = 1;
      const from = rowOf[column]!;
      let delta = Number.POSITIVE_INFINITY;
      let next = 0;
      for (let j = 1; j <= size; j++) {
        if (used[j]) continue;
        const reduced = cost(from, j) - rowPotential[from]! - columnPotential[j]!;
        if (reduced < slack[j]!) {
          slack[j] = reduced;
          cameFrom[j] = column;
        }
        if (slack[j]! < delta) {
          delta = slack[j]!;
          next = j;
        }
      }
      for (let j = 0; j <= size; j++) {
        if (used[j]) {
          rowPotential[rowOf[j]!]! += delta;
          columnPotential[j]! -= delta;
        } else slack[j]! -= delta;
      }
      column = next;
    } while (rowOf[column] !== 0);
    while (column !== 0) {
      rowOf[column] = rowOf[cameFrom[column]!]!;
      column = cameFrom[column]!;
    }
  }
  const assigned = gain.map(() => -1);
  for (let column = 1; column <= columns; column++) {
    const row = rowOf[column]!;
    if (row >= 1 && row <= rows && gain[row - 1]![column - 1]! > 0) assigned[row - 1] = column - 1;
  }
  return assigned;
}
