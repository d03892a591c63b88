// What faces are good enough for: for a name, for a template and, strictest, for the decision that somebody is unknown. A refused face
// carries the reason. It never counts as an unknown person.
//
// The limits of roll, misfit, glare and clarity are measured on the development people (test/bars/strangers.ts; docs/measurements.md,
// "Faces at any angle", has the share of good faces that each limit costs).
import type { Face } from './face.js';

/** The quality that a face needs. */
export interface QualityGate {
  readonly leastScore: number;
  readonly leastEyesPx: number;
  readonly leastSharpness: number;
  readonly mostYawDegrees: number;
  readonly mostPitchDegrees: number;
  readonly leastLight: number;
  readonly leastContrast: number;
  readonly mostRollDegrees: number;
  readonly mostMisfit: number;
  readonly mostGlare: number;
  /** Not asked of a face whose clarity is unknown. */
  readonly leastClarity: number;
}

/**
 * For a comparison with the gallery, and so for a name. Loose where the similarity decides by itself: it refuses what is hardly a face.
 * A face that lies on its side is compared, because the detector often finds its landmarks.
 */
export const defaultGate: QualityGate = {
  leastScore: 0.5,
  leastEyesPx: 12,
  leastSharpness: 0.06,
  mostYawDegrees: 60,
  mostPitchDegrees: 50,
  leastLight: 0.03,
  leastContrast: 0.015,
  mostRollDegrees: 100,
  mostMisfit: 0.3,
  mostGlare: 0.95,
  leastClarity: 0.45,
};

/**
 * For a template: all later faces are compared with it. 20 px between the eyes, because an embedding is unreliable below it. Of
 * faces turned by 120° to 180° the median clarity is 0.65, and 99 of 100 good portraits are above 0.73.
 */
export const templateGate: QualityGate = {
  ...defaultGate,
  leastEyesPx: 20,
  mostRollDegrees: 60,
  mostMisfit: 0.2,
  mostGlare: 0.5,
  leastClarity: 0.7,
};

/**
 * For the decision that somebody is unknown. An unlike embedding says nothing where the face is hidden in part, turned, overexposed or
 * blurred: residents look like nobody then. Some faces that are upside down have the clarity and landmarks of upright ones; the detector
 * gives them a score of at most 0.72, upright ones have at least 0.78 (25 people).
 */
export const strangerGate: QualityGate = {
  ...defaultGate,
  leastScore: 0.73,
  mostRollDegrees: 40,
  mostMisfit: 0.13,
  mostGlare: 0.05,
  leastClarity: 0.84,
};

/** The property that keeps an observation from being compared, with its value and the value it needs. Units are in the names. */
export type QualityRefusal =
  | { readonly kind: 'too-small'; readonly eyesPx: number; readonly neededPx: number }
  | { readonly kind: 'low-score'; readonly score: number; readonly needed: number }
  | { readonly kind: 'turned-aside'; readonly degrees: number; readonly mostDegrees: number }
  | { readonly kind: 'turned-up-or-down'; readonly degrees: number; readonly mostDegrees: number }
  | { readonly kind: 'too-dark'; readonly light: number; readonly needed: number }
  | { readonly kind: 'low-contrast'; readonly contrast: number; readonly needed: number }
  | { readonly kind: 'blurred'; readonly sharpness: number; readonly needed: number }
  | { readonly kind: 'rolled'; readonly degrees: number; readonly mostDegrees: number }
  | { readonly kind: 'implausible'; readonly misfit: number; readonly most: number }
  | { readonly kind: 'overexposed'; readonly glare: number; readonly most: number }
  | { readonly kind: 'unclear-face'; readonly clarity: number; readonly needed: number }
  | { readonly kind: 'not-embedded' };

type GatedFace = Pick<Face, 'score' | 'quality' | 'embedding'>;

