// One TFLite model in this process. Only the engine's child may load a model: inference blocks the
// thread, the binding is unsafe in two Node environments of one process, and a fault in it kills the process.
//
// Invariant: models are loaded once and never destroyed (the binding frees its tensors in an unsafe order).

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
  /** The XNNPACK plug-in; null runs TFLite's own kernels. The binding crashes when it cannot start. */
  readonly delegatePath: string | null;
}

export interface LoadedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly type: string;
  /** The same array for the model's life: written before `infer`, read after it. */
  readonly data: InputArray;
}

export interface LoadedModel {
  readonly input: LoadedTensor;
  readonly outputs: readonly LoadedTensor[];
  /** Runs the model on what `input.data` holds. Blocks. */
  infer(): void;
}

const kept: ModelRunner[] = [];

/** Loads a model from its bytes. Throws Error with TFLite's words when they are no model it can run. */
export function loadModel(bytes: Uint8Array<ArrayBuffer>, options: RuntimeOptions): LoadedModel {
  const binding = createRequire(import.meta.url)('tfjs-tflite-node') as Binding;
  const { threads, delegatePath } = options;
  const delegate = { path: delegatePath ?? '', options: [['num_threads', String(threads)]] as [string, string][] };
  const exact = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  const runner = new binding.TFLiteNodeModelRunner(exact, delegatePath === null ? { threads } : { threads, delegate });
  kept.push(runner);
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

// Where the runtime's own files lie; apart from tflite-runtime.ts, which only the child may load.

/** Where scripts/build-native.js puts the XNNPACK plug-in. */
export const delegatePluginPath: string = join(packageRoot, 'native', 'build', 'xnnpack-plugin.so');
