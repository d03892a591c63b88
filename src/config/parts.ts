// From the configuration to what the camera is told.
import type { Log } from '../base/log.js';
import { type CameraOptions, defaultCameraOptions } from '../camera/options.js';
import { readCohort } from '../engine/cohort.js';
import { chooseEmbedder, defaultManifestPath, readManifest } from '../engine/manifest.js';
import type { EngineOptions } from '../engine/supervisor.js';
import { type Budget, type Calibration, calibrate, calibrated } from '../gallery/calibration.js';
import type { Gallery } from '../gallery/person.js';
import { type RoomOptions, roomOptionsFor } from '../room/options.js';
import type { Config } from './load.js';

export function cameraOptions({ camera }: Config): CameraOptions {
  return { ...defaultCameraOptions, ...camera };
}

// From the configuration to what the engine is told; the daemon and every verb that looks at pictures use this one.

export function engineOptions(config: Config, log: Log): EngineOptions {
  const { detector, embedder } = config;
  return {
    embedder: embedder.id,
    ...(embedder.threads === null ? {} : { threads: embedder.threads }),
    score: detector.score,
    minEyesPx: detector.minEyesPx,
    tilesPerFrame: detector.tilesPerFrame,
    log,
  };
}

// From the configuration and the embedder in use to what recognition is told.

/** The options shipped for the embedder with what the configuration says put over them. Errors: MODEL_MISSING. */
export function recognitionOptions(config: Config): RoomOptions {
  const { threshold, margin } = config.recognition;
  const given = { ...(threshold === null ? {} : { threshold }), ...(margin === null ? {} : { margin }) };
  const capped = (strangerBelow: number): number => Math.min(strangerBelow, threshold ?? strangerBelow);
  const shipped = roomOptionsFor(chooseEmbedder(readManifest(), config.embedder.id).id);
  const { single: look, pooled, gate, naming, staticFaces: fixed, presence, motionSupport: places } = shipped;
  return {
    ...shipped,
    single: { ...look, ...given, strangerBelow: capped(look.strangerBelow) },
    pooled: { ...pooled, ...given },
    gate: { ...gate, leastEyesPx: config.detector.minEyesPx },
    naming: {
      ...naming,
      leastAgreeing: config.presence.looks,
      windowMs: config.presence.windowMs,
      strangerObservations: config.presence.strangers
        ? Math.max(naming.strangerObservations, config.presence.looks)
        : Number.POSITIVE_INFINITY,
    },
    staticFaces: { ...fixed, afterMs: config.recognition.pictureAfterMs },
    presence: { ...presence, leaveAfterMs: config.presence.leaveAfterMs, holdMs: config.presence.holdMs },
    motionSupport: { ...places, halfLifeMs: config.presence.motionHalfLifeMs },
  };
}

// From the configuration and the model in use to what each person needs for a name: the daemon, `calibrate`, `identify` and the
// evaluation ask here, so that all of them mean the same.

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
  options: Pick<RoomOptions, 'single' | 'pooled'>,
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
