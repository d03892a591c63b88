// Which face a portrait is of. Enrolment and the evaluation use this one rule.
import type { Face } from './face.js';

/**
 * The face that a picture is meant to show: the one with the largest area times centrality, where centrality falls
 * linearly from 1 in the middle to 0.25 in the corners. null without faces. Errors: none.
 */
export function subject<T extends Pick<Face, 'box'>>(faces: readonly T[], width: number, height: number): T | null {
  let best: T | null = null;
  let bestScore = -1;
  for (const face of faces) {
    const score = prominence(face, width, height);
    if (score > bestScore) [best, bestScore] = [face, score];
  }
  return best;
}

/** Area in square pixels times centrality; comparable between faces of one picture only. */
export function prominence(face: Pick<Face, 'box'>, width: number, height: number): number {
  const [x, y, w, h] = face.box;
  const away = Math.hypot((x + w / 2) / width - 0.5, (y + h / 2) / height - 0.5) / Math.SQRT1_2;
  return w * h * (1 - 0.75 * Math.min(1, away));
}
