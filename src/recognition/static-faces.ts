// Static faces: portraits, posters, and other still things that the detector reports as a face. A face that has not moved for an
// hour is ignored until it moves. The state is bounded and holds no pixels. The functions are pure: time is an argument. Only
// observed time counts: a dark night, a blind camera, or a person who hides the face neither adds to the hour nor restarts it.

import type { Reason } from '../gallery/reason.js';
import { similarity } from '../gallery/similarity.js';
import type { Box } from '../vision/face.js';
import type { Track, WeightedFace } from './tracker.js';

export interface StaticFaceOptions {
  /** Observed time without movement after which a face is static; Infinity: never. */
  readonly afterMs: number;
  /**
   * A longer pause between two observations does not count as observed. A far face is detected when its tile is searched,
   * every 6 s.
   */
  readonly gapMs: number;
  /** Factor on the times in which a face arrives at, leaves or occupies a position, where frames are analysed rarely. Default 1. */
  readonly slowness?: number;
}

type Slowness = Pick<StaticFaceOptions, 'slowness'>;

/** The position at which a track is. */
interface TrackPosition {
  readonly position: number;
  readonly sinceMs: number;
  /** The track began here, so it did not arrive from elsewhere. */
  readonly startedHere: boolean;
  /** Number of consecutive observations that did not belong to this position's face. */
  readonly away: number;
  /** Those of them that were still at the position or clearly another face, so they do not show that the face has moved. */
  readonly doubtful: number;
}

/** Immutable. Starts as `noStaticFaces`, or as the result of `restoreStaticFaces`. Holds at most `maxPositions` positions. */
export interface StaticFaces {
  /** Size of the frames to which the positions refer, pixels; null before the first frame. */
  readonly size: readonly [width: number, height: number] | null;
  readonly atMs: number | null;
  readonly positions: readonly StaticPosition[];
  /** By track id. */
  readonly trackPositions: ReadonlyMap<number, TrackPosition>;
  readonly nextId: number;
}

export const noStaticFaces: StaticFaces = {
  size: null,
  atMs: null,
  positions: [],
  trackPositions: new Map(),
  nextId: 1,
};

/** A static face as it is shown and stored: where it is, but not its embedding. */
export interface StaticFace {
  /** Never used twice within a run. */
  readonly id: number;
  readonly box: Box;
  /** Observed time without movement. */
  readonly stillMs: number;
}

const maxPositions = 32;
/** Number of consecutive observations away from its position after which a face has moved: one or two may be jitter. */
const movedObservations = 3;
/** A face that arrived from elsewhere takes over the still time of a position only after this time; a passer-by does not. */
const arrivedMs = 5000;
/** A face that was tracked out of its position and is not back within this time was not static. */
const vacatedMs = 30_000;
/** Observed time unseen after which a position is forgotten. */
const forgetMs = 12 * 3_600_000;
/** The same for the position of a static face, which was then taken down. */
const forgetStaticMs = 7 * 24 * 3_600_000;
/** Positions seen within this time are not dropped for others. */
const presentMs = 10_000;
/** From this still time on, a face gives up its name to a face that has moved. */
const suspectMs = 300_000;

/**
 * Advances by one analysed frame. `trackOf[i]` is the track to which observation `i` belongs; `size` is the frame's (null:
 * unknown, the same as before). A frame of another size resets the positions.
 */
