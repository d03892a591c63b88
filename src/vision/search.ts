// Where to look, and what to believe: the order of looks that finds the faces of a frame.
//
// Invariant: pure; the detector is the function `look`. What was only seen small is looked at again from close by: that
// throws out what is no face and places the landmarks, which alignment needs to the pixel.
//
// Measured on portraits pasted into 1280x960 room photos (test/bars/recall.ts): first looks of 0.5 or more alone leave 0.4
// false faces an empty room; asking two close-ups for a mean of 0.5 leaves none and loses no face of 14 px between the eyes.
import { average, type Candidate, containment, DETECTOR_PX, groups, OVERLAP_LIMIT, overlap } from './blazeface.js';
import type { Box } from './face.js';
import { type Size, type View, viewAround, wholeView } from './picture.js';

/** Candidates that one look at a view finds, of `leastScore` or more, suppressed within the look. */
export type DetectorPass = (view: View, leastScore: number) => readonly Candidate[];

export interface SearchOptions {
  /** Side of the smallest tiles of a still and of video, px. */
  readonly stillTilePx: number;
  readonly videoTilePx: number;
  /** A first look's score that is worth a second look. */
  readonly candidateScore: number;
  /** The score a face must reach, mean over its close-ups. */
  readonly leastScore: number;
  /** Second looks of a still and of video: how many boxes wide each close-up is. */
  readonly stillCloseUps: readonly number[];
  readonly videoCloseUps: readonly number[];
  /** `auto`: tiles searched in turn each frame. */
  readonly tilesPerFrame: number;
}

export const defaultSearch: SearchOptions = {
  stillTilePx: 320,
  videoTilePx: 480,
  candidateScore: 0.25,
  leastScore: 0.5,
  stillCloseUps: [2, 4],
  videoCloseUps: [3],
  tilesPerFrame: 2,
};

/** In video a face this wide in the detector's input was seen well enough: no second look. Eyes are then 16 px apart there. */
const WELL_SEEN_PX = 40;

/**
 * Views for a still in which nothing was found: once more the whole, a border for faces that fill the picture, its middle
 * enlarged; with a lower score, since somebody took this picture to show something.
 */
const STUBBORN = [1, 1.5, 0.7, 0.5];
const STUBBORN_SCORE = 0.75;

export interface Found {
  /** Best score first. */
  readonly faces: readonly Candidate[];
  /** Looks taken beyond the whole frame. */
  readonly looks: number;
}

export interface SearchRequest {
  readonly search: 'all' | 'auto' | 'whole';
  /** Where faces are expected: boxes of faces. */
  readonly around: readonly Box[];
  /** Where something moved: any boxes. */
  readonly moved: readonly Box[];
  /** Counts frames of `auto`, so that each tile has its turn. */
  readonly turn: number;
}

/** A candidate and how wide its box was in the detector's input, px. */
interface Seen extends Candidate {
  readonly inputPx: number;
}

/** The faces of a frame. */
export function searchFaces(frame: Size, look: DetectorPass, request: SearchRequest, options: SearchOptions): Found {
  let looks = 0;
  const still = request.search === 'all';
  const lookAt = (view: View, leastScore: number): Seen[] => {
    looks++;
    return look(view, leastScore).map((face) => ({ ...face, inputPx: (face.box[2] * DETECTOR_PX) / view.side }));
  };
  const judge = (views: readonly View[], by: SearchOptions): Candidate[] => {
    const found = groups(views.flatMap((view) => lookAt(view, by.candidateScore)))
      .map(sharpest)
      .map((seen) => (wellSeen(seen, still, by) ? seen : secondLook(seen, lookAt, still, by)))
      .filter((face) => face !== null);
    return withoutParts(groups(found).map((group) => group[0]!));
  };
  let faces = judge([wholeView(frame), ...closerViews(frame, request, options)], options);
  if (still && faces.length === 0) {
    const lower = { ...options, leastScore: options.leastScore * STUBBORN_SCORE };
    const views = STUBBORN.map((grow) => wholeView(frame, grow));
    faces = judge(views, lower);
  }
  return { faces, looks: looks - 1 };
}

function closerViews(frame: Size, request: SearchRequest, options: SearchOptions): View[] {
  if (request.search === 'whole') return [];
  if (request.search === 'all') return tileSides(frame, options.stillTilePx).flatMap((side) => tileGrid(frame, side));
  const inputPerPx = DETECTOR_PX / wholeView(frame).side;
  const expected = request.around.filter((box) => box[2] * inputPerPx < WELL_SEEN_PX);
  const grid = tileGrid(frame, options.videoTilePx);
  return [
    ...expected.map((box) => closeUp(box, options.videoCloseUps[0]!)),
    ...tilesInTurn(grid, request.moved, request.turn, options.tilesPerFrame),
  ];
}

