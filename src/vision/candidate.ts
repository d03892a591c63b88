// What a detector pass finds, and which of several finds are one face.
import { type Box, type Landmarks, overlap } from './face.js';

/** A face that one detector pass over one view found, in frame pixels. */
export interface Candidate {
  readonly box: Box;
  readonly landmarks: Landmarks;
  /** 0 to 1. */
  readonly score: number;
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

/** The candidates of each face together, the best score first. */
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