export function watchStaticFaces(
  before: StaticFaces,
  frame: {
    readonly atMs: number;
    readonly size: StaticFaces['size'];
    readonly observations: readonly WeightedFace[];
  },
  trackOf: readonly number[],
  tracks: readonly Track[],
  options: StaticFaceOptions,
): StaticFaces {
  const { atMs, size, observations } = frame;
  const isSameSize = before.size === null || size === null || before.size.join() === size.join();
  const known = isSameSize ? before : { ...noStaticFaces, nextId: before.nextId };
  const observedMs = known.atMs === null ? 0 : Math.min(options.gapMs, Math.max(0, atMs - known.atMs));
  let { nextId } = known;

  /** By observation. */
  const positionOf: number[] = [];
  const positions = new Map<number, StaticPosition>();
  for (const position of known.positions.toSorted((a, b) => b.stillMs - a.stillMs)) {
    const index = nearest(position, observations, positionOf);
    if (index === null) {
      positions.set(position.id, { ...position, unseenMs: position.unseenMs + observedMs });
      continue;
    }
    const updated = updatePosition(position, observations[index]!, atMs, options);
    if (updated === null) continue;
    positions.set(position.id, updated);
    positionOf[index] = position.id;
  }
  observations.forEach((observation, index) => {
    if (positionOf[index] !== undefined) return;
    positionOf[index] = nextId;
    positions.set(nextId, beginPosition(nextId, observation, atMs));
    nextId++;
  });

  const observationOf = new Map(trackOf.map((track, index) => [track, index]));
  const trackPositions = new Map<number, TrackPosition>();
  for (const track of tracks) {
    const old = known.trackPositions.get(track.id);
    const index = observationOf.get(track.id);
    if (index === undefined) {
      if (old !== undefined) trackPositions.set(track.id, old);
      continue;
    }
    const current = positionOf[index]!;
    const position = old && positions.get(old.position);
    if (old === undefined || position === undefined) {
      const startedHere = track.frames === 1;
      trackPositions.set(track.id, { position: current, sinceMs: atMs, startedHere, away: 0, doubtful: 0 });
      continue;
    }
    const observation = observations[index]!;
    const isDoubtful = distanceWidths(position, observation.face.box) !== null || isOtherFace(position, observation);
    const isHere = current === position.id;
    const away = isHere ? 0 : old.away + 1;
    const doubtful = isHere ? 0 : old.doubtful + (isDoubtful ? 1 : 0);
    if (away < movedObservations) {
      trackPositions.set(track.id, { ...old, away, doubtful });
      continue;
    }
    trackPositions.set(track.id, { position: current, sinceMs: atMs, startedHere: false, away: 0, doubtful: 0 });
    // The position's own face was tracked out of it, and no other face is there.
    if (doubtful === 0 && position.seenMs !== atMs) vacate(position);
  }
  const remaining = [...positions.values()].filter((position) => !isOver(position, options)).sort(byWorth(options));
  return { size: size ?? known.size, atMs, positions: remaining.slice(0, maxPositions), trackPositions, nextId };

  /** The embedding is learned again, because it may be that of a person who only stood in front of a portrait. */
  function vacate(position: StaticPosition): void {
    if (position.stillMs < options.afterMs) positions.delete(position.id);
    else positions.set(position.id, { ...position, vacated: true, direction: null, weight: 0 });
  }
}

/** Whether the observations of this track are ignored, because it shows a static face. */
export function isStatic(state: StaticFaces, track: number, options: StaticFaceOptions): boolean {
  return stillMsOf(state, track, options) >= options.afterMs;
}

/** Whether the face of this track has not moved for some minutes. Of two faces with the same name the other one is then alive. */
export function mayBeStatic(state: StaticFaces, track: number, options: Slowness = {}): boolean {
  return stillMsOf(state, track, options) >= suspectMs;
}

/** The reason why the track of a static face has no name. */
export function staticReason(state: StaticFaces, track: number, options: Slowness = {}): Reason {
  return { kind: 'static-face', stillMs: stillMsOf(state, track, options) };
}

/** The static faces, the longest unmoved first. */
export function staticFaces(state: StaticFaces, options: StaticFaceOptions): readonly StaticFace[] {
  const still = state.positions.filter((position) => position.stillMs >= options.afterMs);
  const sorted = still.sort((a, b) => b.stillMs - a.stillMs);
  return sorted.map((position) => ({ id: position.id, box: positionBox(position), stillMs: position.stillMs }));
}

/** The state after a restart. Embeddings are not stored, so each is learned from the first observation at its position. */
export function restoreStaticFaces(
  size: readonly [number, number],
  faces: readonly Omit<StaticFace, 'id'>[],
): StaticFaces {
  const positions = faces
    .slice(0, maxPositions)
    .map((face, index) => rememberedPosition(index + 1, face.box, face.stillMs));
  return { ...noStaticFaces, size, positions, nextId: positions.length + 1 };
}

/** The same positions without embeddings, for when somebody was forgotten. */
export function withoutEmbeddings(state: StaticFaces): StaticFaces {
  return { ...state, positions: state.positions.map((position) => ({ ...position, direction: null, weight: 0 })) };
}

/** How long the face of this track has not moved; 0 for a face that has only just arrived from elsewhere. */
function stillMsOf(
  { trackPositions, positions, atMs }: StaticFaces,
  track: number,
  { slowness = 1 }: Slowness,
): number {
  const current = trackPositions.get(track);
  if (current === undefined || (!current.startedHere && (atMs ?? 0) - current.sinceMs < arrivedMs * slowness)) return 0;
  return positions.find((position) => position.id === current.position)?.stillMs ?? 0;
}

