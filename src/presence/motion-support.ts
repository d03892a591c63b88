// Body regions and motion support: where a person's body should be once the face is turned away, and whether something
// moves there. Motion does not identify anybody. It only delays the leaving of a person who is present, and less so the
// longer ago the face was seen. It never makes anybody arrive. Pure; no pixels.

import type { PersonId } from '../gallery/person.js';
import { type Box, middlesApart, type Observation } from '../vision/face.js';

export interface MotionSupportOptions {
  /** Time without a face after which motion counts half. 0 switches motion support off. */
  readonly halfLifeMs: number;
  /**
   * One motion supports presence for this long where somebody leaves after a minute, and for less where they leave sooner (by the
   * square: half a second of 20 s), so that a short leaving time is kept to. Somebody who reads moves every few seconds.
   */
  readonly motionLastsMs: number;
  /** Longest time between two frames over which the path of a face is assumed to be straight. Default `shippedPathMs`. */
  readonly pathMs?: number;
}

export interface BodyRegion {
  /** The last face, pixels of the frame. */
  readonly face: Box;
  readonly faceMs: number;
  /** When something last moved in the region; null where nothing did. */
  readonly movedMs: number | null;
}

export type BodyRegions = ReadonlyMap<PersonId, BodyRegion>;

export const noBodyRegions: BodyRegions = new Map();

/** A tracked face with the decision on its track. */
export interface Occupant {
  readonly box: Box;
  /** Pixels per millisecond. */
  readonly velocity: readonly [x: number, y: number];
  readonly lastMs: number;
  /** null: not named. */
  readonly person: PersonId | null;
  /** The nearest person; null before the first usable observation. */
  readonly best: PersonId | null;
  /** null: not decided to be a stranger. */
  readonly unknownPerson: string | null;
}

/** From this share of the picture on, the light or the camera moved: a person fills a third of it at most. */
const wholePictureShare = 0.5;
/** Moved area that counts, in areas of the face: about a hand. */
const minMovedFaces = 0.25;
/** Shipped value of `pathMs`. */
export const shippedPathMs = 1000;

/**
 * The body regions after one analysed frame, of the people on a live track (`occupants`) or in `present`. `elapsedMs`: time since
 * the previous frame; null after a blind camera or a gap. Motion in a gap proves nothing, so nobody has a region then until their
 * next face.
 *
 * Each motion supports one person: motion explained by the tracked face of another person does not count, and where two regions
 * overlap it counts for the person whose face was seen last.
 */
export function bodyRegions(
  before: BodyRegions,
  observation: Observation,
  elapsedMs: number | null,
  occupants: readonly Occupant[],
  present: ReadonlySet<PersonId>,
  pathMs = shippedPathMs,
): BodyRegions {
  const regions = new Map<PersonId, BodyRegion>();
  if (elapsedMs !== null) for (const [person, region] of before) if (present.has(person)) regions.set(person, region);
  const tracked = new Set<PersonId>();
  for (const { person, box, lastMs } of occupants) {
    if (person === null) continue;
    tracked.add(person);
    regions.set(person, { face: box, faceMs: lastMs, movedMs: regions.get(person)?.movedMs ?? null });
  }
  const moved = elapsedMs === null || isWholePicture(observation) ? [] : (observation.moved ?? []);
  if (moved.length === 0 || regions.size === 0) return regions;
  const newerRegions: Box[] = [];
  for (const [person, region] of [...regions].sort(([, a], [, b]) => b.faceMs - a.faceMs)) {
    const others = occupants.filter((other) => other.person !== person && !mayBe(person, region.face, other));
    const explained = [...newerRegions, ...others.map((other) => bodyBox(other, Math.min(pathMs, elapsedMs ?? 0)))];
    const box = regionBox(region.face);
    const [, , width, height] = region.face;
    if (movedArea(moved, box, explained) >= minMovedFaces * width * height) {
      regions.set(person, { ...region, movedMs: observation.capturedAt });
    }
    if (!tracked.has(person)) newerRegions.push(box);
  }
  return regions;
}

/**
 * Motion support of each person at `atMs`, above 0 to 1; people without motion in their region are missing. Absence then grows
 * by `1 - support` of the elapsed time, so without a face nobody stays longer than `limit + 1.44 * halfLifeMs`.
 */
export function motionSupport(
  regions: BodyRegions,
  atMs: number,
  options: MotionSupportOptions,
  leaveAfterMs: number,
): ReadonlyMap<PersonId, number> {
  const lastsMs = options.motionLastsMs * Math.min(1, leaveAfterMs / 60_000) ** 2;
  const support = new Map<PersonId, number>();
  if (!(options.halfLifeMs > 0)) return support;
  for (const [person, { faceMs, movedMs }] of regions) {
    // Motion while the face was visible was the motion of the face.
    if (movedMs === null || movedMs <= faceMs || atMs - movedMs > lastsMs) continue;
    support.set(person, 0.5 ** (Math.max(0, atMs - faceMs) / options.halfLifeMs));
  }
  return support;
}

/** Three faces wide, from the top of the face to five faces below it: head, trunk and arms of somebody who sits or stands. */
function regionBox([x, y, width, height]: Box): Box {
  return [x - width, y, 3 * width, 6 * height];
}

/**
 * The region in which a tracked face explains motion: larger than its body region, down to the feet, with the path since
 * the last frame, which lasted `pathMs`.
 */
function bodyBox({ box, velocity }: Occupant, pathMs: number): Box {
  const [x, y, width, height] = box;
  const [dx, dy] = [velocity[0] * pathMs, velocity[1] * pathMs];
  const left = x - 1.5 * width + Math.min(0, -dx);
  const top = y - height / 2 + Math.min(0, -dy);
  return [left, top, 4 * width + Math.abs(dx), 9 * height + Math.abs(dy)];
}

/** Whether an unnamed face may be `candidate` in profile: it is where their last face was, and not nearest to somebody else. */
function mayBe(candidate: PersonId, face: Box, { box, person, best, unknownPerson }: Occupant): boolean {
  if (person !== null || unknownPerson !== null || (best ?? candidate) !== candidate) return false;
  const ratio = box[2] / face[2];
  return ratio > 0.5 && ratio < 2 && middlesApart(box, face) <= 1.5 * face[2];
}

/** Whether everything moved, as in the first frame, when the light is switched, or when the camera is pushed. */
function isWholePicture({ moved, width, height }: Observation): boolean {
  const area = (moved ?? []).reduce((sum, [, , w, h]) => sum + w * h, 0);
  return area >= wholePictureShare * width * height;
}

/**
 * Area of `moved` in `region` and in none of the `explained` boxes, square pixels. Moved boxes are low, so one is explained by a
 * box that covers its vertical middle.
 */
function movedArea(moved: readonly Box[], region: Box, explained: readonly Box[]): number {
  let area = 0;
  for (const [x, y, width, height] of moved) {
    const left = Math.max(x, region[0]);
    const right = Math.min(x + width, region[0] + region[2]);
    const top = Math.max(y, region[1]);
    const bottom = Math.min(y + height, region[1] + region[3]);
    if (left >= right || top >= bottom) continue;
    const middle = (top + bottom) / 2;
    const covering = explained.filter((box) => box[1] <= middle && middle < box[1] + box[3]);
    area += (bottom - top) * uncovered(left, right, covering);
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