/** One candidate of a group: the mean of those that saw the face about as large as the one that saw it largest. */
function sharpest(group: readonly Seen[]): Seen {
  const largest = Math.max(...group.map((seen) => seen.inputPx));
  const good = group.filter((seen) => seen.inputPx > largest / 2);
  return { ...average(good, good[0]!.score), inputPx: largest };
}

function wellSeen(seen: Seen, still: boolean, options: SearchOptions): boolean {
  return !still && seen.inputPx >= WELL_SEEN_PX && seen.score >= options.leastScore;
}

/** Looks at a candidate again from each distance; the mean of what was seen, null when the looks do not agree on a face. */
function secondLook(candidate: Candidate, look: DetectorPass, still: boolean, options: SearchOptions): Candidate | null {
  const closeUps = still ? options.stillCloseUps : options.videoCloseUps;
  const seen: Candidate[] = [];
  for (const boxesWide of closeUps) {
    const same = look(closeUp(candidate.box, boxesWide), options.candidateScore / 2)
      .filter((face) => overlap(face.box, candidate.box) > OVERLAP_LIMIT)
      .sort((a, b) => b.score - a.score);
    if (same[0] !== undefined) seen.push(same[0]);
  }
  if (seen.length === 0) return null;
  const score = seen.reduce((sum, face) => sum + face.score, 0) / closeUps.length;
  return score >= options.leastScore ? average(seen, score) : null;
}

/** Drops boxes that lie inside a better one of like size: a face cut by a tile's border. */
function withoutParts(faces: readonly Candidate[]): Candidate[] {
  return faces.filter((face, i) => !faces.slice(0, i).some((better) => isPart(face.box, better.box)));
}

function isPart(box: Box, whole: Box): boolean {
  return containment(box, whole) > 0.7 && box[2] * box[3] > 0.25 * whole[2] * whole[3];
}

// Which squares of a frame to look at closely. A far face is only a few pixels in the whole frame shrunk to the
// detector's input; a tile shows it larger.

/** Share of a tile that its neighbour shows too, so that no face of interest is cut in both. */
const OVERLAP = 0.25;

/** Tiles of about `tilePx` covering the frame row by row, evenly spread; none when the frame is not larger than a tile. */
export function tileGrid(frame: Size, tilePx: number): View[] {
  if (Math.max(frame.width, frame.height) <= tilePx) return [];
  const xs = starts(frame.width, tilePx);
  const ys = starts(frame.height, tilePx);
  return ys.flatMap((y) => xs.map((x) => ({ x, y, side: tilePx })));
}

function starts(length: number, tilePx: number): number[] {
  if (length <= tilePx) return [(length - tilePx) / 2];
  const count = Math.ceil((length - tilePx) / (tilePx * (1 - OVERLAP))) + 1;
  return Array.from({ length: count }, (_, i) => ((length - tilePx) * i) / (count - 1));
}

/**
 * Sides of the tiles that a still is searched with, largest first: `finestPx`, doubled up to the frame's size.
 * Very large photos get coarser tiles (an eighth of the long side at least), since a face of a few of its millions of
 * pixels is nobody's portrait and hundreds of tiles take minutes on a Pi.
 */
export function tileSides(frame: Size, finestPx: number): number[] {
  const long = Math.max(frame.width, frame.height);
  const sides: number[] = [];
  for (let side = Math.max(finestPx, long / 8); side < long * 0.9; side *= 2) sides.unshift(side);
  return sides;
}

/**
 * The `count` tiles of `grid` to search in video frame number `turn`: those where something moved take turns first, the
 * others fill up in turn, so that every tile is seen sooner or later and a moving one soon.
 */
export function tilesInTurn(grid: readonly View[], moved: readonly Box[], turn: number, count: number): View[] {
  const active = grid.filter((tile) => moved.some((box) => touches(tile, box)));
  const quiet = grid.filter((tile) => !active.includes(tile));
  const first = rotated(active, turn * count).slice(0, count);
  const left = count - first.length;
  return [...first, ...rotated(quiet, turn * left).slice(0, left)];
}

function rotated<T>(items: readonly T[], by: number): T[] {
  return items.map((_, i) => items[(by + i) % items.length]!);
}

function touches({ x, y, side }: View, [left, top, width, height]: Box): boolean {
  return left < x + side && left + width > x && top < y + side && top + height > y;
}

/** The view that shows a face of this box at the size the detector places landmarks best. */
export function closeUp(box: Box, boxesWide: number): View {
  return viewAround(box[0] + box[2] / 2, box[1] + box[3] / 2, Math.max(box[2], box[3]) * boxesWide);
}
