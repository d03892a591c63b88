// Degrades good portraits to the quality of a room camera, for measurements only. The recipes and strengths are those of `degrade` in
// the training package. They are applied before detection, so they affect the whole pipeline.

import { eyesApart } from '../../vision/candidate.js';
import type { Landmarks } from '../../vision/face.js';
import type { Picture } from '../../vision/picture.js';
import { viewAround } from '../../vision/picture.js';
import { resample } from '../../vision/resample.js';
import { gaussian, type Random } from './random.js';

/** Eye distance that all strengths refer to, pixels: that of an aligned face of 112x112. */
const eyesPx = 35.24;
/** Side of the result in eye distances: the face with its surroundings. */
const sideEyes = 6;
const sidePx = Math.round(sideEyes * eyesPx);

/** Planes `[sidePx, sidePx, 3]`, 0 to 255. */
type Pixels = Float32Array;
const recipes: readonly ((pixels: Pixels, random: Random) => Pixels)[] = [small, dark, noisy, blurred];

/**
 * The face of `picture` with these landmarks, in low quality: a square RGB picture of 211 pixels. One of four recipes at random:
 * shrunk until the eyes are 10 to 14 px apart and enlarged again; 12 to 35 % of the light with shot and read noise; Gaussian
 * noise of 15 to 35 levels; out of focus (sigma 1.2 to 2.5 px) or motion blur (6 to 11 px).
 */
export function degradeLow(picture: Picture, landmarks: Landmarks, random: Random): Picture {
  const [right, left, , mouth] = landmarks;
  const x = (right[0] + left[0]) / 2;
  const y = ((right[1] + left[1]) / 2 + mouth[1]) / 2;
  const pixels = resample(picture, viewAround(x, y, sideEyes * eyesApart(landmarks)), sidePx);
  const recipe = recipes[Math.floor(random() * recipes.length)]!;
  const data = Uint8Array.from(recipe(pixels, random), (value) => Math.min(255, Math.max(0, Math.round(value))));
  return { width: sidePx, height: sidePx, format: 'rgb', stride: sidePx * 3, data };
}

function small(pixels: Pixels, random: Random): Pixels {
  const tinyPx = Math.round((sidePx * between(10, 14, random)) / eyesPx);
  const tiny = resample(rgb(pixels, sidePx), viewAround(sidePx / 2, sidePx / 2, sidePx), tinyPx);
  return resample(rgb(tiny, tinyPx), viewAround(tinyPx / 2, tinyPx / 2, tinyPx), sidePx);
}

function dark(pixels: Pixels, random: Random): Pixels {
  const light = between(0.12, 0.35, random);
  // Shot noise of 2 electrons per level: a Poisson distribution, approximated by a normal one with the same variance.
  return pixels.map((value) => {
    const electrons = value * light * 2;
    const counted = Math.max(0, Math.round(electrons + Math.sqrt(electrons) * gaussian(random)));
    return counted / 2 + 1.5 * gaussian(random);
  });
}

function noisy(pixels: Pixels, random: Random): Pixels {
  const sigma = between(15, 35, random);
  return pixels.map((value) => value + sigma * gaussian(random));
}

function blurred(pixels: Pixels, random: Random): Pixels {
  if (random() < 0.5) {
    const sigma = between(1.2, 2.5, random);
    const reach = Math.ceil(3 * sigma);
    const steps = Array.from({ length: 2 * reach + 1 }, (_, i) => i - reach);
    const weights = steps.map((step) => Math.exp((-step * step) / (2 * sigma * sigma)));
    const across = averaged(
      pixels,
      steps,
      steps.map(() => 0),
      weights,
    );
    return averaged(
      across,
      steps.map(() => 0),
      steps,
      weights,
    );
  }
  const length = between(6, 11, random);
  const angle = between(0, Math.PI, random);
  const steps = Array.from({ length: 17 }, (_, i) => (i / 16 - 0.5) * length);
  const dx = steps.map((step) => Math.round(Math.cos(angle) * step));
  const dy = steps.map((step) => Math.round(Math.sin(angle) * step));
  return averaged(
    pixels,
    dx,
    dy,
    steps.map(() => 1),
  );
}

/** The weighted mean of shifted copies; edges are replicated. */
function averaged(pixels: Pixels, dx: readonly number[], dy: readonly number[], weights: readonly number[]): Pixels {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const result = new Float32Array(pixels.length);
  const inside = (at: number) => Math.min(sidePx - 1, Math.max(0, at));
  for (let y = 0; y < sidePx; y++) {
    for (let x = 0; x < sidePx; x++) {
      for (let c = 0; c < 3; c++) {
        let sum = 0;
        for (let i = 0; i < weights.length; i++) {
          sum += pixels[(inside(y + dy[i]!) * sidePx + inside(x + dx[i]!)) * 3 + c]! * weights[i]!;
        }
        result[(y * sidePx + x) * 3 + c] = sum / total;
      }
    }
  }
  return result;
}

function rgb(pixels: Pixels, side: number): Picture {
  return { width: side, height: side, format: 'rgb', stride: side * 3, data: Uint8Array.from(pixels, Math.round) };
}

function between(low: number, high: number, random: Random): number {
  return low + (high - low) * random();
}