/** The first limit of `gate` that this face misses; null when it meets all. */
export function refusal(face: GatedFace, gate: QualityGate): QualityRefusal | null {
  const { eyesPx, yawDegrees, pitchDegrees, light, contrast, sharpness } = face.quality;
  const { rollDegrees, misfit, glare, clarity } = face.quality;
  if (eyesPx < gate.leastEyesPx) return { kind: 'too-small', eyesPx, neededPx: gate.leastEyesPx };
  if (face.score < gate.leastScore) return { kind: 'low-score', score: face.score, needed: gate.leastScore };
  if (Math.abs(yawDegrees) > gate.mostYawDegrees)
    return { kind: 'turned-aside', degrees: Math.abs(yawDegrees), mostDegrees: gate.mostYawDegrees };
  if (Math.abs(pitchDegrees) > gate.mostPitchDegrees)
    return { kind: 'turned-up-or-down', degrees: Math.abs(pitchDegrees), mostDegrees: gate.mostPitchDegrees };
  if (light < gate.leastLight) return { kind: 'too-dark', light, needed: gate.leastLight };
  if (contrast < gate.leastContrast) return { kind: 'low-contrast', contrast, needed: gate.leastContrast };
  if (sharpness < gate.leastSharpness) return { kind: 'blurred', sharpness, needed: gate.leastSharpness };
  if (Math.abs(rollDegrees) > gate.mostRollDegrees)
    return { kind: 'rolled', degrees: Math.abs(rollDegrees), mostDegrees: gate.mostRollDegrees };
  if (misfit > gate.mostMisfit) return { kind: 'implausible', misfit, most: gate.mostMisfit };
  if (glare > gate.mostGlare) return { kind: 'overexposed', glare, most: gate.mostGlare };
  if (clarity !== null && clarity < gate.leastClarity)
    return { kind: 'unclear-face', clarity, needed: gate.leastClarity };
  return face.embedding === null ? { kind: 'not-embedded' } : null;
}

/**
 * From this weight on an observation is good enough to decide that somebody is unknown. Measured on portraits out of focus
 * (Gaussian, sigma 3 px or more of the aligned face): the median similarity to their person is 0.54, the median sharpness 0.28.
 */
export const goodWeight = 0.5;
/** The most that an observation counts that the gate for unknown people refuses: less than a good one. */
const doubtfulWeight = 0.45;

/** An observation that is at least this large, sharp and bright, and at most this much turned, counts fully. */
export const goodQuality = { eyesPx: 25, sharpness: 0.5, yawDegrees: 15, pitchDegrees: 12, light: 0.25 } as const;

/**
 * The weight of an observation, 0 to 1: a product of how far each number is above its gate, so that one bad property is
 * enough for a low weight. Measured (100 people, 5 photos): with a detector score of 0.5 to 0.6, 0.7 to 0.8 and above 0.9
 * the similarity to their person is 0.63, 0.76 and 0.82. With a pitch of 20 degrees or more it is 0.68, of less than 10 0.80.
 * A face that is no evidence for an unknown person (`strangerGate`) never has the weight of a good one.
 */
export function weight(face: GatedFace, gate: QualityGate): number {
  if (refusal(face, gate) !== null) return 0;
  const product = qualityProduct(face, gate);
  return refusal(face, strangerGate) === null ? product : Math.min(product, doubtfulWeight);
}

/**
 * The weight of an observation as a template of a person. Where `strangerGate` has lowered it, it is what it was before, if the face is
 * good enough for a template: that it is no evidence for an unknown person says nothing against it.
 */
export function templateWeight(observation: GatedFace & { readonly weight: number }, gate: QualityGate): number {
  const isLowered = observation.weight > 0 && refusal(observation, strangerGate) !== null;
  return isLowered && refusal(observation, templateGate) === null
    ? qualityProduct(observation, gate)
    : observation.weight;
}

function qualityProduct(face: GatedFace, gate: QualityGate): number {
  const { quality } = face;
  const size = ramp(quality.eyesPx, gate.leastEyesPx, goodQuality.eyesPx);
  const sharp = ramp(quality.sharpness, gate.leastSharpness, goodQuality.sharpness);
  const yaw = ramp(-Math.abs(quality.yawDegrees), -gate.mostYawDegrees, -goodQuality.yawDegrees);
  const pitch = ramp(-Math.abs(quality.pitchDegrees), -gate.mostPitchDegrees, -goodQuality.pitchDegrees);
  const light = ramp(quality.light, gate.leastLight, goodQuality.light);
  const score = ramp(face.score, gate.leastScore, 0.8);
  return size * sharp * yaw * pitch * light * score;
}

/** 0.25 at `from`, 1 at `to` and beyond: an observation that just passes the gate still counts. */
function ramp(value: number, from: number, to: number): number {
  if (to <= from) return 1;
  return 0.25 + 0.75 * Math.min(1, Math.max(0, (value - from) / (to - from)));
}
