// Clips are short: who is not seen for ten seconds has left. Thresholds are the clips' own, so that a newly measured embedder
// does not change what was recorded.
import { defaultOptions, type RecognitionOptions } from '../../src/domain/options.js';

export const clipOptions: RecognitionOptions = {
  ...defaultOptions,
  look: { ...defaultOptions.look, threshold: 0.51 },
  pooled: { ...defaultOptions.pooled, threshold: 0.56 },
  presence: { ...defaultOptions.presence, leaveAfterMs: 10_000 },
};
