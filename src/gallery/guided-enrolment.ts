// A guided enrolment: which samples of somebody who stands before the camera are taken, and what they are asked for next. Pure;
// time is an argument.
//
// Invariant: a sample is taken only when its face is alone in the picture, better than a photo would have to be, like the samples taken
// before it as one person's are, and no twin of one of them.
import type { Face, Quality } from '../vision/face.js';
import { duplicateAbove, oddBelow } from './enrolment.js';
import { centre, similarity } from './similarity.js';

/** As the person who is enrolled would say it: `left` is their own left. */
export type Pose = 'front' | 'left' | 'right' | 'up' | 'down';

/** How many samples of each pose are wanted, in the order in which they are asked for. */
export const wanted: Readonly<Record<Pose, number>> = { front: 5, left: 3, right: 3, up: 2, down: 2 };
export const poses = Object.keys(wanted) as readonly Pose[];
export const wantedSamples = Object.values(wanted).reduce((sum, count) => sum + count, 0);

/**
 * What a sample must have. Stricter than the gate of photos (enrolment.ts): whoever stands there can come closer, and the samples
 * stay for years. 40 px between the eyes is what the embedder's input has (35 px) and a little more; below a sharpness of 0.5 the
 * embedding loses a tenth (quality.ts). Of 400 portraits 1 % are darker than 0.23, of less contrast than 0.13, scored below 0.64.
 */
export const good = {
  score: 0.6,
  eyesPx: 40,
  leastLight: 0.2,
  mostLight: 0.9,
  contrast: 0.1,
  sharpness: 0.5,
} as const;

/** Degrees. Landmarks tell poses to about 10 degrees (quality.ts), so left is far from front; up and down are as against the person's own front. */
const facing = { yaw: 12, pitch: 22 };
const turned = { least: 15, most: 45 };
const tilted = { least: 8, most: 35, yaw: 20 };

/** Frames of one moment are one sample. */
const apartMs = 300;
/** Somebody else in the background: eyes nearer together than this share of the largest face's (as in photos). */
const backgroundShare = 1 / 3;
/**
 * A pose that somebody tries for so long is over: not everybody can, and not every camera hangs where it can be done. The sooner
 * where all that comes is twins of samples of this pose: then there is nothing more to learn from it.
 */
const triedForMs = 20_000;
const twinsForMs = 5000;
/** Samples from the front without which nobody is enrolled. */
const leastFront = 3;
/** Nothing was taken for so long: it will not get better by itself. */
const stuckAfterMs = 60_000;

export type GuidedFace = Pick<Face, 'score' | 'quality' | 'embedding'>;

export interface Sample {
  readonly pose: Pose;
  readonly quality: Quality;
  readonly vector: Float32Array;
}

/** What keeps the present picture from being taken; `taken`: nothing did. */
export type Obstacle =
  | 'blind'
  | 'nobody'
  | 'several'
  | 'small'
  | 'dark'
  | 'bright'
  | 'flat'
  | 'blurred'
  | 'doubtful'
  | 'other'
  | 'pose'
  | 'twin'
  | 'taken';

/** Immutable; starts as `beginGuidance`. */
export interface Guidance {
  readonly samples: readonly Sample[];
  /** Poses that are asked for no more, as far as they got. */
  readonly over: readonly Pose[];
  /** What is asked for; null when there are samples enough. */
  readonly next: Pose | null;
  readonly obstacle: Obstacle;
  /** The face that the obstacle is about. */
  readonly face: GuidedFace | null;
  /** Faces in the picture, those far in the background apart. */
  readonly faces: number;
  readonly atMs: number;
  readonly takenMs: number;
  /** When it last came further. */
  readonly progressMs: number;
  /** How long `next` was tried since the last sample by a face that is good otherwise. */
  readonly triedMs: number;
}

export function beginGuidance(atMs: number): Guidance {
  const times = { atMs, takenMs: Number.NEGATIVE_INFINITY, progressMs: atMs, triedMs: 0 };
  return { samples: [], over: [], next: 'front', obstacle: 'nobody', face: null, faces: 0, ...times };
}

/** One picture further; `faces` is null while the camera gives none. */
export function guide(before: Guidance, faces: readonly GuidedFace[] | null, atMs: number): Guidance {
  const largest = Math.max(0, ...(faces ?? []).map(({ quality }) => quality.eyesPx));
  const near = (faces ?? []).filter(({ quality }) => quality.eyesPx >= backgroundShare * largest);
  const [face = null] = near;
  const seen = { ...before, face, faces: near.length, atMs };
  if (before.next === null) return seen;
  const obstacle = faces === null ? 'blind' : near.length > 1 ? 'several' : face === null ? 'nobody' : poor(face);
  if (obstacle !== null) return { ...seen, obstacle };
  const { quality, embedding: vector } = face!;
  if (isAnother(vector!, before.samples)) {
    // Perhaps somebody passed by before the person came: with so few samples nothing is lost by beginning again.
    const taken = before.samples.length < leastFront ? [] : before.samples;
    return { ...seen, samples: taken, obstacle: 'other' };
  }
  const pose = poseOf(quality, before.samples);
  if (pose === null || count(before.samples, pose) >= wanted[pose])
    return tried({ ...seen, obstacle: 'pose' }, before, triedForMs);
  if (atMs - before.takenMs < apartMs) return seen;
  if (before.samples.some((sample) => similarity(sample.vector, vector!) > duplicateAbove))
    return tried({ ...seen, obstacle: 'twin' }, before, pose === before.next ? twinsForMs : triedForMs);
  const taken = [...before.samples, { pose, quality, vector: vector! }];
  const next = following(taken, before.over);
  return { ...seen, samples: taken, next, obstacle: 'taken', takenMs: atMs, progressMs: atMs, triedMs: 0 };
}

