// The search for the faces of a frame: which views the detector passes cover, and which candidates are faces.
//
// Invariant: pure; the detectors are functions. One detector (YuNet) finds candidates in views of the frame. A second one
// (BlazeFace) checks them in close-ups: that rejects candidates that are no faces, and gives landmarks to the pixel, which
// alignment needs. In a photo each face needs its close-ups. In video a clear candidate whose close-up is left out is a face all
// the same, whose landmarks are not good enough for an embedding.
//
// test/bars/recall.ts measures the scores; docs/measurements.md has the figures.
import { average, type Candidate, eyesApart, groups, OVERLAP_LIMIT } from './candidate.js';
import { continued } from './continued-faces.js';
import type { SearchLimits } from './effort.js';
import { type Box, containment, overlap } from './face.js';
import { type Size, type View, viewAround, wholeView } from './picture.js';

/** One detector pass over a view: its candidates of `leastScore` or more, after non-maximum suppression. */
export type DetectorPass = (view: View, leastScore: number) => readonly Candidate[];

export interface Detectors {
  /** Finds candidates. Its views have this aspect, width by height. */
  readonly find: DetectorPass;
  /** Checks a candidate in a close-up, a square. */
  readonly check: DetectorPass;
}

/** Width by height of the views in which candidates are searched: those of the detector's input, 640x480. */
export const VIEW_ASPECT = 4 / 3;

export interface SearchOptions {
  /** Width of the smallest tiles of a photo (`still`) and of video, px. A frame not larger than a tile has none. */
  readonly stillTilePx: number;
  readonly videoTilePx: number;
  /** The score of a candidate. */
  readonly candidateScore: number;
  /** The score a face must reach: mean over its close-ups; in video without a close-up as a candidate. */
  readonly leastScore: number;
  /** Close-ups of a photo and of video: how many boxes wide each is. */
  readonly stillCloseUps: readonly number[];
  readonly videoCloseUps: readonly number[];
  /** `auto`: tiles searched in turn each frame. */
  readonly tilesPerFrame: number;
}

export const defaultSearch: SearchOptions = {
  stillTilePx: 640,
  videoTilePx: 1440,
  candidateScore: 0.3,
  leastScore: 0.5,
  stillCloseUps: [2, 4],
  videoCloseUps: [3],
  tilesPerFrame: 1,
};

/**
 * Views for a photo in which nothing was found: the whole again, and with a border for faces that fill the picture. The needed
 * scores are lower, because somebody took this photo to show a face. In a small, dark or noisy photo the first detector is less sure of
 * a face than the close-ups.
 */
const RETRY_VIEWS = [1, 1.5];
const RETRY_SCORE_FACTOR = 0.75;
const RETRY_CANDIDATE_SCORE = 0.15;
/** Width of a box by that of the whole view. Smaller ones with such scores are patterns of noise, and no subject of a photo. */
const RETRY_LEAST_SHARE = 0.05;

/** A face of a frame. */
export interface FoundFace extends Candidate {
  /** A close-up has placed its landmarks: they are good enough for an embedding. */
  readonly isPlaced: boolean;
  /** It certainly continues a track whose embedding is not due, so that it had no close-up. */
  readonly isContinued: boolean;
}

export interface FoundFaces {
  /** Best score first. */
  readonly faces: readonly FoundFace[];
  /** Detector passes beyond the one over the whole frame. */
  readonly passes: number;
}

export interface SearchRequest {
  readonly search: 'all' | 'portrait' | 'auto' | 'whole';
  /** Counts frames of `auto`, so that every tile is searched in turn. */
  readonly turn: number;
  /** The same for frames in which tiles are searched. Default: `turn`. */
  readonly tileTurn?: number;
  /** `auto`: what to leave out, because the board cannot keep up; absent or null: nothing. */
  readonly limits?: SearchLimits | null | undefined;
  /** `auto`: where faces are expected whose embedding is not due. */
  readonly expected?: readonly Box[] | undefined;
}

