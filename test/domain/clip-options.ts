// Clips are short: who is not seen for ten seconds has left.
import { defaultOptions, type RecognitionOptions } from '../../src/domain/options.js';

export const clipOptions: RecognitionOptions = {
  ...defaultOptions,
  presence: { ...defaultOptions.presence, leaveAfterMs: 10_000 },
};