/** Whether it makes no sense to go on. */
export function isStuck({ next, atMs, progressMs }: Guidance): boolean {
  return next !== null && atMs - progressMs >= stuckAfterMs;
}

/** Whether what was taken is worth keeping, as a few photos would be. */
export function isEnough({ samples: taken }: Guidance): boolean {
  return count(taken, 'front') >= leastFront;
}

/** How many samples of a pose were taken. */
export function count(taken: readonly Sample[], pose: Pose): number {
  return taken.filter((sample) => sample.pose === pose).length;
}

/** What makes a face no good for a template, whatever its pose; null where nothing does. */
function poor({ score, quality, embedding }: GuidedFace): Obstacle | null {
  if (quality.eyesPx < good.eyesPx) return 'small';
  if (quality.light < good.leastLight) return 'dark';
  if (quality.light > good.mostLight) return 'bright';
  if (quality.contrast < good.contrast) return 'flat';
  if (quality.sharpness < good.sharpness) return 'blurred';
  return score < good.score || embedding === null ? 'doubtful' : null;
}

function isAnother(vector: Float32Array, taken: readonly Sample[]): boolean {
  const middle = centre(taken.map((sample) => sample.vector));
  return middle !== null && similarity(vector, middle) < oddBelow;
}

/** null: between two poses, or further turned than a face can be recognised. */
function poseOf({ yawDegrees: yaw, pitchDegrees: pitch }: Quality, taken: readonly Sample[]): Pose | null {
  const front = taken.filter((sample) => sample.pose === 'front').map(({ quality }) => quality.pitchDegrees);
  const level = front.sort((a, b) => a - b)[front.length >> 1] ?? 0;
  const up = pitch - level;
  // What level is shows in several samples; a single one may have been on the way.
  if (front.length >= leastFront && Math.abs(yaw) <= tilted.yaw && Math.abs(up) >= tilted.least) {
    if (Math.abs(up) > tilted.most) return null;
    return up > 0 ? 'up' : 'down';
  }
  if (Math.abs(yaw) <= facing.yaw) return Math.abs(pitch) <= facing.pitch ? 'front' : null;
  if (Math.abs(yaw) < turned.least || Math.abs(yaw) > turned.most) return null;
  // Positive is to the image's right, which is the person's own left.
  return yaw > 0 ? 'left' : 'right';
}

/** Time spent on what is asked for, by somebody who does all the rest right. */
function tried(now: Guidance, before: Guidance, enoughMs: number): Guidance {
  const triedMs = before.triedMs + Math.min(1000, Math.max(0, now.atMs - before.atMs));
  if (triedMs < enoughMs || now.next === null || !isEnough(now)) return { ...now, triedMs };
  const over = [...now.over, now.next];
  return { ...now, over, next: following(now.samples, over), progressMs: now.atMs, triedMs: 0 };
}

function following(taken: readonly Sample[], over: readonly Pose[]): Pose | null {
  return poses.find((pose) => count(taken, pose) < wanted[pose] && !over.includes(pose)) ?? null;
}

// What somebody who is being enrolled is told: one sentence for each picture, of at most 73 characters.

const asked: Readonly<Record<Pose, string>> = {
  front: 'look into the camera',
  left: 'turn your head to your left',
  right: 'turn your head to your right',
  up: 'lift your chin a little',
  down: 'lower your chin a little',
};

/**
 * What to do now. `mirrored`: the camera's picture is a mirror's, so that the person's left is the image's left.
 */
export function advice(now: Guidance, mirrored = false): string {
  const { obstacle, face, faces, next } = now;
  if (next === null) return 'that is all, thank you';
  const px = face?.quality.eyesPx.toFixed(0);
  const fine = (value: number | undefined) => value?.toFixed(2);
  switch (obstacle) {
    case 'blind':
      return 'wait: the camera gives no picture';
    case 'nobody':
      return 'stand before the camera: no face is to be seen';
    case 'several':
      return `one face only, please: ${faces} are to be seen (a picture counts, too)`;
    case 'small':
      return `come closer (${px} px between the eyes, ${good.eyesPx} wanted)`;
    case 'dark':
      return `more light on the face (${fine(face?.quality.light)}, ${good.leastLight} wanted)`;
    case 'bright':
      return `less light on the face (${fine(face?.quality.light)}, ${good.mostLight} at most)`;
    case 'flat':
      return `more even light, none from behind (contrast ${fine(face?.quality.contrast)}, ${good.contrast} wanted)`;
    case 'blurred':
      return `hold still (sharpness ${fine(face?.quality.sharpness)}, ${good.sharpness} wanted)`;
    case 'doubtful':
      return 'show the whole face: nothing before it, and not turned away';
    case 'other':
      return 'this is another face than the one this began with';
    case 'twin':
      return `move your head a little, and ${poseWords(next, mirrored)}`;
    case 'pose':
    case 'taken':
      return poseWords(next, mirrored);
  }
}

/** Poses of which there is no sample, as a sentence's end; '' where there are all. */
export function leftOutWords({ samples: taken }: Pick<Guidance, 'samples'>): string {
  const missing = poses.filter((pose) => count(taken, pose) === 0);
  return missing.length === 0 ? '' : `, without ${missing.join(', ')}`;
}

function poseWords(pose: Pose, mirrored: boolean): string {
  if (!mirrored) return asked[pose];
  return asked[pose === 'left' ? 'right' : pose === 'right' ? 'left' : pose];
}
