// Faces that never move: portraits, posters, and what the detector takes for a face. After an hour without any movement such a
// face counts for nothing until it moves. Bounded, without pixels; pure: time is an argument. Only observed time counts: a dark
// night, a blind camera or somebody who stands before it neither adds to the hour nor takes from it.
import { similarity } from '../gallery/similarity.js';
import type { Box } from '../vision/face.js';
import type { Reason } from './reason.js';
import type { WeightedFace, Track } from './tracker.js';

export interface StaticFaceOptions {
  /** Observed time without movement after which a face is taken for a picture; Infinity: never. */
  readonly afterMs: number;
  /** A pause between two looks longer than this was not observed. A far face is found when its tile has its turn, every 6 s. */
  readonly gapMs: number;
}

/** How a track belongs to a place. */
interface Stand {
  readonly place: number;
  readonly sinceMs: number;
  /** The track began here, so nobody came walking. */
  readonly born: boolean;
  /** Looks in a row that were not of this place's face, and those of them that were of another face, or here. */
  readonly out: number;
  readonly others: number;
}

/** Immutable; starts as `noFixedFaces`, or as what `remembered` brings back. At most `most` places. */
export interface StaticFaces {
  /** Size of the frames that the places are in, pixels; null before the first. */
  readonly size: readonly [width: number, height: number] | null;
  readonly atMs: number | null;
  readonly places: readonly StaticPosition[];
  /** By track id. */
  readonly stands: ReadonlyMap<number, Stand>;
  readonly nextId: number;
}

export const noStaticFaces: StaticFaces = { size: null, atMs: null, places: [], stands: new Map(), nextId: 1 };

/** A face that is taken for a picture, as it is told and kept: where it is, never what it looks like. */
export interface StaticFace {
  /** Never used twice within a run. */
  readonly id: number;
  readonly box: Box;
  /** Observed time that it has not moved. */
  readonly stillMs: number;
}

const most = 32;
/** Looks in a row that a face must be elsewhere before it has moved: one or two are trembling. */
const movedLooks = 3;
/** Who came walking stands here only after so long; a passer-by does not. */
const arrivedMs = 5000;
/** A face that was followed out of its place and is not back in it for so long was no picture. */
const leftMs = 30_000;
/** Observed time unseen after which a place is forgotten: one that is only stood in, and one of a picture (it was taken down). */
const forgetMs = 12 * 3_600_000;
const forgetFixedMs = 7 * 24 * 3_600_000;
/** Places seen within this time are not dropped for others. */
const presentMs = 10_000;
/** From here on a face that has not moved yields its name to one that has. */
const suspectMs = 300_000;

/**
 * One analysed frame further. `trackOf[i]` is the track that look `i` belongs to; `size` is the frame's (null: not
 * known, the same as before). Frames of another size start anew.
 */