/** The unassigned observation that is nearest to the position and may be its face; null where there is none. */
function nearest(
  position: StaticPosition,
  observations: readonly WeightedFace[],
  positionOf: readonly number[],
): number | null {
  const candidates = observations.flatMap((observation, index) => {
    if (positionOf[index] !== undefined || isOtherFace(position, observation)) return [];
    const widths = distanceWidths(position, observation.face.box);
    return widths === null ? [] : [{ index, widths }];
  });
  return candidates.sort((a, b) => a.widths - b.widths)[0]?.index ?? null;
}

function isOver(position: StaticPosition, { afterMs, slowness = 1 }: StaticFaceOptions): boolean {
  if (position.vacated && position.unseenMs >= vacatedMs * slowness) return true;
  return position.unseenMs >= (position.stillMs >= afterMs ? forgetStaticMs : forgetMs);
}

/** Static faces first, then positions seen just now, then those unmoved for the longest time. */
function byWorth({ afterMs, slowness = 1 }: StaticFaceOptions): (a: StaticPosition, b: StaticPosition) => number {
  const worth = (position: StaticPosition) =>
    (position.stillMs >= afterMs ? 2 : 0) +
    (position.unseenMs <= presentMs * slowness && position.seenMs !== null ? 1 : 0);
  return (a, b) => worth(b) - worth(a) || b.stillMs - a.stillMs;
}

// One position and the face that stays there. A portrait moves only by the jitter of the detector's box; a head moves more.
// Positions are smoothed over some observations. The whole range since the first observations counts, so it only grows.

/** Smallest and largest smoothed value, pixels. */
type Range = readonly [min: number, max: number];

/** Immutable. */
interface StaticPosition {
  readonly id: number;
  /** Smoothed centre and width of the face's box, pixels of the frame. */
  readonly x: number;
  readonly y: number;
  readonly widthPx: number;
  /** Range of these values since the first observations; null before they are smoothed. */
  readonly range: readonly [x: Range, y: Range, width: Range] | null;
  /** Number of observations, counted up to `smoothedObservations`. */
  readonly observations: number;
  /** Embedding of the face, unit length; null while unknown. */
  readonly direction: Float32Array | null;
  readonly weight: number;
  /** Observed time that the face has been here. */
  readonly stillMs: number;
  /** The last frame that showed it; null after a restart. */
  readonly seenMs: number | null;
  /** Observed time since then. */
  readonly unseenMs: number;
  /** Its face was tracked out of here: the position is forgotten unless the face is seen here again soon. */
  readonly vacated: boolean;
}

// The limits below were measured on portraits in a drawn room: six faces, 14 to 70 px between the eyes, five lights, noise.

/** Maximum distance of one observation from the position, in face widths. Measured: 5 % at most in a lit room, 17 % by night. */
const nearWidths = 0.25;
/** Maximum ratio of the sizes. Measured: 10 % at most in a lit room, 28 % by night. */
const maxSizeRatio = 1.4;
/**
 * Maximum range of the smoothed position, in face widths; a tenth of a face is 1.5 cm. Measured from one light to another: 2.5 %
 * in a lit room and 6 % by night, with a jitter of 0.7 % and 2 % around it.
 */
const maxRange = 0.15;
/** Maximum range of the smoothed width, in face widths. Measured: 5.6 % in a lit room and 13 % by night, jitter 1.5 % and 4 %. */
const maxSizeRange = 0.3;
/** Factor on both ranges for a static face: by night one of 14 px between the eyes seems to move by 20 % (size 45 %). */
const staticRangeFactor = 1.5;
/** Number of observations over which a position is smoothed; the jitter is then 0.38 of a single observation's. */
const smoothedObservations = 4;
/** A good observation with a similarity below this is somebody else (cosine). */
const otherFaceBelow = 0.3;
/** Only observations of this weight are compared: by night a portrait is unlike itself (0.5 to 0.9, mean of 14 observations). */
const comparedFrom = 0.5;
/** Limits the weight of the stored embedding, so that it follows the light. */
const maxWeight = 100;