/** The faces of a frame. */
export function searchFaces(
  frame: Size,
  { find, check }: Detectors,
  request: SearchRequest,
  options: SearchOptions,
): FoundFaces {
  let passes = 0;
  const still = request.search === 'all' || request.search === 'portrait';
  const firstPass = (views: readonly View[], leastScore = options.candidateScore): Candidate[] =>
    views.flatMap((view) => {
      passes++;
      return find(view, leastScore);
    });
  const closeUpPass: DetectorPass = (view, leastScore) => {
    passes++;
    return check(view, leastScore);
  };
  const facesOf = (seen: readonly Candidate[], by: SearchOptions): FoundFace[] => {
    const candidates = groups(seen).map((group) => average(group, group[0]!.score));
    const boxes = candidates.map(({ box }) => box);
    const continues = continued(boxes, still ? [] : (request.expected ?? []));
    const needed = candidates.filter(({ score }, i) => !(continues[i] && score >= by.leastScore));
    const checked = still ? candidates : inTurn(needed, request.turn, request.limits?.closeUps);
    const confirmed = candidates
      .map((candidate): FoundFace | null => {
        if (checked.includes(candidate)) return confirmedFace(candidate, closeUpPass, still, by);
        if (candidate.score < by.leastScore) return null;
        return { ...candidate, isPlaced: false, isContinued: !needed.includes(candidate) };
      })
      .filter((face) => face !== null);
    return withoutParts(groups(confirmed).map((group) => group[0]!));
  };
  /** Coarse tiles first, and finer ones only while they may show a face that is not clearly in the background. */
  const portrait = (): FoundFace[] => {
    let side = whole(frame).width;
    const seen = firstPass([whole(frame)]);
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
      : facesOf(firstPass([whole(frame), ...closerViews(frame, request, options)]), options);
  if (still && faces.length === 0) {
    const lower = { ...options, leastScore: options.leastScore * RETRY_SCORE_FACTOR };
    const views = RETRY_VIEWS.map((grow) => whole(frame, grow));
    const leastPx = whole(frame).width * RETRY_LEAST_SHARE;
    const seen = firstPass(views, RETRY_CANDIDATE_SCORE).filter(({ box }) => box[2] >= leastPx);
    faces = facesOf(seen, lower);
  }
  return { faces, passes: passes - 1 };
}

function whole(frame: Size, grow = 1): View {
  return wholeView(frame, VIEW_ASPECT, grow);
}

/** Eyes this far apart are found in every tile of width 1: 21 px in views of 1280 px (docs/measurements.md, detection). */
const SURE_EYES = 21 / 1280;
/** A face whose eyes are closer together than this share of the largest face's is in the background of a portrait. */
const BACKGROUND_SHARE = 1 / 3;

/** Whether tiles of width `side` have shown every face that is not in the background of the largest of `faces`. */
function isFineEnough(side: number, faces: readonly Candidate[]): boolean {
  return side * SURE_EYES <= BACKGROUND_SHARE * Math.max(0, ...faces.map(({ landmarks }) => eyesApart(landmarks)));
}

/** How many views a photo is searched in, not counting close-ups. */
export function photoViews(photo: Size, options: SearchOptions = defaultSearch): number {
  return 1 + closerViews(photo, { search: 'all', turn: 0 }, options).length;
}

function closerViews(frame: Size, request: SearchRequest, options: SearchOptions): readonly View[] {
  if (request.search === 'whole') return [];
  if (request.search === 'all') return tileSides(frame, options.stillTilePx).flatMap((side) => tileGrid(frame, side));
  const tiles = request.limits?.tiles ?? options.tilesPerFrame;
  return inTurn(tileGrid(frame, options.videoTilePx), request.tileTurn ?? request.turn, tiles);
}

/** One more pass over each close-up of a candidate. The mean of what they found; null when they do not agree on a face. */
function confirmedFace(
  candidate: Candidate,
  pass: DetectorPass,
  still: boolean,
  options: SearchOptions,
): FoundFace | null {
  const closeUps = still ? options.stillCloseUps : options.videoCloseUps;
  const found: Candidate[] = [];
  for (const boxesWide of closeUps) {
    const matches = pass(closeUp(candidate.box, boxesWide), CLOSE_UP_SCORE)
      .filter((face) => overlap(face.box, candidate.box) > OVERLAP_LIMIT)
      .sort((a, b) => b.score - a.score);
    if (matches[0] !== undefined) found.push(matches[0]);
  }
  if (found.length === 0) return null;
  const score = found.reduce((sum, face) => sum + face.score, 0) / closeUps.length;
  return score >= options.leastScore ? { ...average(found, score), isPlaced: true, isContinued: false } : null;
}

/** The least score of what a close-up shows: the mean over the close-ups decides. */
const CLOSE_UP_SCORE = 0.125;

/** Drops boxes that lie inside a better one of similar size: faces cut by a tile's border. */
function withoutParts(faces: readonly FoundFace[]): FoundFace[] {
  return faces.filter((face, i) => !faces.slice(0, i).some((better) => isPart(face.box, better.box)));
}

function isPart(box: Box, whole: Box): boolean {
  return containment(box, whole) > 0.7 && box[2] * box[3] > 0.25 * whole[2] * whole[3];
}

// Which tiles of a frame to search. A far face has only a few pixels in the whole frame, shrunk to the detector's input. A tile
// shows it larger.

/** Share of a tile that its neighbour also covers, so that no face of interest is cut in both. */
const OVERLAP = 0.25;

/** Tiles `tilePx` wide covering the frame row by row, evenly spread; none when the frame is not larger than a tile. */
export function tileGrid(frame: Size, tilePx: number): View[] {
  if (whole(frame).width <= tilePx) return [];
  const size = { width: tilePx, height: tilePx / VIEW_ASPECT };
  const xs = starts(frame.width, size.width);
  const ys = starts(frame.height, size.height);
  return ys.flatMap((y) => xs.map((x) => ({ x, y, ...size })));
}

function starts(length: number, tilePx: number): number[] {
  if (length <= tilePx) return [(length - tilePx) / 2];
  const count = Math.ceil((length - tilePx) / (tilePx * (1 - OVERLAP))) + 1;
  return Array.from({ length: count }, (_, i) => ((length - tilePx) * i) / (count - 1));
}

/**
 * Widths of the tiles that a still is searched with, largest first: `finestPx`, doubled up to the frame's size.
 * Very large photos get coarser tiles (at least an eighth of the whole view): a tiny face in them is no portrait, and hundreds
 * of tiles take minutes on a Pi.
 */
export function tileSides(frame: Size, finestPx: number): number[] {
  const long = whole(frame).width;
  const sides: number[] = [];
  for (let side = Math.max(finestPx, long / 8); side < long * 0.9; side *= 2) sides.unshift(side);
  return sides;
}

/** At most `most` of `items`, others in each turn; all where `most` is absent. */
function inTurn<T>(items: readonly T[], turn: number, most = items.length): readonly T[] {
  return items.length <= most ? items : rotated(items, turn * most).slice(0, most);
}

function rotated<T>(items: readonly T[], by: number): T[] {
  return items.map((_, i) => items[(by + i) % items.length]!);
}

/** The view that shows a face of this box at the size the detector places landmarks best. */
function closeUp(box: Box, boxesWide: number): View {
  return viewAround(box[0] + box[2] / 2, box[1] + box[3] / 2, Math.max(box[2], box[3]) * boxesWide);
}
