// Guides an enrolment in front of the camera: decides which samples to accept and what to ask for next. Pure; time is an argument.
//
// Invariant: a sample is accepted only if its face is alone in the frame, is better than a photo has to be, resembles the earlier samples
// as those of one person do, and is no duplicate of one of them.
import { afterFrame, noPace, type Pace, usualInterval, windowMs } from '../base/pace.js';
import type { Face, Quality } from '../vision/face.js';
import { templateGate } from '../vision/quality-gate.js';
import { duplicateAbove, oddBelow } from './enrolment.js';
import { centre, similarity } from './similarity.js';

/** The pose from the view of the person who is enrolled: `left` is their own left. */
export type Pose = 'front' | 'left' | 'right' | 'up' | 'down';

/** The number of samples of each pose, in the order in which they are asked for. */
export const wanted: Readonly<Record<Pose, number>> = { front: 5, left: 3, right: 3, up: 2, down: 2 };
export const poses = Object.keys(wanted) as readonly Pose[];
export const wantedSamples = Object.values(wanted).reduce((sum, count) => sum + count, 0);

/**
 * The quality limits of a sample. They are stricter than those of photos (enrolment.ts), because the person can come closer and the
 * samples are used for years. 40 px between the eyes is slightly more than the embedder's input has (35 px). Below a sharpness of 0.5
 * the embedding loses a tenth (quality.ts). Of 400 portraits 1 % are darker than 0.23, have less contrast than 0.13 or score below 0.64. Roll,
 * misfit, glare and clarity are those of photos (quality-gate.ts); only the roll is stricter, because the person can hold the head upright.
 */
export const good = {
  score: 0.6,
  eyesPx: 40,
  leastLight: 0.2,
  mostLight: 0.9,
  contrast: 0.1,
  sharpness: 0.5,
  rollDegrees: 30,
  misfit: templateGate.mostMisfit,
  glare: 0.2,
  clarity: templateGate.leastClarity,
} as const;

/**
 * Limits of the poses, degrees. Landmarks give poses to about 10 degrees (quality.ts), so left is far from front. Up and down are relative
 * to the person's own front.
 */
const facing = { yaw: 12, pitch: 22 };
const turned = { least: 15, most: 45 };
const tilted = { least: 8, most: 35, yaw: 20 };

/** Least time between two samples. */
const apartMs = 300;
/** A face is in the background if its eyes are closer together than this share of the largest face's (as in photos). */
const backgroundShare = 1 / 3;
/**
 * A pose that a person has tried for this long is abandoned, because not everybody can take every pose and not every camera position
 * allows it. It is abandoned sooner if it gave duplicates of earlier samples of this pose for this long, which teach nothing new.
 */
const triedForMs = 20_000;
const duplicatesForMs = 5000;
/** An enrolment needs at least this many samples from the front. */
const leastFront = 3;
/** Without a new sample for this long and in so many frames, the enrolment is stuck. */
const stuckAfterMs = 60_000;
const stuckAfterFrames = 20;

export type GuidedFace = Pick<Face, 'score' | 'quality' | 'embedding'>;

export interface Sample {
  readonly pose: Pose;
  readonly quality: Quality;
  readonly vector: Float32Array;
}

/** The reason why the present frame gave no sample; `accepted` if it gave one. */
export type Obstacle =
  | 'blind'
  | 'nobody'
  | 'several'
  | 'small'
  | 'dark'
  | 'bright'
  | 'flat'
  | 'tilted'
  | 'blurred'
  | 'doubtful'
  | 'other'
  | 'pose'
  | 'duplicate'
  | 'accepted';

/** The state of a guided enrolment. Immutable; `startGuidance` gives the first one. */
export interface Guidance {
  readonly samples: readonly Sample[];
  /** Poses that are no longer asked for, although samples are missing. */
  readonly abandoned: readonly Pose[];
  /** The pose to ask for; null when all samples are there. */
  readonly next: Pose | null;
  readonly obstacle: Obstacle;
  /** The face that `obstacle` describes. */
  readonly face: GuidedFace | null;
  /** Number of faces in the frame without those in the background. */
  readonly faces: number;
  readonly atMs: number;
  readonly sampledMs: number;
  /** Time of the last progress: a sample or an abandoned pose. */
  readonly progressMs: number;
  /** How long an otherwise good face has tried `next` since the last progress. */
  readonly triedMs: number;
  /** How much of `triedMs` it spent on duplicates of samples of `next`. */
  readonly duplicateMs: number;
  /** How often frames come. */
  readonly pace: Pace;
}

