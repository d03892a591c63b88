// Who a track is by all it has seen. Presence and the evaluation share it.
import { type Evidence, effectiveLooks, pooledLook } from './evidence.js';
import type { Gallery } from './gallery.js';
import { type Identification, identify } from './identify.js';
import type { RecognitionOptions } from './options.js';

/**
 * Identifies the pooled look; null before the first look that counted. The margin needed falls with the number of looks: by
 * `margin / looks` above the final one, for between people who look alike a few looks point either way by chance.
 */
export function identifyTrack(
  evidence: Evidence,
  gallery: Gallery,
  options: Pick<RecognitionOptions, 'pooled' | 'tracks'>,
): Identification | null {
  const look = pooledLook(evidence);
  if (look === null) return null;
  const { margin } = options.pooled;
  return identify(look, gallery, {
    ...options.pooled,
    margin: margin * (1 + 1 / Math.max(1, effectiveLooks(evidence, options.tracks))),
  });
}