/** The position of a face that was seen here for the first time. */
function beginPosition(id: number, observation: WeightedFace, atMs: number): StaticPosition {
  const [x, y, widthPx] = centred(observation.face.box);
  const position: StaticPosition = {
    id,
    x,
    y,
    widthPx,
    range: null,
    observations: 1,
    direction: null,
    weight: 0,
    stillMs: 0,
    seenMs: atMs,
    unseenMs: 0,
    vacated: false,
  };
  return withEmbedding(position, observation);
}

/** A position that was known before a restart, without an embedding. */
function rememberedPosition(id: number, [x, y, widthPx]: Box, stillMs: number): StaticPosition {
  return {
    id,
    x: x + widthPx / 2,
    y: y + widthPx / 2,
    widthPx,
    range: null,
    observations: 0,
    direction: null,
    weight: 0,
    stillMs,
    seenMs: null,
    unseenMs: 0,
    vacated: false,
  };
}

/** The square box of a position, pixels. */
function positionBox({ x, y, widthPx }: StaticPosition): Box {
  return [x - widthPx / 2, y - widthPx / 2, widthPx, widthPx];
}

/** Distance of a face's box from the position, in face widths; null where it is another position. */
function distanceWidths(position: StaticPosition, box: Box): number | null {
  const [x, y, widthPx] = centred(box);
  const ratio = widthPx / position.widthPx;
  const widths = Math.hypot(x - position.x, y - position.y) / position.widthPx;
  return widths <= nearWidths && ratio <= maxSizeRatio && ratio >= 1 / maxSizeRatio ? widths : null;
}

/** Whether this is clearly not the face that stays here. */
function isOtherFace({ direction }: StaticPosition, { face, weight }: WeightedFace): boolean {
  if (direction === null || face.embedding === null || weight < comparedFrom) return false;
  return similarity(direction, face.embedding) < otherFaceBelow;
}

/**
 * Adds one observation of the face that stays here; null where the face has moved too far to be static. A pause of up to
 * `gapMs` between two observations counts as observed.
 */
function updatePosition(
  position: StaticPosition,
  observation: WeightedFace,
  atMs: number,
  { gapMs, afterMs }: StaticFaceOptions,
): StaticPosition | null {
  const [x, y, widthPx] = centred(observation.face.box);
  const observations = Math.min(smoothedObservations, position.observations + 1);
  const smooth = (before: number, value: number) => before + (value - before) / observations;
  const smoothed = {
    x: smooth(position.x, x),
    y: smooth(position.y, y),
    widthPx: smooth(position.widthPx, widthPx),
  };
  const range =
    observations < smoothedObservations ? null : widened(position.range, [smoothed.x, smoothed.y, smoothed.widthPx]);
  const rangeFactor = position.stillMs >= afterMs ? staticRangeFactor : 1;
  if (range !== null && !isNarrow(range, smoothed.widthPx * rangeFactor)) return null;
  const passed = position.seenMs === null ? 0 : Math.max(0, atMs - position.seenMs);
  const stillMs = position.stillMs + (passed <= gapMs ? passed : 0);
  return withEmbedding(
    { ...position, ...smoothed, range, observations, stillMs, seenMs: atMs, unseenMs: 0, vacated: false },
    observation,
  );
}

function withEmbedding(position: StaticPosition, { face, weight }: WeightedFace): StaticPosition {
  if (face.embedding === null || !(weight > 0)) return position;
  const old = position.direction;
  const sum = face.embedding.map((value, i) => value * weight + (old?.[i] ?? 0) * position.weight);
  const length = Math.hypot(...sum);
  if (!(length > 1e-6)) return position;
  return {
    ...position,
    direction: sum.map((value) => value / length),
    weight: Math.min(maxWeight, position.weight + weight),
  };
}

function widened(range: StaticPosition['range'], values: readonly [number, number, number]): StaticPosition['range'] {
  const widen = (index: 0 | 1 | 2): Range => {
    const value = values[index];
    const [min, max] = range?.[index] ?? [value, value];
    return [Math.min(min, value), Math.max(max, value)];
  };
  return [widen(0), widen(1), widen(2)];
}

function isNarrow([x, y, width]: NonNullable<StaticPosition['range']>, widthPx: number): boolean {
  const span = ([min, max]: Range) => (max - min) / widthPx;
  return span(x) <= maxRange && span(y) <= maxRange && span(width) <= maxSizeRange;
}

function centred([x, y, width, height]: Box): readonly [x: number, y: number, widthPx: number] {
  return [x + width / 2, y + height / 2, width];
}
