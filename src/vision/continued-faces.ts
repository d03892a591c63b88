// Which faces of a frame certainly continue a track that needs no embedding now. The engine's child asks this for every face of a frame
// of video: such a face has no close-up and no embedding. Pure.
//
// Invariant: a doubt embeds. A face is continued only where no other face and no other track could be meant, so that two people who
// change places are compared again.
import { type Box, middlesApart, overlap } from './face.js';

/** The least overlap (intersection over union) with the expected box: at most a third of the width aside. */
const leastOverlap = 0.5;
/** Another face whose middle is nearer than this, in widths of the larger one, could be meant. */
export const apartWidths = 1.5;

/** Whether the middles of two boxes are so near to each other that one face may be taken for the other. */
export function areConfusable(a: Box, b: Box): boolean {
  return middlesApart(a, b) < apartWidths * Math.max(a[2], b[2]);
}

/**
 * For each of `faces` (boxes of one frame, also of doubtful candidates) whether it continues one of the tracks that are `expected` in
 * these boxes.
 */
export function continued(faces: readonly Box[], expected: readonly Box[]): readonly boolean[] {
  return faces.map((face, index) => {
    const matching = expected.filter((box) => overlap(face, box) >= leastOverlap);
    return matching.length === 1 && !faces.some((other, i) => i !== index && areConfusable(face, other));
  });
}
