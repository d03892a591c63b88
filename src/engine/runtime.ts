// TFLite models in this process. Only the engine's child may load a model: inference blocks the thread, the binding is unsafe in two
// Node environments of one process, and a fault in it kills the process.
//
// Invariant: models are loaded once and never destroyed, because the binding frees its tensors in an unsafe order.

import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../base/files.js';
import type { InputArray, LoadedModel, LoadedTensor } from './inference.js';
import { bytesOf, type ModelFile } from './model-file.js';

interface Tensor {
  readonly name: string;
  /** Comma-separated. */
  readonly shape: string;
  readonly dataType: string;
  data(): InputArray;
}

interface ModelRunner {
  getInputs(): Tensor[];
  getOutputs(): Tensor[];
  infer(): boolean;
}

interface Binding {
  readonly Interpreter: new (
    model: ArrayBuffer,
    options: { threads: number; delegate?: { path: string; options: [string, string][] } },
  ) => ModelRunner;
}

export interface RuntimeOptions {
  readonly threads: number;
  /** The XNNPACK plug-in; null: TFLite's built-in kernels. The binding crashes when the plug-in cannot start. */
  readonly delegatePath: string | null;
}

/** The compiled binding alone. The program of its package would load TensorFlow.js, 36 MB that nothing here uses. */
const bindingPath = 'tfjs-tflite-node/build/Release/node_tflite_binding.node';

/** Keeps a reference to every model, so that none is destroyed. */
const runners: ModelRunner[] = [];

/**
 * Loads a model from its file. Where the plug-in of the delegate can map files, the process holds no copy of the file. Throws as
 * `loadModel`.
 */
export function loadModelFile(model: ModelFile, options: RuntimeOptions): LoadedModel {
  if (options.delegatePath === null || !canMap(options.delegatePath)) return loadModel(bytesOf(model), options);
  return loadModel(new TextEncoder().encode(`${mapPrefix}${model.file}`), options);
}

/** What native/xnnpack-plugin.c takes in place of the bytes of a model, followed by the number of the open file. */
const mapPrefix = 'roomkin-map:';
let mapping: boolean | null = null;

/** Loads the plug-in before the binding, with its symbols for everybody, so that its functions take the place of TFLite's. */
function canMap(pluginPath: string): boolean {
  if (mapping !== null) return mapping;
  try {
    process.dlopen({ exports: {} }, pluginPath, constants.dlopen.RTLD_NOW | constants.dlopen.RTLD_GLOBAL);
    mapping = true;
  } catch {
    // Another plug-in, or one of an older version: the binding copies the model.
    mapping = false;
  }
  return mapping;
}

/** Loads a model from its bytes. Throws an Error with TFLite's message when it cannot run the model. */
export function loadModel(bytes: Uint8Array<ArrayBuffer>, options: RuntimeOptions): LoadedModel {
  const binding = createRequire(import.meta.url)(bindingPath) as Binding;
  const { threads, delegatePath } = options;
  const delegate = { path: delegatePath ?? '', options: [['num_threads', String(threads)]] as [string, string][] };
  const modelBuffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  const runner = new binding.Interpreter(modelBuffer, delegatePath === null ? { threads } : { threads, delegate });
  runners.push(runner);
  const [input, second] = runner.getInputs().map(loaded);
  if (input === undefined || second !== undefined) throw new Error('a model with one input is needed');
  const outputs = runner.getOutputs().map(loaded);
  return { input, outputs, infer: () => void runner.infer() };
}

function loaded(tensor: Tensor): LoadedTensor {
  return {
    name: tensor.name,
    shape: tensor.shape.split(',').map(Number),
    type: tensor.dataType,
    data: tensor.data(),
  };
}

/** The path of the XNNPACK plug-in that scripts/build-native.js builds. */
export const delegatePluginPath: string = join(packageRoot, 'native', 'build', 'xnnpack-plugin.so');

// From pixels to a model's input numbers and from its output numbers to reals, with the parameters in the model's manifest.
//
// Invariant: halves are rounded away from zero, as in TFLite's reference quantizer, so Python and the daemon give a model
// the same bytes.

/** How a tensor stores real numbers: `real = (stored - zeroPoint) * scale` for int8 and uint8; the scale of float32 is 0. */
export interface Stored {
  readonly type: 'float32' | 'int8' | 'uint8';
  readonly scale: number;
  readonly zeroPoint: number;
}

/** What a model expects of a pixel 0 to 255: `(pixel - mean) / std`, stored as `type`. */
export interface PixelInput extends Stored {
  readonly mean: number;
  readonly std: number;
}

/** The stored value of a real number. */
export function store(real: number, stored: Stored): number {
  if (stored.type === 'float32') return real;
  const [low, high] = stored.type === 'int8' ? [-128, 127] : [0, 255];
  const steps = real / stored.scale;
  const rounded = Math.sign(steps) * Math.floor(Math.abs(steps) + 0.5) + stored.zeroPoint;
  return Math.min(high, Math.max(low, rounded));
}

/** What the model's input holds for a pixel value 0 to 255, integer or not. */
export function storePixel(pixel: number, input: PixelInput): number {
  return store((pixel - input.mean) / input.std, input);
}

/** A function that writes pixels into a model's input from index `at`. */
export function pixelWriter(input: PixelInput): (pixels: Uint8Array, out: InputArray, at: number) => void {
  const table = Float32Array.from({ length: 256 }, (_, pixel) => storePixel(pixel, input));
  return (pixels, out, at) => {
    for (let i = 0; i < pixels.length; i++) out[at + i] = table[pixels[i]!]!;
  };
}

/** `length` real numbers from a model's output, from index `at`. */
export function readReals(values: InputArray, stored: Stored, at: number, length: number): Float32Array {
  const part = values.subarray(at, at + length);
  if (stored.type === 'float32') return Float32Array.from(part);
  return Float32Array.from(part, (value) => (value - stored.zeroPoint) * stored.scale);
}

/** `vector` scaled to unit length; null when it has no direction (all zero or not finite). */
export function unit(vector: Float32Array): Float32Array | null {
  let square = 0;
  for (const value of vector) square += value * value;
  const length = Math.sqrt(square);
  if (!(length > 1e-12) || !Number.isFinite(length)) return null;
  return vector.map((value) => value / length);
}