const nothingTried = { triedMs: 0, duplicateMs: 0 } as const;

export function startGuidance(atMs: number): Guidance {
  const times = { atMs, sampledMs: Number.NEGATIVE_INFINITY, progressMs: atMs, ...nothingTried, pace: noPace };
  return { samples: [], abandoned: [], next: 'front', obstacle: 'nobody', face: null, faces: 0, ...times };
}

/** Processes one frame. `faces` is null while the camera gives no frames. */
export function guide(before: Guidance, faces: readonly GuidedFace[] | null, atMs: number): Guidance {
  const largest = Math.max(0, ...(faces ?? []).map(({ quality }) => quality.eyesPx));
  const near = (faces ?? []).filter(({ quality }) => quality.eyesPx >= backgroundShare * largest);
  const [face = null] = near;
  const pace = faces === null ? before.pace : afterFrame(before.pace, atMs);
  const current = { ...before, face, faces: near.length, atMs, pace };
  if (before.next === null) return current;
  const obstacle = obstacleOf(faces, near);
  if (obstacle !== null) return { ...current, obstacle };
  const { quality, embedding: vector } = face!;
  if (isAnother(vector!, before.samples)) {
    // Somebody else may have passed by before the person came. With so few samples, starting again costs nothing.
    const samples = before.samples.length < leastFront ? [] : before.samples;
    return { ...current, samples, obstacle: 'other' };
  }
  const pose = poseOf(quality, before.samples);
  if (pose === null || count(before.samples, pose) >= wanted[pose])
    return withTriedTime({ ...current, obstacle: 'pose' }, before, false);
  if (atMs - before.sampledMs < apartMs) return current;
  if (before.samples.some((sample) => similarity(sample.vector, vector!) > duplicateAbove))
    return withTriedTime({ ...current, obstacle: 'duplicate' }, before, pose === before.next);
  const samples = [...before.samples, { pose, quality, vector: vector! }];
  const next = nextPose(samples, before.abandoned);
  return { ...current, ...nothingTried, samples, next, obstacle: 'accepted', sampledMs: atMs, progressMs: atMs };
}

/** Whether the enrolment makes no progress and should end. */
export function isStuck({ next, atMs, progressMs, pace }: Guidance): boolean {
  return next !== null && atMs - progressMs >= windowMs(stuckAfterMs, stuckAfterFrames, usualInterval(pace) ?? 0);
}

/** Whether there are enough samples to enrol the person. */
export function isEnough({ samples }: Guidance): boolean {
  return count(samples, 'front') >= leastFront;
}

/** The number of samples of a pose. */
export function count(samples: readonly Sample[], pose: Pose): number {
  return samples.filter((sample) => sample.pose === pose).length;
}

/** The obstacle before the pose matters: no single near face, or poor quality. null if there is none. */
function obstacleOf(faces: readonly GuidedFace[] | null, near: readonly GuidedFace[]): Obstacle | null {
  if (faces === null) return 'blind';
  if (near.length > 1) return 'several';
  const [face] = near;
  return face === undefined ? 'nobody' : poor(face);
}

/** The quality limit that a face misses, independent of its pose; null if it meets all. */
function poor({ score, quality, embedding }: GuidedFace): Obstacle | null {
  if (quality.eyesPx < good.eyesPx) return 'small';
  if (quality.light < good.leastLight) return 'dark';
  if (quality.light > good.mostLight || quality.glare > good.glare) return 'bright';
  if (quality.contrast < good.contrast) return 'flat';
  if (quality.sharpness < good.sharpness) return 'blurred';
  if (Math.abs(quality.rollDegrees) > good.rollDegrees) return 'tilted';
  const isUnclear = quality.clarity !== null && quality.clarity < good.clarity;
  return score < good.score || quality.misfit > good.misfit || isUnclear || embedding === null ? 'doubtful' : null;
}

/** Whether a face does not resemble the samples as those of one person do. */
export function isAnother(vector: Float32Array, samples: readonly Pick<Sample, 'vector'>[]): boolean {
  const middle = centre(samples.map((sample) => sample.vector));
  return middle !== null && similarity(vector, middle) < oddBelow;
}

/**
 * The pose of a face; null if it is between two poses or turned too far. `leastForLevel`: the frontal samples that tell the level of the
 * head. Several are needed in a film, where a single one may have been taken in motion; of photos one is enough.
 */
