// Where somebody's body should be once their face is turned away, and whether something moves there. Motion has no name: it only
// slows down the leaving of somebody who is present, the less the longer ago the face was, and makes nobody arrive. Pure; no pixels.

import type { PersonId } from '../gallery/person.js';
import type { Box, Observation } from '../vision/face.js';

export interface MotionSupportOptions {
  /** After so long without a face, motion counts half. 0: motion counts nothing. */
  readonly halfLifeMs: number;
  /** Somebody who reads moves every few seconds: one motion speaks for so long, and for a twelfth of `leaveAfterMs` at most. */
  readonly motionLastsMs: number;
}

export interface BodyRegion {
  /** The last face, pixels of the frame. */
  readonly face: Box;
  readonly faceMs: number;
  /** When something last moved in the place; null where nothing did. */
  readonly movedMs: number | null;
}

export type BodyRegions = ReadonlyMap<PersonId, BodyRegion>;

export const noBodyRegions: BodyRegions = new Map();

/** A face that is followed: whose it is, where, and how fast it goes. */
export interface Occupant {
  readonly box: Box;
  /** Pixels per millisecond. */
  readonly velocity: readonly [x: number, y: number];
  readonly lastMs: number;
  /** null: not named. */
  readonly person: PersonId | null;
  /** Whom it is nearest to; null before the first look that counted. */
  readonly best: PersonId | null;
  /** null: not called a stranger. */
  readonly stranger: string | null;
}

/** Above this share of the picture it was the light or the camera that moved: a person fills a third of it at most. */
const wholePicture = 0.5;
/** Moved area that counts, in areas of the face: a hand. */
const leastMoved = 0.25;
/** Longest way between two frames that is taken for one movement. */
const wayBackMs = 1000;

/**
 * The places after one analysed frame, of who is on a live track (`occupants`) or in `present`. `elapsedMs`: since the frame
 * before; null after a blind camera, and what moved in a gap proves nothing: then nobody has a place until their next face.
 *
 * Motion is given away once: what a followed face of somebody else explains is theirs, and where two places meet it is that
 * of the person whose face was there last.
 */
export function bodyRegions(
  before: BodyRegions,
  seen: Observation,
  elapsedMs: number | null,
  occupants: readonly Occupant[],
  present: ReadonlySet<PersonId>,
): BodyRegions {
  const places = new Map<PersonId, BodyRegion>();
  if (elapsedMs !== null) for (const [person, one] of before) if (present.has(person)) places.set(person, one);
  const followed = new Set<PersonId>();
  for (const { person, box, lastMs } of occupants) {
    if (person === null) continue;
    followed.add(person);
    places.set(person, { face: box, faceMs: lastMs, movedMs: places.get(person)?.movedMs ?? null });
  }
  const moved = elapsedMs === null || isWholePicture(seen) ? [] : (seen.moved ?? []);
  if (moved.length === 0 || places.size === 0) return places;
  const later: Box[] = [];
  for (const [person, one] of [...places].sort(([, a], [, b]) => b.faceMs - a.faceMs)) {
    const others = occupants.filter((other) => other.person !== person && !mayBe(person, one.face, other));
    const theirs = [...later, ...others.map((other) => body(other, elapsedMs ?? 0))];
    const place = placeOf(one.face);
    const [, , width, height] = one.face;
    if (movedArea(moved, place, theirs) >= leastMoved * width * height) {
      places.set(person, { ...one, movedMs: seen.capturedAt });
    }
    if (!followed.has(person)) later.push(place);
  }
  return places;
}

/**
 * How far motion speaks for each person at `atMs`, above 0 to 1; who is not in it, for whom nothing moves. Their absence passes
 * by the rest of the time, `1 - trust`: without a face nobody stays longer than `limit + 1.44 * halfLifeMs`.
 */
export function motionSupport(
  places: BodyRegions,
  atMs: number,
  options: MotionSupportOptions,
  leaveAfterMs: number,
): ReadonlyMap<PersonId, number> {
  const lastsMs = Math.min(options.motionLastsMs, leaveAfterMs / 12);
  const trusted = new Map<PersonId, number>();
  if (!(options.halfLifeMs > 0)) return trusted;
  for (const [person, { faceMs, movedMs }] of places) {
    // What moved while the face was there was the face.
    if (movedMs === null || movedMs <= faceMs || atMs - movedMs > lastsMs) continue;
    trusted.set(person, 0.5 ** (Math.max(0, atMs - faceMs) / options.halfLifeMs));
  }
  return trusted;
}

/** Three faces wide, from the top of the face to five faces below it: head, trunk and arms of somebody who sits or stands. */
function placeOf([x, y, width, height]: Box): Box {
  return [x - width, y, 3 * width, 6 * height];
}

/** What of the motion a followed face explains: more than its place, to the feet and with the way since the last frame. */
function body({ box, velocity }: Occupant, elapsedMs: number): Box {
  const [x, y, width, height] = box;
  const back = Math.min(wayBackMs, elapsedMs);
  const [dx, dy] = [velocity[0] * back, velocity[1] * back];
  const left = x - 1.5 * width + Math.min(0, -dx);
  const top = y - height / 2 + Math.min(0, -dy);
  return [left, top, 4 * width + Math.abs(dx), 9 * height + Math.abs(dy)];
}

/** A face without a name where the last one was, and like nobody else: most likely the person, in profile. */
function mayBe(who: PersonId, face: Box, { box, person, best, stranger }: Occupant): boolean {
  if (person !== null || stranger !== null || (best ?? who) !== who) return false;
  const ratio = box[2] / face[2];
  const apart = Math.hypot(box[0] + box[2] / 2 - face[0] - face[2] / 2, box[1] + box[3] / 2 - face[1] - face[3] / 2);
  return ratio > 0.5 && ratio < 2 && apart <= 1.5 * face[2];
}

/** Everything moved, as in the first frame, when the light is switched, or the camera is pushed. */
function isWholePicture({ moved, width, height }: Observation): boolean {
  const area = (moved ?? []).reduce((sum, [, , w, h]) => sum + w * h, 0);
  return area >= wholePicture * width * height;
}

/** Area of `moved` in `place` and in none of `theirs`, square pixels. A moved box is low: a body has it where it has its middle. */
function movedArea(moved: readonly Box[], place: Box, theirs: readonly Box[]): number {
  let area = 0;
  for (const [x, y, width, height] of moved) {
    const left = Math.max(x, place[0]);
    const right = Math.min(x + width, place[0] + place[2]);
    const top = Math.max(y, place[1]);
    const bottom = Math.min(y + height, place[1] + place[3]);
    if (left >= right || top >= bottom) continue;
    const middle = (top + bottom) / 2;
    const beside = theirs.filter((box) => box[1] <= middle && middle < box[1] + box[3]);
    area += (bottom - top) * uncovered(left, right, beside);
  }
  return area;
}

/** Length of `left` to `right` that none of `boxes` covers. */
function uncovered(left: number, right: number, boxes: readonly Box[]): number {
  let length = 0;
  let from = left;
  for (const [x, , width] of boxes.toSorted((a, b) => a[0] - b[0])) {
    length += Math.max(0, Math.min(x, right) - from);
    from = Math.max(from, x + width);
  }
  return length + Math.max(0, right - from);
}
