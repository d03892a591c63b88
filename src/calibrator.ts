// From the configuration and the model in use to what each person needs for a name: the daemon, `calibrate`, `identify` and the
// evaluation ask here, so that all of them mean the same.
import type { Config } from './config.js';
import { type Budget, type Calibration, calibrate, calibrated } from './domain/calibration.js';
import type { Gallery } from './domain/gallery.js';
import type { RecognitionOptions } from './domain/options.js';
import { readCohort } from './engine/cohort.js';
import { defaultManifestPath, readManifest } from './engine/manifest.js';

export interface Calibrator {
  readonly budget: Budget;
  /** Strangers that came with the model. */
  readonly cohort: number;
  calibration(gallery: Gallery): Calibration;
  /** The gallery with what its people need; costs about 3 ms a person on a desk machine, so once for each change of the gallery. */
  calibrated(gallery: Gallery): Gallery;
}

/**
 * For galleries of `space`. A threshold or margin that the configuration names stands as it is. Errors: MODEL_MISSING,
 * MODEL_HASH (exit 78).
 */
export function createCalibrator(
  config: Pick<Config, 'recognition'>,
  space: string,
  options: Pick<RecognitionOptions, 'look' | 'pooled'>,
  manifestPath = defaultManifestPath,
): Calibrator {
  const { threshold, margin, wrongNamesPerMonth, strangersPerDay } = config.recognition;
  const cohort = readCohort(readManifest(manifestPath), space);
  const budget = { wrongNamesPerMonth, strangersPerDay };
  const fixed = { threshold: threshold !== null, margin: margin !== null };
  const calibration = (gallery: Gallery): Calibration => calibrate(gallery, cohort, budget, options, fixed);
  return {
    budget,
    cohort: cohort.vectors.length,
    calibration,
    calibrated: (gallery) => calibrated(gallery, calibration(gallery)),
  };
}
