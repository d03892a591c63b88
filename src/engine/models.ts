// The two models as functions: pixels of a view in, candidates out; aligned faces in, embeddings out.
//
// Invariant: only this file deals with the batch size, type, scale and zero point of a model.
import { ALIGNED_PX, mirrored } from '../vision/alignment.js';
import { DETECTOR_PX, decode, suppress } from '../vision/blazeface.js';
import type { Picture } from '../vision/picture.js';
import { resampler } from '../vision/resample.js';
import type { DetectorPass } from '../vision/search.js';
import type { Embedder, ModelEntry } from './manifest.js';
import type { LoadedModel, LoadedTensor } from './runtime.js';
import { pixelWriter, readReals, storePixel, unit } from './runtime.js';

/** Samples per detector pixel, across and down, at most. More do not find more faces with 14 px between the eyes. */
const SAMPLES = 4;

/** Detector passes over one picture. */
export type Detect = (picture: Picture) => DetectorPass;

/** The output of the embedder for one aligned face. */
export interface Embedded {
  /** Unit length. */
  readonly embedding: Float32Array;
  /** Length of the output before it was scaled to unit length; with a mirror image the mean of both. */
  readonly length: number;
}

/** The embeddings of aligned faces, in the same order; null where the model returned a zero vector. */
export type Embed = (crops: readonly Uint8Array[], mirror: boolean) => (Embedded | null)[];

export function detectorOf(model: LoadedModel, entry: ModelEntry): Detect {
  checkInput(model, entry, DETECTOR_PX);
  const resample = resampler(DETECTOR_PX, SAMPLES, (level) => storePixel(level, entry.input));
  const regressors = outputOf(model, entry, 16);
  const logits = outputOf(model, entry, 1);
  return (picture) => (view, leastScore) => {
    model.input.data.set(resample(picture, view));
    model.infer();
    return suppress(decode(regressors(), logits(), view, leastScore));
  };
}

/** Reads the output whose last dimension is `last`, as real numbers. */
function outputOf(model: LoadedModel, entry: ModelEntry, last: number): () => Float32Array {
  const spec = entry.outputs.find((output) => output.shape.at(-1) === last);
  const tensor = spec && model.outputs.find((output) => output.name === spec.name);
  if (spec === undefined || tensor === undefined) throw new Error(`model ${entry.id} has no output of ${last} numbers`);
  checkType(entry, tensor, spec.type, spec.shape);
  return () => readReals(tensor.data, spec, 0, tensor.data.length);
}

export function embedderOf(model: LoadedModel, entry: Embedder): Embed {
  checkInput(model, entry, ALIGNED_PX);
  const write = pixelWriter(entry.input);
  const read = outputOf(model, entry, entry.dimension);
  const batch = entry.input.shape[0]!;
  const pixels = ALIGNED_PX * ALIGNED_PX * 3;

  /** One vector per crop. Unused positions of a batch keep their old content, which does not affect the others. */
  const run = (crops: readonly Uint8Array[]): Float32Array[] => {
    const vectors: Float32Array[] = [];
    for (let at = 0; at < crops.length; at += batch) {
      const part = crops.slice(at, at + batch);
      for (const [i, crop] of part.entries()) write(crop, model.input.data, i * pixels);
      model.infer();
      const values = read();
      for (const i of part.keys()) vectors.push(values.slice(i * entry.dimension, (i + 1) * entry.dimension));
    }
    return vectors;
  };

  return (crops, mirror) => {
    if (!mirror) return run(crops).map(embedded);
    const vectors = run(crops.flatMap((crop) => [crop, mirrored(crop)])).map(embedded);
    return crops.map((_, i) => meanDirection(vectors[2 * i]!, vectors[2 * i + 1]!));
  };
}

function embedded(output: Float32Array): Embedded | null {
  const embedding = unit(output);
  return embedding && { embedding, length: Math.hypot(...output) };
}

function meanDirection(first: Embedded | null, second: Embedded | null): Embedded | null {
  if (first === null || second === null) return first ?? second;
  const embedding = unit(first.embedding.map((value, i) => value + second.embedding[i]!));
  return embedding && { embedding, length: (first.length + second.length) / 2 };
}

function checkInput(model: LoadedModel, entry: ModelEntry, sidePx: number): void {
  checkType(entry, model.input, entry.input.type, entry.input.shape);
  const [, height, width, channels] = entry.input.shape;
  if (height !== sidePx || width !== sidePx || channels !== 3) {
    throw new Error(`model ${entry.id} takes ${entry.input.shape.join('x')}, not ${sidePx}x${sidePx} RGB`);
  }
}

function checkType(entry: ModelEntry, tensor: LoadedTensor, type: string, shape: readonly number[]): void {
  if (tensor.type !== type || tensor.shape.join() !== shape.join()) {
    throw new Error(
      `model ${entry.id}: ${tensor.name} is ${tensor.type} ${tensor.shape.join('x')}, not as the manifest says`,
    );
  }
}
