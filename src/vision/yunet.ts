// YuNet: from the model's raw outputs to faces in frame pixels, and the picture it takes.
//
// Source: Wu, Peng, Yu, "YuNet: A Tiny Millisecond-level Face Detector" (2023), and its decoder in OpenCV (face_detect.cpp).
// Three levels of cells; sixteen numbers per cell: the logits of a face and of its place, box (middle, logarithm of the size) and
// five points (eyes, nose tip, corners of the mouth), in cells.
//
// Invariant: the model sees the picture one input pixel to the right and down, because TFLite pads a stride of two only there
// (training/roomkin_training/detector.py). `shifted` moves the view; `decode` gives places of the view itself.
import type { Candidate } from './candidate.js';
import type { Landmarks, Point } from './face.js';
import type { Size, View } from './picture.js';

/** Numbers per cell. */
export const CELL_NUMBERS = 16;

/** A level's numbers `[rows, columns, 16]`, row by row, as the model stores them: `real = (stored - zeroPoint) * steps[number]`. */
export interface Level extends Size {
  readonly stored: ArrayLike<number>;
  readonly zeroPoint: number;
  /** 16 numbers. */
  readonly steps: ArrayLike<number>;
}

/** The view whose picture the model must get for `view`. `inputWidth`: columns of the input. */
export function shifted(view: View, inputWidth: number): View {
  const px = view.width / inputWidth;
  return { ...view, x: view.x - px, y: view.y - px };
}

/**
 * BlazeFace's boxes are squares. One detector finds what the other one confirms, so both give boxes of one size: side and shift
 * down in heights of YuNet's box. Medians over 200 portraits, 20 and 40 px between the eyes, in rooms (test/bars/recall.ts).
 */
const SIDE_OF_HEIGHT = 0.88;
const SHIFT_OF_HEIGHT = 0.04;

/** Candidates of `leastScore` or more, before suppression. `inputWidth`: columns of the input. */
export function decodeLevels(
  levels: readonly Level[],
  inputWidth: number,
  view: View,
  leastScore: number,
): Candidate[] {
  const scale = view.width / inputWidth;
  return levels.flatMap((level) => decodeLevel(level, inputWidth / level.width, view, scale, leastScore));
}

function decodeLevel(
  { stored, zeroPoint, steps, width, height }: Level,
  cellPx: number,
  view: View,
  scale: number,
  leastScore: number,
): Candidate[] {
  const candidates: Candidate[] = [];
  // The score is the geometric mean of two probabilities: none of them is below the square of the least score.
  const leastLogit = Math.log(leastScore ** 2 / (1 - leastScore ** 2));
  const [leastFace, leastPlace] = [zeroPoint + leastLogit / steps[0]!, zeroPoint + leastLogit / steps[1]!];
  const values = new Float64Array(CELL_NUMBERS);
  for (let cell = 0; cell < width * height; cell++) {
    const at = cell * CELL_NUMBERS;
    if (!(stored[at]! >= leastFace && stored[at + 1]! >= leastPlace)) continue;
    // Almost every cell ends above: only the others are made real.
    for (let i = 0; i < CELL_NUMBERS; i++) values[i] = (stored[at + i]! - zeroPoint) * steps[i]!;
    const score = Math.sqrt(sigmoid(values[0]!) * sigmoid(values[1]!));
    if (!(score >= leastScore)) continue;
    const column = cell % width;
    const row = Math.floor(cell / width);
    const across = (cells: number): number => view.x + (column + cells) * cellPx * scale;
    const down = (cells: number): number => view.y + (row + cells) * cellPx * scale;
    const boxHeight = Math.exp(values[5]!) * cellPx * scale;
    const side = SIDE_OF_HEIGHT * boxHeight;
    const middleY = down(values[3]!) + SHIFT_OF_HEIGHT * boxHeight;
    // Landmarks have a pixel's value at its integer coordinate, hence the half pixel.
    const [right, left, nose, mouthRight, mouthLeft] = [0, 1, 2, 3, 4].map((k): Point => {
      return [across(values[6 + 2 * k]!) - 0.5, down(values[7 + 2 * k]!) - 0.5];
    }) as [Point, Point, Point, Point, Point];
    const mouth: Point = [(mouthRight[0] + mouthLeft[0]) / 2, (mouthRight[1] + mouthLeft[1]) / 2];
    const landmarks: Landmarks = [right, left, nose, mouth];
    const box = [across(values[2]!) - side / 2, middleY - side / 2, side, side] as const;
    candidates.push({ box, landmarks, score });
  }
  return candidates;
}

function sigmoid(logit: number): number {
  return 1 / (1 + Math.exp(-logit));
}
