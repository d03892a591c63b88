// A model in ONNX Runtime, from the same verified .tflite bytes. The package onnxruntime-node is optional: it is loaded only where the
// configuration asks for it. Like the binding of TFLite, its own binding is called, because it is synchronous and the package's program
// is not; only the engine's child may load it.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fail, oneLine } from '../../base/errors.js';
import type { InputArray, LoadedModel } from '../inference.js';
import { onnxFile } from './onnx-file.js';
import { readGraph } from './tflite-graph.js';

export interface OnnxOptions {
  readonly threads: number;
  /** An execution provider of the installed package, such as `cpu`. */
  readonly device: string;
}

interface Tensor {
  readonly data: InputArray;
}
type TensorClass = new (type: 'int8', data: Int8Array, shape: readonly number[]) => Tensor;

interface Session {
  loadModel(bytes: ArrayBufferLike, from: number, length: number, options: object): void;
  run(feeds: Readonly<Record<string, Tensor>>, fetches: Readonly<Record<string, Tensor>>, options: object): unknown;
}

interface Runtime {
  readonly Tensor: TensorClass;
  readonly Session: new () => Session;
  readonly devices: readonly string[];
}

/** The package and the version that was tried. */
export const onnxPackage = 'onnxruntime-node@1.30.0';

/** Loads a full int8 model. Errors: RUNTIME_MISSING; an Error with the runtime's message when it cannot run the model. */
export function loadOnnxModel(file: Uint8Array, { threads, device }: OnnxOptions): LoadedModel {
  const { Tensor, Session, devices } = loadRuntime();
  if (!devices.includes(device))
    throw fail(
      'RUNTIME_MISSING',
      `[embedder] device = "${oneLine(device, 40)}": this onnxruntime has ${devices.join(', ')}`,
    );
  const graph = readGraph(file);
  const [given, made] = [graph.tensors[graph.input]!, graph.tensors[graph.output]!];
  const model = onnxFile(graph);
  const session = new Session();
  session.loadModel(model.buffer, model.byteOffset, model.byteLength, {
    executionProviders: [device],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    graphOptimizationLevel: 'all',
    extra: { session: { ...precision(), intra_op: { allow_spinning: '0' } } },
  });
  const sizeOf = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);
  const [input, output] = [new Int8Array(sizeOf(given.shape)), new Int8Array(sizeOf(made.shape))];
  const feeds = { input: new Tensor('int8', input, given.shape) };
  const fetches = { output: new Tensor('int8', output, made.shape) };
  return {
    input: { name: given.name, shape: given.shape, type: 'int8', data: input },
    outputs: [{ name: made.name, shape: made.shape, type: 'int8', data: output }],
    infer: () => void session.run(feeds, fetches, {}),
  };
}

/** Without these instructions the fast kernels of x86 add pairs of products in 16 bits, which overflow. The slower ones do not. */
function precision(): Record<string, string> {
  if (process.arch !== 'x64') return {};
  const flags = /^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? '';
  return /\b(avx512_vnni|avx_vnni)\b/.test(flags) ? {} : { x64quantprecision: '1' };
}

interface Binding {
  readonly InferenceSession: new () => Session;
  listSupportedBackends(): readonly { readonly name: string }[];
}

/** Errors: RUNTIME_MISSING. */
function loadRuntime(): Runtime {
  const require = createRequire(import.meta.url);
  try {
    const folder = dirname(require.resolve('onnxruntime-node/package.json'));
    const { binding, initOrt } = require(join(folder, 'dist', 'binding.js')) as { binding: Binding; initOrt(): void };
    initOrt();
    const { Tensor } = createRequire(join(folder, 'package.json'))('onnxruntime-common') as { Tensor: TensorClass };
    const devices = binding.listSupportedBackends().map(({ name }) => name);
    return { Tensor, Session: binding.InferenceSession, devices };
  } catch (cause) {
    const advice = `in the folder of roomkin: npm install --no-save --ignore-scripts ${onnxPackage}`;
    throw fail(
      'RUNTIME_MISSING',
      `[embedder] runtime = "onnxruntime" needs a package that is not installed or does not load; ${advice}`,
      cause,
    );
  }
}
