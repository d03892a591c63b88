// One place in the picture and the face that stays there. A picture on a wall trembles only with the detector's box; a head moves.
// Positions are smoothed over some looks, and it is their whole range since the first look that counts: it only ever grows.
import type { Box } from './face.js';
import { similarity } from './similarity.js';
import type { Look } from './tracker.js';

/** Smallest and largest smoothed value, pixels. */
type Range = readonly [least: number, most: number];

/** Immutable. */
export interface StillPlace {
  readonly id: number;
  /** Smoothed centre and width of the face's box, pixels of the frame. */
  readonly x: number;
  readonly y: number;
  readonly widthPx: number;
  /** Where these have been since the first looks; null before they are steady. */
  readonly range: readonly [x: Range, y: Range, width: Range] | null;
  /** Looks taken in, counted up to `steadyLooks`. */
  readonly looks: number;
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
export function beginPlace(id: number, look: Look, atMs: number): StillPlace {
  const [x, y, widthPx] = centred(look.face.box);
  const place = { id, x, y, widthPx, range: null, looks: 1, stillMs: 0, seenMs: atMs, unseenMs: 0, left: false };
  return withLook({ ...place, direction: null, weight: 0 }, look);
}

/** A place that is known from before a restart: where, not whose face. */
export function rememberedPlace(id: number, [x, y, widthPx]: Box, stillMs: number): StillPlace {
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
  return { ...place, range: null, looks: 0, direction: null, weight: 0 };
}

/** The square box of a place, pixels. */
export function placeBox({ x, y, widthPx }: StillPlace): Box {
  return [x - widthPx / 2, y - widthPx / 2, widthPx, widthPx];
}

/** How far a face's box is from the place, in widths; null where it is another place. */
export function distance(place: StillPlace, box: Box): number | null {
  const [x, y, widthPx] = centred(box);
  const ratio = widthPx / place.widthPx;
  const widths = Math.hypot(x - place.x, y - place.y) / place.widthPx;
  return widths <= nearWidths && ratio <= largerTimes && ratio >= 1 / largerTimes ? widths : null;
}

/** Whether this is clearly not the face that stays here. */
export function isUnlike({ direction }: StillPlace, { face, weight }: Look): boolean {
  if (direction === null || face.embedding === null || weight < speaksFrom) return false;
  return similarity(direction, face.embedding) < unlikeBelow;
}

/**
 * One more look at the face that stays here; null where it has moved as no picture does. A time without looks counts up to
 * `gapMs`. From `pictureMs` on it is known to be a picture.
 */
export function stay(
  place: StillPlace,
  look: Look,
  atMs: number,
  { gapMs, pictureMs }: { readonly gapMs: number; readonly pictureMs: number },
): StillPlace | null {
  const [x, y, widthPx] = centred(look.face.box);
  const looks = Math.min(steadyLooks, place.looks + 1);
  const smooth = (before: number, now: number) => before + (now - before) / looks;
  const next = { x: smooth(place.x, x), y: smooth(place.y, y), widthPx: smooth(place.widthPx, widthPx) };
  const range = looks < steadyLooks ? null : wider(place.range, [next.x, next.y, next.widthPx]);
  const limit = place.stillMs >= pictureMs ? pictureRange : 1;
  if (range !== null && !isNarrow(range, next.widthPx * limit)) return null;
  const passed = place.seenMs === null ? 0 : Math.max(0, atMs - place.seenMs);
  const stillMs = place.stillMs + (passed <= gapMs ? passed : 0);
  return withLook({ ...place, ...next, range, looks, stillMs, seenMs: atMs, unseenMs: 0, left: false }, look);
}

function withLook(place: StillPlace, { face, weight }: Look): StillPlace {
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

function wider(range: StillPlace['range'], values: readonly [number, number, number]): StillPlace['range'] {
  const one = (index: 0 | 1 | 2): Range => {
    const value = values[index];
    const [least, most] = range?.[index] ?? [value, value];
    return [Math.min(least, value), Math.max(most, value)];
  };
  return [one(0), one(1), one(2)];
}

function isNarrow([x, y, width]: NonNullable<StillPlace['range']>, widthPx: number): boolean {
  const span = ([least, most]: Range) => (most - least) / widthPx;
  return span(x) <= mostRange && span(y) <= mostRange && span(width) <= mostSizeRange;
}

function centred([x, y, width, height]: Box): readonly [x: number, y: number, widthPx: number] {
  return [x + width / 2, y + height / 2, width];
}
