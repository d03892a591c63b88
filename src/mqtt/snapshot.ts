// The only picture that may leave the process, and only if the user turned snapshots on: the last face, small, at most every 5 s.
import sharp from 'sharp';
import type { Clock } from '../base/clock.js';
import type { EngineAnalysis } from '../engine/engine.js';

/** Aligned faces are this wide and high, pixels (engine.ts). */
const alignedPx = 112;
const shownPx = 224;
const spacingMs = 5000;

/**
 * Call the result with every analysis. It passes the largest face as a JPEG to `send`, at most every 5 s. It does nothing for an
 * analysis without crops (snapshots are off) or without faces.
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
      .then(send, () => {}); // a crop of another size must not end the daemon
  };
}
