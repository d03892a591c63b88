// Follows faces from frame to frame by position and embedding. A track survives missed frames for a while and is never
// assigned to two faces of a frame. A face that clearly belongs to somebody else starts a new track with an empty track
// embedding.
import { type Box, type ObservedFace, overlap } from '../vision/face.js';
import {
  addObservation,
  agreement,
  noTrackEmbedding,
  type PoolingOptions,
  type TrackEmbedding,
} from './track-embedding.js';

export interface TrackOptions {
  /** A track not seen for this long has ended. */
  readonly lostAfterMs: number;
  /** Maximum number of tracks; those not seen for the longest time are dropped first. */
  readonly maxTracks: number;
  /** Overlap (intersection over union) that is enough by itself to continue a track, for `positionMs`. */
  readonly minOverlap: number;
  /**
   * After this time without an observation the position no longer tells who it is: only a similar embedding continues a track that has
   * one. Milliseconds.
   */
  readonly positionMs: number;
  /** How far a face moves between two observations at most, in face widths, and how much its width changes (ratio). */
  readonly reachWidths: number;
  readonly sizeRatio: number;
  /** A usable observation whose similarity to the track embedding is below this never continues the track (cosine). */
  readonly differentBelow: number;
  /** An observation whose similarity is at least this may have moved further than the overlap allows (cosine). */
  readonly sameAbove: number;
}

export interface Track {
  /** Grows by one per track; never used twice. */
  readonly id: number;
  readonly box: Box;
  /** Velocity of the box's centre, pixels per millisecond. */
  readonly velocity: readonly [x: number, y: number];
  readonly firstMs: number;
  readonly lastMs: number;
  /** Number of frames in which it was detected. */
  readonly frames: number;
  /** Only in a replay: the track lives until then, although the journal leaves frames out. */
  readonly untilMs?: number;
  readonly pooled: TrackEmbedding;
}

export interface Tracks {
  readonly tracks: readonly Track[];
  readonly nextId: number;
}

export const noTracks: Tracks = { tracks: [], nextId: 1 };

/** A face of the current frame and the weight of its observation, 0 to 1. */
export interface WeightedFace {
  readonly face: Pick<ObservedFace, 'box' | 'embedding' | 'recorded'>;
  readonly weight: number;
}

/**
 * Advances the tracks by one frame. `trackOf[i]` is the id of the track to which observation `i` belongs. Time never goes
 * backwards: a frame older than a track's last one counts as of the same time.
 */
export function track(
  before: Tracks,
  observations: readonly WeightedFace[],
  atMs: number,
  options: TrackOptions & PoolingOptions,
): { readonly tracks: Tracks; readonly trackOf: readonly number[] } {
  const alive = before.tracks.filter((track) => isAlive(track, atMs, options));
  if (observations.some((observation) => observation.face.recorded !== undefined))
    return asRecorded({ ...before, tracks: alive }, observations, atMs, options);
  const affinities = observations.map((observation) =>
    alive.map((track) => affinity(track, observation, atMs, options)),
  );
  const assigned = bestAssignment(affinities);
  const updated = new Map<number, Track>();
  let { nextId } = before;
  const trackOf = observations.map((observation, index) => {
    const old = alive[assigned[index]!];
    const track =
      old === undefined ? begin(nextId++, observation, atMs, options) : advance(old, observation, atMs, options);
    updated.set(track.id, track);
    return track.id;
  });
  const unseen = alive.filter((track) => !updated.has(track.id)).sort((a, b) => b.lastMs - a.lastMs);
  const tracks = [...updated.values(), ...unseen].slice(0, options.maxTracks).sort((a, b) => a.id - b.id);
  return { tracks: { tracks, nextId }, trackOf };
}

/** Whether the track may still continue: it was seen not longer than `lostAfterMs` ago. */
export function isAlive(
  track: Pick<Track, 'lastMs' | 'untilMs'>,
  atMs: number,
  options: Pick<TrackOptions, 'lostAfterMs'>,
): boolean {
  return atMs - (track.untilMs ?? track.lastMs) <= options.lostAfterMs;
}

