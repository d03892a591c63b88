// The one picture that may leave the process, and only where the user turned snapshots on: the last face, small, and not
// oftener than anybody looks at it.
import sharp from 'sharp';
import type { Clock } from '../base/clock.js';
import type { EngineAnalysis } from '../engine/engine.js';

/** Aligned faces are this wide and high, pixels (engine.ts). */
const alignedPx = 112;
const shownPx = 224;
const spacingMs = 5000;

/**
 * Takes every analysis; hands the largest face of one as a JPEG to `send`, at most one each 5 s. An analysis without
 * pictures (snapshots are off) or without faces does nothing.
 */
export function createLastFace(send: (jpeg: Uint8Array) => void, clock: Clock): (analysis: EngineAnalysis) => void {
  let sentAt = Number.NEGATIVE_INFINITY;
  return ({ faces, crops }) => {
    const pictures = faces.map((face, index) => ({ eyesPx: face.quality.eyesPx, rgb: crops?.[index] }));
    const largest = pictures.toSorted((a, b) => b.eyesPx - a.eyesPx)[0]?.rgb;
    if (largest === undefined || clock.monotonicMs() - sentAt < spacingMs) return;
    sentAt = clock.monotonicMs();
    sharp(largest, { raw: { width: alignedPx, height: alignedPx, channels: 3 } })
      .resize(shownPx, shownPx)
      .jpeg({ quality: 80 })
      .toBuffer()
      .then(send, () => {}); // a picture of another size: no face is worth a crash
  };
}
