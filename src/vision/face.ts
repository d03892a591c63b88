// What the engine reports about a frame: plain data without pixels, so no later step can leak a picture.

/** `[x, y, width, height]` in pixels of the frame; x to the right, y down. */
export type Box = readonly [x: number, y: number, width: number, height: number];

/** Intersection over union of two boxes, 0 to 1. */
export function overlap(a: Box, b: Box): number {
  const common = intersection(a, b);
  const union = a[2] * a[3] + b[2] * b[3] - common;
  return union > 0 ? common / union : 0;
}

/** Intersection over the smaller box, 0 to 1: 1 for a box inside another. */
export function containment(a: Box, b: Box): number {
  const smaller = Math.min(a[2] * a[3], b[2] * b[3]);
  return smaller > 0 ? intersection(a, b) / smaller : 0;
}

function intersection(a: Box, b: Box): number {
  const width = Math.min(a[0] + a[2], b[0] + b[2]) - Math.max(a[0], b[0]);
  const height = Math.min(a[1] + a[3], b[1] + b[3]) - Math.max(a[1], b[1]);
  return width > 0 && height > 0 ? width * height : 0;
}

/** Distance between the middles of two boxes, pixels. */
export function middlesApart(a: Box, b: Box): number {
  return Math.hypot(a[0] + a[2] / 2 - b[0] - b[2] / 2, a[1] + a[3] / 2 - b[1] - b[3] / 2);
}

/** `[x, y]` in pixels of the frame. */
export type Point = readonly [x: number, y: number];

/**
 * Points in BlazeFace's order: right eye (left in the image), left eye, nose tip, mouth centre, and from a close-up right ear
 * tragion, left ear tragion.
 */
export type Landmarks = readonly [Point, Point, Point, Point, ...Point[]];

/** The quality of an observation. Every number is measured on the frame, before any name is known. */
export interface Quality {
  /** Distance between the eyes in pixels of the frame. */
  readonly eyesPx: number;
  /** Sharpness from 0 (blurred) to 1 (sharp), from the variance of the Laplacian of the aligned face. */
  readonly sharpness: number;
  /** Head turned sideways, degrees: 0 is frontal, positive is to the image's right. A coarse estimate from landmarks. */
  readonly yawDegrees: number;
  /** Head turned up (positive) or down, degrees. A coarse estimate from landmarks. */
  readonly pitchDegrees: number;
  /** Mean luma of the aligned face, 0 black to 1 white. */
  readonly light: number;
  /** Standard deviation of the luma of the aligned face, 0 to 0.5. */
  readonly contrast: number;
  /** Turned in the plane of the picture, degrees: 0 is upright, positive is clockwise, -180 to 180. */
  readonly rollDegrees: number;
  /**
   * How far the landmarks are from those of an average face that is moved, scaled and turned onto them: root mean square in distances
   * between the eyes. Large where the detector placed them wrongly, and where the face is turned or distorted.
   */
  readonly misfit: number;
  /** Share of the aligned face that is overexposed, 0 to 1. */
  readonly glare: number;
  /**
   * How much of a face the embedder recognises: the length of its embedding before it is scaled to unit length, 1 for a good portrait.
   * Low for faces that are hidden in part, and for what is no upright face. null where the face was not embedded, or where nobody
   * measured the embedder's lengths.
   */
  readonly clarity: number | null;
}

/** What earlier versions did not measure: their templates were all taken for upright and plausible. */
export const unmeasuredQuality = { rollDegrees: 0, misfit: 0, glare: 0, clarity: null } as const;

/** One face in one frame. */
export interface Face {
  readonly box: Box;
  readonly landmarks: Landmarks;
  /** Detector's score, 0 to 1. */
  readonly score: number;
  readonly quality: Quality;
  /** Unit-length embedding, `dimension` numbers; null if the face was too poor to be embedded or only detection was requested. */
  readonly embedding: Float32Array | null;
  /** It certainly continues a track whose embedding is not due (`AnalyzeOptions.expected`): it has none for that reason alone. */
  readonly isContinued?: boolean;
}

/** Everything that the engine reports about one frame. */
export interface Analysis {
  /** When the frame was captured, monotonic milliseconds. */
  readonly capturedAt: number;
  readonly sequence: number;
  readonly width: number;
  readonly height: number;
  readonly faces: readonly Face[];
}

/** What a recording holds about a face: its track and its weight. Live faces have none. */
export interface RecordedFace {
  /** The track as it was numbered live. */
  readonly track: number;
  /** In how many frames the track was found so far, this one included. */
  readonly frames: number;
  /** When the track was last seen, on the clock of `capturedAt`. A recording omits frames in between. */
  readonly untilMs: number;
  /** How much the face counts, 0 to 1. */
  readonly weight: number;
}

export interface ObservedFace extends Omit<Face, 'landmarks'> {
  readonly recorded?: RecordedFace;
}

/** One frame as the room's decision step takes it. Either every face of it is recorded, or none is. */
export interface Observation extends Omit<Analysis, 'faces'> {
  readonly faces: readonly ObservedFace[];
  /** Where the picture differs from the one analysed before, boxes in pixels; absent where frames were not compared. */
  readonly moved?: readonly Box[];
}
