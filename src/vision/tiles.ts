// Which squares of a frame to look at closely. A far face is only a few pixels in the whole frame shrunk to the
// detector's input; a tile shows it larger.
import type { Box } from '../domain/face.js';
import type { Size, View } from './view.js';
import { viewAround } from './view.js';

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
