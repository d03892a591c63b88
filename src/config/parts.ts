// The options of the camera, the engine, recognition and calibration that follow from the configuration.
import type { Log } from '../base/log.js';
import { type CameraOptions, defaultCameraOptions } from '../camera/options.js';
import { chooseEmbedder, defaultManifestPath, readCohort, readManifest } from '../engine/manifest.js';
import type { EngineOptions } from '../engine/supervisor.js';
import { type Budget, type Calibration, calibrate, calibrated } from '../gallery/calibration.js';
import type { Gallery } from '../gallery/person.js';
import { type PersonScores, personScores } from '../gallery/score-bins.js';
import { type RoomOptions, roomOptionsFor } from '../room/options.js';
import type { Config } from './load.js';

export function cameraOptions({ camera }: Config): CameraOptions {
  return { ...defaultCameraOptions, ...camera };
}

/** Where the journal of the room is, and the key file that seals it. */
export function journalPlace({ store }: Config): { readonly directory: string; readonly keyFile: string } {
  return { directory: store.roomDirectory, keyFile: store.keyFile };
}

/** For the daemon and every verb that analyses pictures. */
export function engineOptions(config: Config, log: Log): EngineOptions {
  const { id, threads, runtime, device } = config.embedder;
  const onnxDevice = runtime === 'onnxruntime' ? device : null;
  return { ...config.detector, embedder: id, onnxDevice, ...(threads === null ? {} : { threads }), log };
}

/** The options that are shipped for the embedder, with the configured values in place of the defaults. Errors: MODEL_MISSING. */
export function recognitionOptions(config: Config): RoomOptions {
  const { threshold, margin } = config.recognition;
  const configured = { ...(threshold === null ? {} : { threshold }), ...(margin === null ? {} : { margin }) };
  const capped = (strangerBelow: number): number => Math.min(strangerBelow, threshold ?? strangerBelow);
  const shipped = roomOptionsFor(chooseEmbedder(readManifest(), config.embedder.id).id);
  const { single, pooled, gate, naming, staticFaces, presence, motionSupport } = shipped;
  return {
    ...shipped,
    single: { ...single, ...configured, strangerBelow: capped(single.strangerBelow) },
    pooled: { ...pooled, ...configured },
    gate: { ...gate, leastEyesPx: config.detector.minEyesPx },
    naming: {
      ...naming,
      leastAgreeing: config.presence.looks,
      windowMs: config.presence.windowMs,
      strangerObservations: config.presence.strangers
        ? Math.max(naming.strangerObservations, config.presence.looks)
        : Number.POSITIVE_INFINITY,
    },
    staticFaces: { ...staticFaces, afterMs: config.recognition.pictureAfterMs },
    presence: { ...presence, leaveAfterMs: config.presence.leaveAfterMs },
    motionSupport: { ...motionSupport, halfLifeMs: config.presence.motionHalfLifeMs },
    frameIntervalMs: 1000 / config.camera.framerate,
  };
}

type Cohort = ReturnType<typeof readCohort>;

/** The cohort that was read last. The daemon holds it in any case; each report would read it again. */
let lastCohort: { readonly manifestPath: string; readonly space: string; readonly cohort: Cohort } | null = null;

function cohortOf(manifestPath: string, space: string): Cohort {
  if (lastCohort?.manifestPath !== manifestPath || lastCohort.space !== space)
    lastCohort = { manifestPath, space, cohort: readCohort(readManifest(manifestPath), space) };
  return lastCohort.cohort;
}

/** The thresholds of each person. The daemon, `calibrate`, `identify` and the evaluation all use it, so they give the same results. */
export interface Calibrator {
  readonly budget: Budget;
  /** Size of the cohort that is shipped with the model. */
  readonly cohort: number;
  calibration(gallery: Gallery): Calibration;
  /** How own photos and unknown faces lie around the threshold of each person, for drawings. `calibration` is that of `gallery`. */
  scores(gallery: Gallery, calibration: Calibration): readonly PersonScores[];
  /** The gallery with the thresholds of its people. Takes about 3 ms a person on a PC, so call it once for each change of the gallery. */
  calibrated(gallery: Gallery): Gallery;
}

/**
 * For galleries of `space`. A configured threshold or margin is not calibrated. Errors: MODEL_MISSING, MODEL_HASH (exit 78).
 */
export function createCalibrator(
  config: Pick<Config, 'recognition'>,
  space: string,
  options: Pick<RoomOptions, 'single' | 'pooled'>,
  manifestPath = defaultManifestPath,
): Calibrator {
  const { threshold, margin, wrongNamesPerMonth, strangersPerDay } = config.recognition;
  const cohort = cohortOf(manifestPath, space);
  const budget = { wrongNamesPerMonth, strangersPerDay };
  const fixed = { threshold: threshold !== null, margin: margin !== null };
  const calibration = (gallery: Gallery): Calibration => calibrate(gallery, cohort, budget, options, fixed);
  return {
    budget,
    cohort: cohort.vectors.length,
    calibration,
    scores(gallery, calibrationOf) {
      const { people } = calibrated(gallery, calibrationOf);
      const unknown = [...cohort.vectors, ...gallery.cohort];
      return people
        .filter(({ templates }) => templates.length > 0)
        .map((person) => personScores(person, unknown, options.single));
    },
    calibrated: (gallery) => calibrated(gallery, calibration(gallery)),
  };
}
