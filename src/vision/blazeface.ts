// BlazeFace full range: from the model's raw outputs to faces in frame pixels.
//
// Source: MediaPipe's face_detection_full_range.pbtxt: 192x192 input, one anchor in the centre of each cell of a 48x48
// grid, sixteen numbers per anchor in input pixels (box centre and size, six keypoints), a sigmoid score.
import type { Candidate } from './candidate.js';
import type { Landmarks, Point } from './face.js';
import type { View } from './picture.js';

export const DETECTOR_PX = 192;
const GRID_CELLS = 48;
/** Numbers per anchor. */
const REGRESSORS = 16;
const KEYPOINTS = 6;

/**
 * Candidates of `leastScore` or more, before suppression.
 * @param regressors `[2304, 16]`
 * @param logits `[2304]`
 * @param view the view that the input showed, a square; one of 192 px at the origin gives input pixels
 * Boxes are in continuous pixels (the first pixel covers [0, 1)); landmarks have a pixel's value at its integer
 * coordinate, as alignment reads them, hence the half pixel.
 */
export function decode(regressors: Float32Array, logits: Float32Array, view: View, leastScore: number): Candidate[] {
  const candidates: Candidate[] = [];
  const leastLogit = Math.log(leastScore / (1 - leastScore));
  const scale = view.width / DETECTOR_PX;
  for (let anchor = 0; anchor < GRID_CELLS * GRID_CELLS; anchor++) {
    const logit = logits[anchor]!;
    if (!(logit >= leastLogit)) continue;
    const at = anchor * REGRESSORS;
    const cellPx = DETECTOR_PX / GRID_CELLS;
    const ax = ((anchor % GRID_CELLS) + 0.5) * cellPx;
    const ay = (Math.floor(anchor / GRID_CELLS) + 0.5) * cellPx;
    const width = regressors[at + 2]!;
    const height = regressors[at + 3]!;
    if (!(width > 0 && height > 0)) continue;
    const left = ax + regressors[at]! - width / 2;
    const top = ay + regressors[at + 1]! - height / 2;
    const points: Point[] = [];
    for (let k = 0; k < KEYPOINTS; k++) {
      const x = ax + regressors[at + 4 + 2 * k]!;
      const y = ay + regressors[at + 5 + 2 * k]!;
      points.push([view.x + x * scale - 0.5, view.y + y * scale - 0.5]);
    }
    candidates.push({
      box: [view.x + left * scale, view.y + top * scale, width * scale, height * scale],
      landmarks: points as unknown as Landmarks,
      score: 1 / (1 + Math.exp(-logit)),
    });
  }
  return candidates;
}
