// Simulates a room: people as random unit vectors who walk in, stand, turn away and walk out, seen by an imperfect detector.
// Seeded; not based on pictures of anybody. Makes the clips of test/clips and the sequences of the property tests.
import { gaussian, type Random, seededRandom } from '../../src/commands/evaluate/random.js';
import type { Gallery } from '../../src/gallery/person.js';
import type { Box, Face, Landmarks, Observation } from '../../src/vision/face.js';
import { unmeasuredQuality } from '../../src/vision/face.js';
import { movedIn, type SceneMotion } from '../presence/made-motion.js';

/**
 * A visit from `fromMs` to `toMs`, walking from `x0` to `x1` (pixels, centre of the face); the face is turned away during
 * `away`.
 */
export interface Walk {
  readonly who: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly x0: number;
  readonly x1: number;
  readonly y: number;
  readonly away?: readonly [fromMs: number, toMs: number];
}

export interface Scene {
  readonly seed: number;
  readonly dimension: number;
  readonly framesPerSecond: number;
  readonly durationMs: number;
  /** The people enrolled. */
  readonly residents: readonly string[];
  /** Number of templates of each. */
  readonly templates: number;
  readonly walks: readonly Walk[];
  /** Pairs of people who look alike, with the cosine between them. */
  readonly alike?: readonly (readonly [a: string, b: string, cosine: number])[];
  /** Share of frames in which a face is not detected. */
  readonly missed: number;
  /** Approximate cosine of a good observation with the person. */
  readonly similarity: number;
  /** The camera is blind and delivers no frames in this time. */
  readonly blind?: readonly [fromMs: number, toMs: number];
  /** Without it the frames have no motion information. */
  readonly motion?: SceneMotion;
}

export interface Clip {
  readonly gallery: Gallery;
  readonly frames: readonly Observation[];
}

/** Simulates `scene`. The same scene always gives the same clip. */
export function simulate(scene: Scene): Clip {
  const random = seededRandom(scene.seed);
  const people = new Map<string, Float32Array>();
  const names = [...new Set([...scene.residents, ...scene.walks.map((walk) => walk.who)])].sort();
  for (const name of names) people.set(name, direction(scene.dimension, random));
  for (const [a, b, cosine] of scene.alike ?? []) {
    people.set(b, near(people.get(a)!, cosine, direction(scene.dimension, random)));
  }
  const gallery: Gallery = {
    space: 'simulated',
    version: 1,
    cohort: [],
    people: scene.residents.map((id) => ({
      id,
      name: id.charAt(0).toUpperCase() + id.slice(1),
      templates: Array.from({ length: scene.templates }, (_, n) => ({
        id: n,
        vector: near(people.get(id)!, scene.similarity, direction(scene.dimension, random)),
      })),
    })),
  };
  // The light and pose of a visit affect all its observations, so the observations of one track are correlated.
  const visitVectors = scene.walks.map((walk) => near(people.get(walk.who)!, 0.9, direction(scene.dimension, random)));
  // Motion has its own random numbers, so that the faces are the same with and without it.
  const motionRandom = seededRandom(scene.seed + 1);
  const frames: Observation[] = [];
  const count = Math.floor((scene.durationMs / 1000) * scene.framesPerSecond);
  for (let sequence = 0; sequence < count; sequence++) {
    const capturedAt = (sequence * 1000) / scene.framesPerSecond;
    const faces = scene.walks.flatMap((walk, index) => facesOf(walk, capturedAt, visitVectors[index]!, scene, random));
    if (scene.blind && capturedAt >= scene.blind[0] && capturedAt < scene.blind[1]) continue;
    const frame = { capturedAt, sequence, width: 1280, height: 960, faces };
    const beforeMs = frames.at(-1)?.capturedAt ?? null;
    const moved = scene.motion && movedIn(scene.motion, scene.walks, beforeMs, capturedAt, motionRandom);
    frames.push(moved ? { ...frame, moved } : frame);
  }
  return { gallery, frames };
}

function facesOf(walk: Walk, atMs: number, visitVector: Float32Array, scene: Scene, random: Random): Face[] {
  if (atMs < walk.fromMs || atMs >= walk.toMs) return [];
  const isMissed = random() < scene.missed;
  const progress = (atMs - walk.fromMs) / (walk.toMs - walk.fromMs);
  const size = 90 + 2 * gaussian(random);
  const x = walk.x0 + (walk.x1 - walk.x0) * progress + 2 * gaussian(random);
  const box: Box = [round(x - size / 2), round(walk.y - size / 2 + 2 * gaussian(random)), round(size), round(size)];
  const isTurnedAway = walk.away !== undefined && atMs >= walk.away[0] && atMs < walk.away[1];
  const isPoor = random() < 0.1;
  const embedding = near(visitVector, isPoor ? 0.3 : scene.similarity, direction(scene.dimension, random));
  if (isMissed || isTurnedAway) return [];
  return [face(box, embedding, isPoor ? { sharpness: 0.01 } : {})];
}

/** A face of good quality, except for the values in `quality`. */
export function face(box: Box, embedding: Float32Array | null, quality: Partial<Face['quality']> = {}): Face {
  const [x, y, w, h] = box;
  const at = (fx: number, fy: number) => [round(x + fx * w), round(y + fy * h)] as const;
  const landmarks: Landmarks = [
    at(0.3, 0.35),
    at(0.7, 0.35),
    at(0.5, 0.55),
    at(0.5, 0.75),
    at(0.05, 0.4),
    at(0.95, 0.4),
  ];
  const good = {
    eyesPx: round(0.4 * w),
    sharpness: 0.6,
    yawDegrees: 3,
    pitchDegrees: 2,
    light: 0.5,
    contrast: 0.2,
    ...unmeasuredQuality,
  };
  return { box, landmarks, score: 0.9, quality: { ...good, ...quality }, embedding };
}

/** A random unit vector. */
export function direction(dimension: number, random: Random): Float32Array {
  const vector = new Float32Array(dimension);
  for (let i = 0; i < dimension; i++) vector[i] = gaussian(random);
  return unit(vector);
}

/** A unit vector with cosine `cosine` to `to`, turned towards `aside`. */
export function near(to: Float32Array, cosine: number, aside: Float32Array): Float32Array {
  let dot = 0;
  for (let i = 0; i < to.length; i++) dot += to[i]! * aside[i]!;
  const orthogonal = unit(aside.map((value, i) => value - dot * to[i]!));
  const sine = Math.sqrt(1 - cosine * cosine);
  return unit(to.map((value, i) => cosine * value + sine * orthogonal[i]!));
}

/** Changes `vector` and returns it: the simulator makes millions of them. */
function unit(vector: Float32Array): Float32Array {
  let squares = 0;
  for (const value of vector) squares += value * value;
  const length = Math.sqrt(squares);
  for (let i = 0; i < vector.length; i++) vector[i] = vector[i]! / length;
  return vector;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
