// The quality of an observation, measured on the aligned face and its landmarks before any name is known.

import { ALIGNED_PX, alignmentOf, misfitOf } from './alignment.js';
import { eyesApart } from './candidate.js';
import type { Landmarks, Quality } from './face.js';
import { luma } from './picture.js';

/**
 * The normalised Laplacian at which sharpness is 0.5. There the blur (a Gaussian of 2 px in the crop) leaves the embedding a
 * cosine of 0.9 to that of the sharp face. Measured on LFW development photos with MobileFaceNet: unblurred photos have a
 * sharpness of 0.93; the cosine is 0.96 at a sharpness of 0.66, 0.68 at 0.27 and 0.44 at 0.17.
 */
const HALF_SHARP = 0.005;

/** Depths and heights of an average head in eye distances, for the pose: nose tip and mouth in front of the plane of the eyes. */
const NOSE_DEPTH = 0.7;
const MOUTH_DEPTH = 0.3;
const MOUTH_BELOW_EYES = 1.15;
/** Position of the detector's nose tip between eyes (0) and mouth (1) on a level face: the median of LFW's photos. */
const NOSE_LEVEL = 0.555;

/** Quality of an aligned face `[112, 112, 3]` that was found with these landmarks (frame pixels), and that is not embedded yet. */
export function qualityOf(crop: Uint8Array, landmarks: Landmarks): Quality {
  const gray = new Float32Array(ALIGNED_PX * ALIGNED_PX);
  for (let i = 0; i < gray.length; i++) gray[i] = luma(crop[3 * i]!, crop[3 * i + 1]!, crop[3 * i + 2]!);
  const { mean, deviation } = meanAndDeviation(gray);
  return {
    eyesPx: eyesApart(landmarks),
    sharpness: sharpness(gray, deviation),
    ...poseOf(landmarks),
    light: mean / 255,
    contrast: deviation / 255,
    rollDegrees: rollOf(landmarks),
    misfit: misfitOf(landmarks),
    glare: glare(gray),
    clarity: null,
  };
}

/** Luma from which on a pixel is overexposed: what a camera makes of a light that is too bright for it, with some noise. */
const OVEREXPOSED = 250;
/** The face within the aligned face, without hair and background: columns and rows. */
const FACE = { left: 22, right: 90, top: 24, bottom: 104 };

/** The share of overexposed pixels of the face. */
function glare(gray: Float32Array): number {
  let bright = 0;
  for (let y = FACE.top; y < FACE.bottom; y++) {
    for (let x = FACE.left; x < FACE.right; x++) if (gray[y * ALIGNED_PX + x]! >= OVEREXPOSED) bright++;
  }
  return bright / ((FACE.bottom - FACE.top) * (FACE.right - FACE.left));
}

/** Degrees clockwise in the picture; 0 for landmarks that coincide. */
function rollOf(landmarks: Landmarks): number {
  const similarity = alignmentOf(landmarks);
  // The alignment turns the face back.
  return similarity === null ? 0 : degrees(Math.atan2(-similarity.b, similarity.a));
}

function meanAndDeviation(values: Float32Array): { mean: number; deviation: number } {
  let sum = 0;
  let square = 0;
  for (const value of values) {
    sum += value;
    square += value * value;
  }
  const mean = sum / values.length;
  return { mean, deviation: Math.sqrt(Math.max(0, square / values.length - mean * mean)) };
}

/** Variance of the Laplacian over the middle of the face, relative to the picture's own variance, mapped to 0 to 1. */
function sharpness(gray: Float32Array, deviation: number): number {
  const margin = 16;
  let sum = 0;
  let square = 0;
  let count = 0;
  for (let y = margin; y < ALIGNED_PX - margin; y++) {
    for (let x = margin; x < ALIGNED_PX - margin; x++) {
      const at = y * ALIGNED_PX + x;
      const edge = 4 * gray[at]! - gray[at - 1]! - gray[at + 1]! - gray[at - ALIGNED_PX]! - gray[at + ALIGNED_PX]!;
      sum += edge;
      square += edge * edge;
      count++;
    }
  }
  const variance = square / count - (sum / count) ** 2;
  // A flat picture has no edges. The floor of 100 keeps its noise from counting as sharpness.
  const share = variance / Math.max(deviation * deviation, 100);
  return share / (share + HALF_SHARP);
}

/**
 * Yaw and pitch in degrees from eyes, nose tip and mouth, after undoing the roll. Coarse (about 10 degrees), because
 * one average head stands for all.
 */
export function poseOf(landmarks: Landmarks): Pick<Quality, 'yawDegrees' | 'pitchDegrees'> {
  const [right, left, nose, mouth] = landmarks;
  const apart = eyesApart(landmarks);
  if (!(apart > 0)) return { yawDegrees: 0, pitchDegrees: 0 };
  const ux = (left[0] - right[0]) / apart;
  const uy = (left[1] - right[1]) / apart;
  const across = (p: readonly [number, number]) => (p[0] - middleX) * ux + (p[1] - middleY) * uy;
  const down = (p: readonly [number, number]) => (p[1] - middleY) * ux - (p[0] - middleX) * uy;
  const middleX = (right[0] + left[0]) / 2;
  const middleY = (right[1] + left[1]) / 2;
  // After a turn by `yaw` the eyes are cos(yaw) apart and the nose tip moves sideways by depth * sin(yaw).
  const yaw = Math.atan2(across(nose) / NOSE_DEPTH, apart);
  const ratio = down(mouth) > 0 ? Math.min(1, Math.max(0, down(nose) / down(mouth))) : NOSE_LEVEL;
  // After a tilt by `pitch` a point `h` below the eyes and `d` in front of them appears h cos(pitch) - d sin(pitch) below them.
  const pitch = Math.atan((MOUTH_BELOW_EYES * (NOSE_LEVEL - ratio)) / (NOSE_DEPTH - MOUTH_DEPTH * ratio));
  return { yawDegrees: degrees(yaw), pitchDegrees: degrees(pitch) };
}

function degrees(radians: number): number {
  return (radians * 180) / Math.PI;
}
