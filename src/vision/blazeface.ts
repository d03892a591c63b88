// BlazeFace full range: from the model's raw outputs to faces in frame pixels.
//
// Source: MediaPipe's face_detection_full_range.pbtxt: 192x192 input, one anchor in the centre of each cell of a 48x48
// grid, sixteen numbers per anchor in input pixels (box centre and size, six keypoints), a sigmoid score.
import { type Box, type Landmarks, overlap, type Point } from './face.js';
import type { View } from './picture.js';

export const DETECTOR_PX = 192;
const GRID_CELLS = 48;
/** Numbers per anchor. */
const REGRESSORS = 16;
const KEYPOINTS = 6;

/** A face that one detector pass over one view found, in frame pixels. */
export interface Candidate {
  readonly box: Box;
  readonly landmarks: Landmarks;
  /** 0 to 1. */
  readonly score: number;
}

/**
 * Candidates of `leastScore` or more, before suppression.
 * @param regressors `[2304, 16]`
 * @param logits `[2304]`
 * @param view the view that the input showed; `{x: 0, y: 0, side: 192}` gives input pixels
 * Boxes are in continuous pixels (the first pixel covers [0, 1)); landmarks have a pixel's value at its integer
 * coordinate, as alignment reads them, hence the half pixel.
 */
export function decode(regressors: Float32Array, logits: Float32Array, view: View, leastScore: number): Candidate[] {
  const candidates: Candidate[] = [];
  const leastLogit = Math.log(leastScore / (1 - leastScore));
  const scale = view.side / DETECTOR_PX;
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

/** Distance between the eyes, in the units of the landmarks. */
export function eyesApart(landmarks: Landmarks): number {
  const [right, left] = landmarks;
  return Math.hypot(right[0] - left[0], right[1] - left[1]);
}

// Weighted non-maximum suppression: overlapping candidates become one, averaged by score; the best score stays.
// Averaging steadies the landmarks and so the alignment. Source: BlazeFace (arXiv:1907.05047), section 4.2.

/** Boxes that share more than this of their union are one face. MediaPipe's value. */
export const OVERLAP_LIMIT = 0.3;

/** Intersection over union of two boxes, 0 to 1. */
export function groups<T extends Candidate>(candidates: readonly T[], limit = OVERLAP_LIMIT): T[][] {
  let remaining = [...candidates].sort((a, b) => b.score - a.score);
  const faces: T[][] = [];
  while (remaining.length > 0) {
    const best = remaining[0]!;
    const group = remaining.filter((candidate) => candidate === best || overlap(best.box, candidate.box) > limit);
    faces.push(group);
    remaining = remaining.filter((candidate) => !group.includes(candidate));
  }
  return faces;
}

/** One candidate per face, best score first. */
export function suppress(candidates: readonly Candidate[], limit = OVERLAP_LIMIT): Candidate[] {
  return groups(candidates, limit).map((group) => average(group, group[0]!.score));
}

/** The mean of candidates of one face, each weighted by its score. */
export function average(group: readonly Candidate[], score: number): Candidate {
  if (group.length === 1) return group[0]!;
  const total = group.reduce((sum, candidate) => sum + candidate.score, 0);
  const box = [0, 0, 0, 0];
  const landmarks = group[0]!.landmarks.map(() => [0, 0] as [number, number]);
  for (const candidate of group) {
    const weight = candidate.score / total;
    for (let i = 0; i < 4; i++) box[i]! += weight * candidate.box[i]!;
    for (const [k, point] of candidate.landmarks.entries()) {
      landmarks[k]![0] += weight * point[0];
      landmarks[k]![1] += weight * point[1];
    }
  }
  return { box: box as unknown as Box, landmarks: landmarks as unknown as Landmarks, score };
}
