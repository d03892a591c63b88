// The models as functions: pixels of a view in, candidates out; aligned faces in, embeddings out.
//
// Invariant: only this file deals with the batch size, type, scale and zero point of a model.
import { ALIGNED_PX, mirrored } from '../vision/alignment.js';
import { DETECTOR_PX, decode } from '../vision/blazeface.js';
import { suppress } from '../vision/candidate.js';
import { halver } from '../vision/halve.js';
import type { Picture, Size, View } from '../vision/picture.js';
import { viewWriter } from '../vision/resample.js';
import { type DetectorPass, VIEW_ASPECT } from '../vision/search.js';
import { CELL_NUMBERS, decodeLevels, type Level, shifted } from '../vision/yunet.js';
import type { Embedder, ModelEntry } from './manifest.js';
import type { InputArray, LoadedModel, LoadedTensor } from './runtime.js';
import { pixelWriter, readReals, storePixel, unit } from './runtime.js';

/** Samples per detector pixel, across and down, at most. More do not find more faces with 14 px between the eyes. */
const SAMPLES = 4;

/** Passes of a detector over one picture. */
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

/** The detector that finds candidates in a frame. */
export function finderOf(model: LoadedModel, entry: ModelEntry): Detect {
  const [, height, width] = entry.input.shape as [number, number, number];
  checkInput(model, entry, { width, height });
  if (width / height !== VIEW_ASPECT) throw new Error(`model ${entry.id} takes ${width}x${height} pixels, not 4 to 3`);
  const write = inputWriter({ width, height }, (level) => storePixel(level, entry.input), model.input.data);
  const levels = entry.outputs.map((spec) => levelOf(model, entry, spec));
  return (picture) => (view, leastScore) => {
    write(picture, shifted(view, width));
    model.infer();
    return suppress(decodeLevels(levels, width, view, leastScore));
  };
}

/** Writes a view of a picture into a model's input. */
function inputWriter(size: Size, stored: (level: number) => number, input: InputArray) {
  const write = viewWriter(size, SAMPLES, stored, input);
  const halve = input instanceof Int8Array ? halver(size, stored, input) : null;
  return (picture: Picture, view: View): void => {
    if (halve === null || !halve(picture, view)) write(picture, view);
  };
}

/** One level of YuNet's outputs, always the same array. */
function levelOf(model: LoadedModel, entry: ModelEntry, spec: ModelEntry['outputs'][number]): Level {
  const tensor = model.outputs.find((output) => output.name === spec.name);
  const [, height, width, numbers] = spec.shape;
  if (tensor === undefined || numbers !== CELL_NUMBERS || spec.units?.length !== numbers) {
    throw new Error(`model ${entry.id} has no output ${spec.name} of ${CELL_NUMBERS} numbers`);
  }
  checkType(entry, tensor, spec.type, spec.shape);
  const steps = spec.units.map((unit) => unit * spec.scale);
  return { width: width!, height: height!, stored: tensor.data, zeroPoint: spec.zeroPoint, steps };
}

/** The detector that checks candidates in close-ups. */
export function checkerOf(model: LoadedModel, entry: ModelEntry): Detect {
  const size = { width: DETECTOR_PX, height: DETECTOR_PX };
  checkInput(model, entry, size);
  const write = inputWriter(size, (level) => storePixel(level, entry.input), model.input.data);
  const regressors = outputOf(model, entry, 16);
  const logits = outputOf(model, entry, 1);
  return (picture) => (view, leastScore) => {
    write(picture, view);
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
  checkInput(model, entry, { width: ALIGNED_PX, height: ALIGNED_PX });
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

function checkInput(model: LoadedModel, entry: ModelEntry, size: Size): void {
  checkType(entry, model.input, entry.input.type, entry.input.shape);
  const [, height, width, channels] = entry.input.shape;
  if (height !== size.height || width !== size.width || channels !== 3) {
    throw new Error(`model ${entry.id} takes ${entry.input.shape.join('x')}, not ${size.height}x${size.width} RGB`);
  }
}

function checkType(entry: ModelEntry, tensor: LoadedTensor, type: string, shape: readonly number[]): void {
  if (tensor.type !== type || tensor.shape.join() !== shape.join()) {
    throw new Error(
      `model ${entry.id}: ${tensor.name} is ${tensor.type} ${tensor.shape.join('x')}, not as the manifest says`,
    );
  }
}
