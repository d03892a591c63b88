// TFLite models in this process. Only the engine's child may load a model: inference blocks the thread, the binding is unsafe in two
// Node environments of one process, and a fault in it kills the process.
//
// Invariant: models are loaded once and never destroyed, because the binding frees its tensors in an unsafe order.

import { createRequire } from 'node:module';
import { join } from 'node:path';
import { packageRoot } from '../base/files.js';
import type { InputArray } from '../vision/quantize.js';

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
  readonly TFLiteNodeModelRunner: new (
    model: ArrayBuffer,
    options: { threads: number; delegate?: { path: string; options: [string, string][] } },
  ) => ModelRunner;
}

export interface RuntimeOptions {
  readonly threads: number;
  /** The XNNPACK plug-in; null: TFLite's built-in kernels. The binding crashes when the plug-in cannot start. */
  readonly delegatePath: string | null;
}

export interface LoadedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly type: string;
  /** Always the same array: inputs are written before `infer`, outputs are read after it. */
  readonly data: InputArray;
}

export interface LoadedModel {
  readonly input: LoadedTensor;
  readonly outputs: readonly LoadedTensor[];
  /** Runs the model on the content of `input.data`. Blocks the thread. */
  infer(): void;
}

/** Keeps a reference to every model, so that none is destroyed. */
const runners: ModelRunner[] = [];

/** Loads a model from its bytes. Throws an Error with TFLite's message when it cannot run the model. */
export function loadModel(bytes: Uint8Array<ArrayBuffer>, options: RuntimeOptions): LoadedModel {
  const binding = createRequire(import.meta.url)('tfjs-tflite-node') as Binding;
  const { threads, delegatePath } = options;
  const delegate = { path: delegatePath ?? '', options: [['num_threads', String(threads)]] as [string, string][] };
  const modelBuffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  const runner = new binding.TFLiteNodeModelRunner(
    modelBuffer,
    delegatePath === null ? { threads } : { threads, delegate },
  );
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