/** The tracks as they were live: the journal says which face belongs to which track. */
function asRecorded(
  { tracks: alive, nextId }: Tracks,
  observations: readonly WeightedFace[],
  atMs: number,
  options: PoolingOptions,
): { readonly tracks: Tracks; readonly trackOf: readonly number[] } {
  const tracks = new Map(alive.map((track) => [track.id, track]));
  const trackOf = observations.map((observation) => {
    const { face } = observation;
    const { track: id, frames, untilMs } = face.recorded!;
    const old = tracks.get(id);
    const pooled = withObservation(old?.pooled ?? noTrackEmbedding, observation, atMs, options);
    const times = { firstMs: old?.firstMs ?? atMs, lastMs: Math.max(old?.lastMs ?? atMs, atMs), untilMs };
    tracks.set(id, { id, box: face.box, velocity: [0, 0], ...times, frames, pooled });
    return id;
  });
  const newest = Math.max(nextId - 1, ...trackOf);
  return { tracks: { tracks: [...tracks.values()].sort((a, b) => a.id - b.id), nextId: newest + 1 }, trackOf };
}

function begin(id: number, observation: WeightedFace, atMs: number, options: PoolingOptions): Track {
  const pooled = withObservation(noTrackEmbedding, observation, atMs, options);
  return { id, box: observation.face.box, velocity: [0, 0], firstMs: atMs, lastMs: atMs, frames: 1, pooled };
}

function advance(old: Track, observation: WeightedFace, atMs: number, options: PoolingOptions): Track {
  const elapsed = atMs - old.lastMs;
  const [x0, y0] = centre(old.box);
  const [x1, y1] = centre(observation.face.box);
  // The mean of the old and the new velocity: a detector's box jitters by some pixels even when nobody moves.
  const velocity: readonly [number, number] =
    elapsed > 0
      ? [(old.velocity[0] + (x1 - x0) / elapsed) / 2, (old.velocity[1] + (y1 - y0) / elapsed) / 2]
      : old.velocity;
  return {
    ...old,
    box: observation.face.box,
    velocity,
    lastMs: Math.max(old.lastMs, atMs),
    frames: old.frames + 1,
    pooled: withObservation(old.pooled, observation, atMs, options),
  };
}

function withObservation(
  pooled: TrackEmbedding,
  { face, weight }: WeightedFace,
  atMs: number,
  options: PoolingOptions,
): TrackEmbedding {
  return face.embedding === null ? pooled : addObservation(pooled, face.embedding, weight, atMs, options);
}

/** How well an observation continues a track; 0 where it must not. */
function affinity(track: Track, observation: WeightedFace, atMs: number, options: TrackOptions): number {
  const { box } = observation.face;
  const ratio = box[2] / track.box[2];
  if (!(ratio > 1 / options.sizeRatio && ratio < options.sizeRatio)) return 0;
  // Only usable observations are compared: the embedding of a profile or a blurred face is unlike its own track too.
  const similarity = observation.weight > 0 ? agreement(track.pooled, observation.face.embedding) : null;
  if (similarity !== null && similarity < options.differentBelow) return 0;
  const predicted = predict(track, atMs);
  const shared = overlap(predicted, box);
  const size = (predicted[2] + box[2]) / 2;
  const [x0, y0] = centre(predicted);
  const [x1, y1] = centre(box);
  // Faces cross a room at up to about ten face widths per second. The longer a track was not seen, the further it may have moved.
  const elapsedMs = atMs - track.lastMs;
  const reach = size * (1 + Math.min(options.reachWidths, elapsedMs / 300));
  const nearness = Math.max(0, 1 - Math.hypot(x1 - x0, y1 - y0) / reach);
  const isSimilar = similarity !== null && similarity >= options.sameAbove;
  const isPositionEnough = elapsedMs <= options.positionMs || track.pooled.direction === null;
  const continues = (shared >= options.minOverlap && isPositionEnough) || (nearness > 0 && isSimilar);
  return continues ? 0.01 + shared + 0.5 * nearness + Math.max(0, similarity ?? 0) : 0;
}

/** Where the box should be now: constant velocity, for at most half a second. */
export function predict(track: Pick<Track, 'box' | 'velocity' | 'lastMs'>, atMs: number): Box {
  const elapsed = Math.min(500, Math.max(0, atMs - track.lastMs));
  const [x, y, w, h] = track.box;
  return [x + track.velocity[0] * elapsed, y + track.velocity[1] * elapsed, w, h];
}

function centre([x, y, w, h]: Box): readonly [number, number] {
  return [x + w / 2, y + h / 2];
}

/**
 * The assignment of rows to columns with the largest sum, each used at most once (Kuhn 1955, Munkres 1957; the O(n^3) form
 * with potentials). Gives for each row its column, or -1. Only pairs with `gain[row][column]` above 0 are assigned. Every
 * row has the same number of columns. Deterministic: equal sums always give the same answer.
 */
export function bestAssignment(gain: readonly (readonly number[])[]): number[] {
  const rows = gain.length;
  const columns = gain[0]?.length ?? 0;
  // The matrix is made square; a forbidden pair costs 0, the same as no pair.
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