export function watchStaticFaces(
  before: StaticFaces,
  frame: { readonly atMs: number; readonly size: StaticFaces['size']; readonly looks: readonly WeightedFace[] },
  trackOf: readonly number[],
  tracks: readonly Track[],
  options: StaticFaceOptions,
): StaticFaces {
  const { atMs, size, looks } = frame;
  const same = before.size === null || size === null || before.size.join() === size.join();
  const known = same ? before : { ...noStaticFaces, nextId: before.nextId };
  const observedMs = known.atMs === null ? 0 : Math.min(options.gapMs, Math.max(0, atMs - known.atMs));
  const timing = { gapMs: options.gapMs, pictureMs: options.afterMs };
  let { nextId } = known;

  const placeOf: number[] = [];
  const places = new Map<number, StaticPosition>();
  for (const place of known.places.toSorted((a, b) => b.stillMs - a.stillMs)) {
    const index = nearest(place, looks, placeOf);
    const next = index === null ? null : stay(place, looks[index]!, atMs, timing);
    if (index === null) places.set(place.id, { ...place, unseenMs: place.unseenMs + observedMs });
    else if (next !== null) places.set(place.id, next);
    if (next !== null) placeOf[index!] = place.id;
  }
  looks.forEach((look, index) => {
    if (placeOf[index] !== undefined) return;
    placeOf[index] = nextId;
    places.set(nextId, beginPosition(nextId, look, atMs));
    nextId++;
  });

  const lookOf = new Map(trackOf.map((track, index) => [track, index]));
  const stands = new Map<number, Stand>();
  for (const track of tracks) {
    const old = known.stands.get(track.id);
    const index = lookOf.get(track.id);
    if (index === undefined) {
      if (old !== undefined) stands.set(track.id, old);
      continue;
    }
    const here = placeOf[index]!;
    const place = old && places.get(old.place);
    if (old === undefined || place === undefined) {
      stands.set(track.id, { place: here, sinceMs: atMs, born: track.frames === 1, out: 0, others: 0 });
      continue;
    }
    const other = distance(place, looks[index]!.face.box) !== null || isUnlike(place, looks[index]!);
    const out = here === place.id ? 0 : old.out + 1;
    const others = here === place.id ? 0 : old.others + (other ? 1 : 0);
    if (out < movedLooks) {
      stands.set(track.id, { ...old, out, others });
      continue;
    }
    stands.set(track.id, { place: here, sinceMs: atMs, born: false, out: 0, others: 0 });
    // The same face was followed out of the place, and none is in it.
    if (others === 0 && place.seenMs !== atMs) leave(place);
  }
  const kept = [...places.values()].filter((place) => !isOver(place, options)).sort(byWorth(options));
  return { size: size ?? known.size, atMs, places: kept.slice(0, most), stands, nextId };

  /** What it looks like is learned again: it may be somebody who only stood before the picture. */
  function leave(place: StaticPosition): void {
    if (place.stillMs < options.afterMs) places.delete(place.id);
    else places.set(place.id, { ...place, left: true, direction: null, weight: 0 });
  }
}

/** Whether the looks of this track count for nothing, because it shows a face that does not move. */
export function isStatic(fixed: StaticFaces, track: number, options: StaticFaceOptions): boolean {
  return stillMsOf(fixed, track) >= options.afterMs;
}

/** Whether the face of this track has not moved for some minutes: of two faces with one name, the other one is alive. */
export function mayBeStatic(fixed: StaticFaces, track: number): boolean {
  return stillMsOf(fixed, track) >= suspectMs;
}

/** Why such a face has no name. */
export function staticReason(fixed: StaticFaces, track: number): Reason {
  return { kind: 'static-face', stillMs: stillMsOf(fixed, track) };
}

/** The faces that are taken for pictures, the longest first. */
export function staticFaces(fixed: StaticFaces, options: StaticFaceOptions): readonly StaticFace[] {
  const still = fixed.places.filter((place) => place.stillMs >= options.afterMs);
  const sorted = still.sort((a, b) => b.stillMs - a.stillMs);
  return sorted.map((place) => ({ id: place.id, box: positionBox(place), stillMs: place.stillMs }));
}

/** What was known before a restart; the first look at each place says what the face looks like. */
export function remembered(size: readonly [number, number], faces: readonly Omit<StaticFace, 'id'>[]): StaticFaces {
  const places = faces.slice(0, most).map((face, index) => rememberedPosition(index + 1, face.box, face.stillMs));
  return { ...noStaticFaces, size, places, nextId: places.length + 1 };
}

/** The same places without anybody's look: somebody was forgotten. */
export function withoutEmbeddings(fixed: StaticFaces): StaticFaces {
  return { ...fixed, places: fixed.places.map((place) => ({ ...place, direction: null, weight: 0 })) };
}

/** How long the face of this track has not moved; 0 for one that came walking and may walk on. */
function stillMsOf({ stands, places, atMs }: StaticFaces, track: number): number {
  const stand = stands.get(track);
  if (stand === undefined || (!stand.born && (atMs ?? 0) - stand.sinceMs < arrivedMs)) return 0;
  return places.find((place) => place.id === stand.place)?.stillMs ?? 0;
}

