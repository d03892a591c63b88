// Weighted non-maximum suppression: overlapping candidates become one, averaged by score; the best score stays.
// Averaging steadies the landmarks, which alignment then feels. Source: BlazeFace (arXiv:1907.05047), section 4.2.
import type { Box, Landmarks } from '../domain/face.js';
import type { Candidate } from './blazeface.js';

/** Boxes that share more than this of their union are one face. MediaPipe's value. */
export const OVERLAP_LIMIT = 0.3;

/** Intersection over union of two boxes, 0 to 1. */
export function overlap(a: Box, b: Box): number {
  const common = intersection(a, b);
  const union = a[2] * a[3] + b[2] * b[3] - common;
  return union > 0 ? common / union : 0;
}

/** Intersection over the smaller box, 0 to 1: 1 for a box inside another. */
export function containment(a: Box, b: Box): number {
  const smaller = Math.min(a[2] * a[3], b[2] * b[3]);
  return smaller > 0 ? intersection(a, b) / smaller : 0;
}

function intersection(a: Box, b: Box): number {
  const width = Math.min(a[0] + a[2], b[0] + b[2]) - Math.max(a[0], b[0]);
  const height = Math.min(a[1] + a[3], b[1] + b[3]) - Math.max(a[1], b[1]);
  return width > 0 && height > 0 ? width * height : 0;
}

/** Candidates that overlap a better one, together with it: one group a face, best score first within and among them. */
export function groups<T extends Candidate>(candidates: readonly T[], limit = OVERLAP_LIMIT): T[][] {
  let left = [...candidates].sort((a, b) => b.score - a.score);
  const found: T[][] = [];
  while (left.length > 0) {
    const best = left[0]!;
    const group = left.filter((candidate) => candidate === best || overlap(best.box, candidate.box) > limit);
    found.push(group);
    left = left.filter((candidate) => !group.includes(candidate));
  }
  return found;
}

/** One candidate a face, best score first. */
export function suppress(candidates: readonly Candidate[], limit = OVERLAP_LIMIT): Candidate[] {
  return groups(candidates, limit).map((group) => average(group, group[0]!.score));
}

/** The mean of views of one face, each weighted by its score. */
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
