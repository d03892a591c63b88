// The search for the faces of a frame: which views the detector passes cover, and which candidates are faces.
//
// Invariant: pure; the detector is the function `pass`. A candidate that was only seen small is checked by a second pass over a
// close-up. That rejects candidates that are no faces, and gives landmarks to the pixel, which alignment needs.
//
// Measured on portraits pasted into 1280x960 room photos (test/bars/recall.ts): first passes with a score of 0.5 or
// more leave 0.4 false faces per empty room. A mean of 0.5 over two close-ups leaves none and loses no face of 14 px between
// the eyes.
import { average, type Candidate, DETECTOR_PX, groups, OVERLAP_LIMIT } from './blazeface.js';
import type { SearchLimits } from './effort.js';
import { type Box, containment, overlap } from './face.js';
import { type Size, type View, viewAround, wholeView } from './picture.js';

/** One detector pass over a view: its candidates of `leastScore` or more, after non-maximum suppression. */
export type DetectorPass = (view: View, leastScore: number) => readonly Candidate[];

export interface SearchOptions {
  /** Side of the smallest tiles of a photo (`still`) and of video, px. */
  readonly stillTilePx: number;
  readonly videoTilePx: number;
  /** The score of a first pass that makes a second pass worthwhile. */
  readonly candidateScore: number;
  /** The score a face must reach, mean over its close-ups. */
  readonly leastScore: number;
  /** Second passes of a photo and of video: how many boxes wide each close-up is. */
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

/** In video a face this wide in the detector's input, px, needs no second pass. Its eyes are then 16 px apart in the input. */
const WELL_SEEN_PX = 40;

/**
 * Views for a photo in which nothing was found: the whole again, with a border for faces that fill the picture, and two
 * enlargements of its middle. The needed score is lower, because somebody took this photo to show a face.
 */
const RETRY_VIEWS = [1, 1.5, 0.7, 0.5];
const RETRY_SCORE_FACTOR = 0.75;

export interface FoundFaces {
  /** Best score first. */
  readonly faces: readonly Candidate[];
  /** Detector passes beyond the one over the whole frame. */
  readonly passes: number;
}

export interface SearchRequest {
  readonly search: 'all' | 'portrait' | 'auto' | 'whole';
  /** Where faces are expected: boxes of faces. */
  readonly around: readonly Box[];
  /** Where something moved: any boxes. */
  readonly moved: readonly Box[];
  /** Counts frames of `auto`, so that every tile is searched in turn. */
  readonly turn: number;
  /** The same for frames in which tiles are searched. Default: `turn`. */
  readonly tileTurn?: number;
  /** `auto`: what to leave out, because the board cannot keep up; absent or null: nothing. */
  readonly limits?: SearchLimits | null | undefined;
}

/** A candidate and how wide its box was in the detector's input, px. */
interface SizedCandidate extends Candidate {
  readonly inputPx: number;
}

/** The faces of a frame. */
export function searchFaces(
  frame: Size,
  pass: DetectorPass,
  request: SearchRequest,
  options: SearchOptions,
): FoundFaces {
  let passes = 0;
  const still = request.search === 'all' || request.search === 'portrait';
  const sizedPass = (view: View, leastScore: number): SizedCandidate[] => {
    passes++;
    return pass(view, leastScore).map((face) => ({ ...face, inputPx: (face.box[2] * DETECTOR_PX) / view.side }));
  };
  const firstPass = (views: readonly View[]): SizedCandidate[] =>
    views.flatMap((view) => sizedPass(view, options.candidateScore));
  const facesOf = (seen: readonly SizedCandidate[], by: SearchOptions): Candidate[] => {
    const candidates = groups(seen).map(sharpest);
    const doubtful = candidates.filter((candidate) => !wellSeen(candidate, still, by));
    // Without its second pass a candidate is no face: it may be one in another frame.
    const checked = still ? doubtful : inTurn(doubtful, request.turn, request.limits?.closeUps);
    const confirmed = candidates
      .filter((candidate) => checked.includes(candidate) || !doubtful.includes(candidate))
      .map((candidate) => (checked.includes(candidate) ? secondPass(candidate, sizedPass, still, by) : candidate))
      .filter((face) => face !== null);
    return withoutParts(groups(confirmed).map((group) => group[0]!));
  };
  /** Coarse tiles first, and finer ones only while they may show a face that is not clearly in the background. */
  const portrait = (): Candidate[] => {
    const seen = firstPass([wholeView(frame)]);
    let side = wholeView(frame).side;
    for (const next of tileSides(frame, options.stillTilePx)) {
      if (
        isFineEnough(
          side,
          seen.filter(({ score }) => score >= options.leastScore),
        )
      ) {
        const confirmed = facesOf(seen, options);
        if (isFineEnough(side, confirmed)) return confirmed;
      }
      seen.push(...firstPass(tileGrid(frame, next)));
      side = next;
    }
    return facesOf(seen, options);
  };
  let faces =
    request.search === 'portrait'
      ? portrait()
      : facesOf(firstPass([wholeView(frame), ...closerViews(frame, request, options)]), options);
  if (still && faces.length === 0) {
    const lower = { ...options, leastScore: options.leastScore * RETRY_SCORE_FACTOR };
    const views = RETRY_VIEWS.map((grow) => wholeView(frame, grow));
    faces = facesOf(firstPass(views), lower);
  }
  return { faces, passes: passes - 1 };
}

/** Eyes this far apart are found in every tile of side 1: 28 px in tiles of 640 px, 20 px in tiles of 480 px (DESIGN.md, recall). */
const SURE_EYES = 28 / 640;
/** A face whose eyes are closer together than this share of the largest face's is in the background of a portrait. */
const BACKGROUND_SHARE = 1 / 3;

/** Whether tiles of `side` have shown every face that is not in the background of the largest of `faces`. */
function isFineEnough(side: number, faces: readonly Candidate[]): boolean {
  const eyesPx = faces.map(({ landmarks: [right, left] }) => Math.hypot(left[0] - right[0], left[1] - right[1]));
  return side * SURE_EYES <= BACKGROUND_SHARE * Math.max(0, ...eyesPx);
}

/** How many views a photo is searched in, not counting close-ups. */
export function photoViews(photo: Size, options: SearchOptions = defaultSearch): number {
  return 1 + closerViews(photo, { search: 'all', around: [], moved: [], turn: 0 }, options).length;
}

function closerViews(frame: Size, request: SearchRequest, options: SearchOptions): View[] {
  if (request.search === 'whole') return [];
  if (request.search === 'all') return tileSides(frame, options.stillTilePx).flatMap((side) => tileGrid(frame, side));
  const { limits } = request;
  const inputPerPx = DETECTOR_PX / wholeView(frame).side;
  const expected = request.around.filter((box) => box[2] * inputPerPx < WELL_SEEN_PX);
  const grid = tileGrid(frame, options.videoTilePx);
  return [
    ...inTurn(expected, request.turn, limits?.closeUps).map((box) => closeUp(box, options.videoCloseUps[0]!)),
    ...tilesInTurn(grid, request.moved, request.tileTurn ?? request.turn, limits?.tiles ?? options.tilesPerFrame),
  ];
}

/** One candidate per group: the mean of those in which the face is at least half as wide as in the largest. */
function sharpest(group: readonly SizedCandidate[]): SizedCandidate {
  const largest = Math.max(...group.map(({ inputPx }) => inputPx));
  const good = group.filter(({ inputPx }) => inputPx > largest / 2);
  return { ...average(good, good[0]!.score), inputPx: largest };
}

function wellSeen(candidate: SizedCandidate, still: boolean, options: SearchOptions): boolean {
  return !still && candidate.inputPx >= WELL_SEEN_PX && candidate.score >= options.leastScore;
}

/** One more pass over each close-up of a candidate. The mean of what they found; null when they do not agree on a face. */
function secondPass(
  candidate: Candidate,
  pass: DetectorPass,
  still: boolean,
  options: SearchOptions,
): Candidate | null {
  const closeUps = still ? options.stillCloseUps : options.videoCloseUps;
  const found: Candidate[] = [];
  for (const boxesWide of closeUps) {
    const matches = pass(closeUp(candidate.box, boxesWide), options.candidateScore / 2)
      .filter((face) => overlap(face.box, candidate.box) > OVERLAP_LIMIT)
      .sort((a, b) => b.score - a.score);
    if (matches[0] !== undefined) found.push(matches[0]);
  }
  if (found.length === 0) return null;
  const score = found.reduce((sum, face) => sum + face.score, 0) / closeUps.length;
  return score >= options.leastScore ? average(found, score) : null;
}

/** Drops boxes that lie inside a better one of similar size: faces cut by a tile's border. */
function withoutParts(faces: readonly Candidate[]): Candidate[] {
  return faces.filter((face, i) => !faces.slice(0, i).some((better) => isPart(face.box, better.box)));
}

function isPart(box: Box, whole: Box): boolean {
  return containment(box, whole) > 0.7 && box[2] * box[3] > 0.25 * whole[2] * whole[3];
}

// Which tiles of a frame to search. A far face has only a few pixels in the whole frame, shrunk to the detector's input. A tile
// shows it larger.

/** Share of a tile that its neighbour also covers, so that no face of interest is cut in both. */
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
 * Very large photos get coarser tiles (at least an eighth of the long side): a tiny face in them is no portrait, and hundreds
 * of tiles take minutes on a Pi.
 */
export function tileSides(frame: Size, finestPx: number): number[] {
  const long = Math.max(frame.width, frame.height);
  const sides: number[] = [];
  for (let side = Math.max(finestPx, long / 8); side < long * 0.9; side *= 2) sides.unshift(side);
  return sides;
}

/**
 * The `count` tiles of `grid` to search in video frame number `turn`. Tiles with motion come first, in turn. The other tiles
 * fill the rest, in turn. So every tile is searched eventually, and a tile with motion soon.
 */
export function tilesInTurn(grid: readonly View[], moved: readonly Box[], turn: number, count: number): View[] {
  const active = grid.filter((tile) => moved.some((box) => touches(tile, box)));
  const quiet = grid.filter((tile) => !active.includes(tile));
  const first = rotated(active, turn * count).slice(0, count);
  const rest = count - first.length;
  return [...first, ...rotated(quiet, turn * rest).slice(0, rest)];
}

/** At most `most` of `items`, others in each turn; all where `most` is absent. */
function inTurn<T>(items: readonly T[], turn: number, most = items.length): readonly T[] {
  return items.length <= most ? items : rotated(items, turn * most).slice(0, most);
}

function rotated<T>(items: readonly T[], by: number): T[] {
  return items.map((_, i) => items[(by + i) % items.length]!);
}

function touches({ x, y, side }: View, [left, top, width, height]: Box): boolean {
  return left < x + side && left + width > x && top < y + side && top + height > y;
}

/** The view that shows a face of this box at the size the detector places landmarks best. */
function closeUp(box: Box, boxesWide: number): View {
  return viewAround(box[0] + box[2] / 2, box[1] + box[3] / 2, Math.max(box[2], box[3]) * boxesWide);
}