/** The look that is nearest to the place and may be its face; null where none is. */
function nearest(place: StaticPosition, looks: readonly WeightedFace[], placeOf: readonly number[]): number | null {
  const free = looks.flatMap((look, index) => {
    const widths = placeOf[index] === undefined && !isUnlike(place, look) ? distance(place, look.face.box) : null;
    return widths === null ? [] : [{ index, widths }];
  });
  return free.sort((a, b) => a.widths - b.widths)[0]?.index ?? null;
}

function isOver(place: StaticPosition, { afterMs }: StaticFaceOptions): boolean {
  if (place.left && place.unseenMs >= leftMs) return true;
  return place.unseenMs >= (place.stillMs >= afterMs ? forgetFixedMs : forgetMs);
}

/** Pictures first, then what was seen just now, then what has stayed longest. */
function byWorth({ afterMs }: StaticFaceOptions): (a: StaticPosition, b: StaticPosition) => number {
  const worth = (place: StaticPosition) =>
    (place.stillMs >= afterMs ? 2 : 0) + (place.unseenMs <= presentMs && place.seenMs !== null ? 1 : 0);
  return (a, b) => worth(b) - worth(a) || b.stillMs - a.stillMs;
}

// One place in the picture and the face that stays there. A picture on a wall trembles only with the detector's box; a head moves.
// Positions are smoothed over some looks, and it is their whole range since the first look that counts: it only ever grows.

/** Smallest and largest smoothed value, pixels. */
type Range = readonly [least: number, most: number];

/** Immutable. */
export interface StaticPosition {
  readonly id: number;
  /** Smoothed centre and width of the face's box, pixels of the frame. */
  readonly x: number;
  readonly y: number;
  readonly widthPx: number;
  /** Where these have been since the first looks; null before they are steady. */
  readonly range: readonly [x: Range, y: Range, width: Range] | null;
  /** Looks taken in, counted up to `steadyLooks`. */
  readonly observations: number;
  /** What the face looks like, unit length; null while that is not known. */
  readonly direction: Float32Array | null;
  readonly weight: number;
  /** Observed time that the face has been here. */
  readonly stillMs: number;
  /** The last frame that showed it; null after a restart. */
  readonly seenMs: number | null;
  /** Observed time since then. */
  readonly unseenMs: number;
  /** Its face was followed out of here: it is forgotten unless it is seen here again soon. */
  readonly left: boolean;
}

/**
 * How far a single look may be from the place, in widths of the face, and how much larger or smaller. Measured on portraits in a
 * drawn room (six faces, 14 to 70 px between the eyes, five lights, noise): 5 % and 10 % at most in a lit room, 17 % and 28 % by night.
 */
const nearWidths = 0.25;
const largerTimes = 1.4;
/**
 * How far the smoothed place may ever range, in widths. Measured there: from one light to another it moves by 2.5 % in a lit room
 * (size 5.6 %) and by 6 % by night (size 13 %), and trembles by 0.7 % (1.5 %) and 2 % (4 %) around it. A tenth of a face is 1.5 cm.
 */
const mostRange = 0.15;
const mostSizeRange = 0.3;
/** What was found to be a picture may seem to range further: by night a face of 14 px between the eyes does, by 20 % (size 45 %). */
const pictureRange = 1.5;
/** Looks over which a position is smoothed; its trembling is 0.38 of a single look's. */
const steadyLooks = 4;
/** A good look less like the face than this is somebody else's (cosine). */
const unlikeBelow = 0.3;
/** Only looks of this weight may say so: by night a picture is unlike itself (0.5 to 0.9, mean of 14 looks). */
const speaksFrom = 0.5;
/** Looks that the remembered look is worth at most, so that it follows the light. */
const mostWeight = 100;

/** The place of a face that was seen here for the first time. */
export function beginPosition(id: number, look: WeightedFace, atMs: number): StaticPosition {
  const [x, y, widthPx] = centred(look.face.box);
  const place = { id, x, y, widthPx, range: null, looks: 1, stillMs: 0, seenMs: atMs, unseenMs: 0, left: false };
  return withLook({ ...place, direction: null, weight: 0 }, look);
}