export function poseOf(
  { yawDegrees: yaw, pitchDegrees: pitch }: Quality,
  samples: readonly Pick<Sample, 'pose' | 'quality'>[],
  leastForLevel = leastFront,
): Pose | null {
  const front = samples.filter((sample) => sample.pose === 'front').map(({ quality }) => quality.pitchDegrees);
  const level = front.sort((a, b) => a - b)[front.length >> 1] ?? 0;
  const up = pitch - level;
  if (front.length >= leastForLevel && Math.abs(yaw) <= tilted.yaw && Math.abs(up) >= tilted.least) {
    if (Math.abs(up) > tilted.most) return null;
    return up > 0 ? 'up' : 'down';
  }
  if (Math.abs(yaw) <= facing.yaw) return Math.abs(pitch) <= facing.pitch ? 'front' : null;
  if (Math.abs(yaw) < turned.least || Math.abs(yaw) > turned.most) return null;
  // A positive yaw points to the right of the frame, which is the person's own left.
  return yaw > 0 ? 'left' : 'right';
}

/** Adds the time since the last frame to the time spent on the present pose, and abandons the pose when it was tried for too long. */
function withTriedTime(current: Guidance, before: Guidance, isDuplicateOfPose: boolean): Guidance {
  const passedMs = Math.min(1000, Math.max(0, current.atMs - before.atMs));
  const triedMs = before.triedMs + passedMs;
  const duplicateMs = before.duplicateMs + (isDuplicateOfPose ? passedMs : 0);
  const isTried = triedMs >= triedForMs || duplicateMs >= duplicatesForMs;
  if (!isTried || current.next === null || !isEnough(current)) return { ...current, triedMs, duplicateMs };
  const abandoned = [...current.abandoned, current.next];
  const next = nextPose(current.samples, abandoned);
  return { ...current, ...nothingTried, abandoned, next, progressMs: current.atMs };
}

function nextPose(samples: readonly Sample[], abandoned: readonly Pose[]): Pose | null {
  return poses.find((pose) => count(samples, pose) < wanted[pose] && !abandoned.includes(pose)) ?? null;
}

// The instructions for the person who is enrolled: one sentence per frame, at most 73 characters.

const instructions: Readonly<Record<Pose, string>> = {
  front: 'look into the camera',
  left: 'turn your head to your left',
  right: 'turn your head to your right',
  up: 'lift your chin a little',
  down: 'lower your chin a little',
};

/**
 * The instruction for the present frame. `mirrored`: the camera's picture is mirrored, so the person's left is the left of the frame.
 */
export function advice({ obstacle, face, faces, next }: Guidance, mirrored = false): string {
  if (next === null) return 'that is all, thank you';
  const px = face?.quality.eyesPx.toFixed(0);
  const percent = (share: number | undefined) => `${Math.round(100 * (share ?? 0))} %`;
  switch (obstacle) {
    case 'blind':
      return 'wait: the camera gives no picture';
    case 'nobody':
      return 'stand in front of the camera: no face is visible';
    case 'several':
      return `one face only, please: ${faces} are visible (pictures count too)`;
    case 'small':
      return `come closer (${px} px between the eyes, ${good.eyesPx} px wanted)`;
    case 'dark':
      return `more light on the face (${percent(face?.quality.light)}, ${percent(good.leastLight)} wanted)`;
    case 'bright':
      return `less light on the face (${percent(face?.quality.light)}, ${percent(good.mostLight)} at most)`;
    case 'flat':
      return `more even light, not from behind (contrast ${percent(face?.quality.contrast)}, ${percent(good.contrast)} wanted)`;
    case 'tilted':
      return `hold your head upright (tilted by ${Math.abs(face?.quality.rollDegrees ?? 0).toFixed(0)}°, ${good.rollDegrees}° at most)`;
    case 'blurred':
      return `hold still (sharpness ${percent(face?.quality.sharpness)}, ${percent(good.sharpness)} wanted)`;
    case 'doubtful':
      return 'show the whole face: uncovered and not turned away';
    case 'other':
      return 'this is not the face that the enrolment started with';
    case 'duplicate':
      return `move your head a little and ${poseWords(next, mirrored)}`;
    case 'pose':
    case 'accepted':
      return poseWords(next, mirrored);
  }
}

/** The poses without a sample as the end of a sentence; '' if there are none. */
export function leftOutWords({ samples }: Pick<Guidance, 'samples'>): string {
  const missing = poses.filter((pose) => count(samples, pose) === 0);
  return missing.length === 0 ? '' : `, without ${missing.join(', ')}`;
}

function poseWords(pose: Pose, mirrored: boolean): string {
  if (mirrored && pose === 'left') return instructions.right;
  if (mirrored && pose === 'right') return instructions.left;
  return instructions[pose];
}
