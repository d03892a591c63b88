// Where to look, and what to believe: the order of looks that finds the faces of a frame.
//
// Invariant: pure; the detector is the function `look`. A face that was only seen small is looked at once more, closely:
// that throws out what is no face and places the landmarks, which alignment needs to the pixel.
import type { Box } from '../domain/face.js';
import type { Candidate } from './blazeface.js';
import { DETECTOR_PX, eyesApart } from './blazeface.js';
import { containment, overlap, suppress } from './nms.js';
import { closeUp, inTurn, tileGrid, tileSides } from './tiles.js';
import type { Size, View } from './view.js';
import { wholeView } from './view.js';

/** Candidates that one look at a view finds, of `leastScore` or more, suppressed within the look. */
export type Look = (view: View, leastScore: number) => readonly Candidate[];

export interface SearchOptions {
  /** Side of the smallest tiles, px. */
  readonly tilePx: number;
  /** A first look's score that is worth a second look. */
  readonly candidateScore: number;
  /** The score a face must reach. */
  readonly leastScore: number;
  /** `auto`: tiles searched in turn each frame. */
  readonly tilesPerFrame: number;
}

export const defaultSearch: SearchOptions = { tilePx: 320, candidateScore: 0.3, leastScore: 0.6, tilesPerFrame: 2 };

export interface Found {
  readonly faces: readonly Candidate[];
  /** Looks taken beyond the whole frame. */
  readonly looks: number;
}

export interface SearchRequest {
  readonly search: 'all' | 'auto' | 'whole';
  readonly around: readonly Box[];
  /** Counts frames of `auto`, so that each tile has its turn. */
  readonly turn: number;
}

/** A close-up is so many boxes wide: the face fills a third of the input, as in the detector's own training pictures. */
const CLOSE_UP_BOXES = 3;

/** The faces of a frame, best score first. */
export function searchFaces(frame: Size, look: Look, request: SearchRequest, options: SearchOptions): Found {
  let looks = 0;
  const counted: Look = (view, score) => {
    looks++;
    return look(view, score);
  };
  const views = [wholeView(frame), ...closerViews(frame, request, options)];
  const firstLooks = views.flatMap((view) => counted(view, options.candidateScore));
  const faces: Candidate[] = [];
  for (const candidate of suppress(firstLooks)) {
    const again = secondLook(candidate, counted, options);
    if (again !== null) faces.push(again);
  }
  return { faces: withoutParts(suppress(faces)), looks: looks - 1 };
}

function closerViews(frame: Size, request: SearchRequest, options: SearchOptions): View[] {
  if (request.search === 'whole') return [];
  if (request.search === 'all') return tileSides(frame, options.tilePx).flatMap((side) => tileGrid(frame, side));
  const [finest] = tileSides(frame, options.tilePx).slice(-1);
  const grid = finest === undefined ? [] : tileGrid(frame, finest);
  const expected = request.around.map((box) => closeUp(box, CLOSE_UP_BOXES));
  return [...expected, ...inTurn(grid, request.turn, options.tilesPerFrame)];
}

function secondLook(candidate: Candidate, look: Look, options: SearchOptions): Candidate | null {
  const view = closeUp(candidate.box, CLOSE_UP_BOXES);
  let best: Candidate | null = null;
  for (const seen of look(view, options.leastScore)) {
    if (overlap(seen.box, candidate.box) > 0.3 && (best === null || seen.score > best.score)) best = seen;
  }
  return best;
}

/** Drops boxes that lie inside a better one: a face cut by a tile's border. */
function withoutParts(faces: readonly Candidate[]): Candidate[] {
  return faces.filter((face, i) => !faces.some((other, j) => j < i && containment(face.box, other.box) > 0.7));
}

export const inputEyesPx = (candidate: Candidate, view: View): number =>
  (eyesApart(candidate.landmarks) * DETECTOR_PX) / view.side;