/** A place that is known from before a restart: where, not whose face. */
export function rememberedPosition(id: number, [x, y, widthPx]: Box, stillMs: number): StaticPosition {
  const place = {
    id,
    x: x + widthPx / 2,
    y: y + widthPx / 2,
    widthPx,
    stillMs,
    seenMs: null,
    unseenMs: 0,
    left: false,
  };
  return { ...place, range: null, observations: 0, direction: null, weight: 0 };
}

/** The square box of a place, pixels. */
export function positionBox({ x, y, widthPx }: StaticPosition): Box {
  return [x - widthPx / 2, y - widthPx / 2, widthPx, widthPx];
}

/** How far a face's box is from the place, in widths; null where it is another place. */
export function distance(place: StaticPosition, box: Box): number | null {
  const [x, y, widthPx] = centred(box);
  const ratio = widthPx / place.widthPx;
  const widths = Math.hypot(x - place.x, y - place.y) / place.widthPx;
  return widths <= nearWidths && ratio <= largerTimes && ratio >= 1 / largerTimes ? widths : null;
}

/** Whether this is clearly not the face that stays here. */
export function isUnlike({ direction }: StaticPosition, { face, weight }: WeightedFace): boolean {
  if (direction === null || face.embedding === null || weight < speaksFrom) return false;
  return similarity(direction, face.embedding) < unlikeBelow;
}

/**
 * One more look at the face that stays here; null where it has moved as no picture does. A time without looks counts up to
 * `gapMs`. From `pictureMs` on it is known to be a picture.
 */
export function stay(
  place: StaticPosition,
  look: WeightedFace,
  atMs: number,
  { gapMs, pictureMs }: { readonly gapMs: number; readonly pictureMs: number },
): StaticPosition | null {
  const [x, y, widthPx] = centred(look.face.box);
  const looks = Math.min(steadyLooks, place.observations + 1);
  const smooth = (before: number, now: number) => before + (now - before) / looks;
  const next = { x: smooth(place.x, x), y: smooth(place.y, y), widthPx: smooth(place.widthPx, widthPx) };
  const range = looks < steadyLooks ? null : wider(place.range, [next.x, next.y, next.widthPx]);
  const limit = place.stillMs >= pictureMs ? pictureRange : 1;
  if (range !== null && !isNarrow(range, next.widthPx * limit)) return null;
  const passed = place.seenMs === null ? 0 : Math.max(0, atMs - place.seenMs);
  const stillMs = place.stillMs + (passed <= gapMs ? passed : 0);
  return withLook({ ...place, ...next, range, observations: looks, stillMs, seenMs: atMs, unseenMs: 0, left: false }, look);
}

function withLook(place: StaticPosition, { face, weight }: WeightedFace): StaticPosition {
  if (face.embedding === null || !(weight > 0)) return place;
  const old = place.direction;
  const sum = face.embedding.map((value, i) => value * weight + (old?.[i] ?? 0) * place.weight);
  const length = Math.hypot(...sum);
  if (!(length > 1e-6)) return place;
  return {
    ...place,
    direction: sum.map((value) => value / length),
    weight: Math.min(mostWeight, place.weight + weight),
  };
}

function wider(range: StaticPosition['range'], values: readonly [number, number, number]): StaticPosition['range'] {
  const one = (index: 0 | 1 | 2): Range => {
    const value = values[index];
    const [least, most] = range?.[index] ?? [value, value];
    return [Math.min(least, value), Math.max(most, value)];
  };
  return [one(0), one(1), one(2)];
}

function isNarrow([x, y, width]: NonNullable<StaticPosition['range']>, widthPx: number): boolean {
  const span = ([least, most]: Range) => (most - least) / widthPx;
  return span(x) <= mostRange && span(y) <= mostRange && span(width) <= mostSizeRange;
}

function centred([x, y, width, height]: Box): readonly [x: number, y: number, widthPx: number] {
  return [x + width / 2, y + height / 2, width];
}
