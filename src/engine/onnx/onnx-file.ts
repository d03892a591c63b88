// Writes an ONNX file (protocol buffers) part by part, and the int8 graph of a .tflite file as one.
//
// Invariant: the same stored numbers. Input and output are int8 in the layout of TFLite (height, width, channels). Between them
// activations are uint8, 128 higher, because the fast kernels take uint8 activations and int8 weights. Each operation stands between
// DequantizeLinear and QuantizeLinear, which the runtime joins to one integer operation.
//
// Source: onnx.proto3 and the operators of ONNX, version 13.
import type { Graph, GraphOperation, GraphTensor } from './tflite-graph.js';

const irVersion = 8;
const operatorsVersion = 13;
/** Element types by their numbers in onnx.proto3. */
const elementTypes = { float: 1, uint8: 2, int8: 3, int32: 6 } as const;
type ElementType = keyof typeof elementTypes;

// Protocol buffers.

function varint(value: number | bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt(value);
  do {
    const low = Number(rest & 127n);
    rest >>= 7n;
    bytes.push(rest > 0n ? low | 128 : low);
  } while (rest > 0n);
  return Uint8Array.from(bytes);
}

/** A field with a number. */
const number = (field: number, value: number): Uint8Array => Buffer.concat([varint(field << 3), varint(value)]);

/** A field with bytes, a text or a message of these parts. */
function bytes(field: number, ...parts: readonly (Uint8Array | string)[]): Uint8Array {
  const content = Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)));
  return Buffer.concat([varint((field << 3) | 2), varint(content.length), content]);
}

// ONNX.

function integers(name: string, values: readonly number[]): Uint8Array {
  return bytes(5, bytes(1, name), ...values.map((value) => number(8, value)), number(20, 7));
}

function axis(value: number): Uint8Array {
  return bytes(5, bytes(1, 'axis'), number(3, value), number(20, 2));
}

function node(
  operator: string,
  inputs: readonly string[],
  output: string,
  attributes: readonly Uint8Array[] = [],
): Uint8Array {
  return bytes(1, ...inputs.map((name) => bytes(1, name)), bytes(2, output), bytes(4, operator), ...attributes);
}

function constant(name: string, type: ElementType, shape: readonly number[], content: Uint8Array): Uint8Array {
  return bytes(
    5,
    ...shape.map((size) => number(1, size)),
    number(2, elementTypes[type]),
    bytes(8, name),
    bytes(9, content),
  );
}

function floats(name: string, values: readonly number[], shape: readonly number[] = [values.length]): Uint8Array {
  return constant(name, 'float', shape, new Uint8Array(Float32Array.from(values).buffer));
}

/** `field`: 11 for an input of the graph, 12 for an output. */
function port(field: 11 | 12, name: string, shape: readonly number[]): Uint8Array {
  const sizes = shape.map((size) => bytes(1, number(1, size)));
  return bytes(field, bytes(1, name), bytes(2, bytes(1, number(1, elementTypes.int8), bytes(2, ...sizes))));
}

/** The ONNX file of `graph`. Its input is called `input`, its output `output`. */
export function onnxFile({ tensors, operations, input, output }: Graph): Uint8Array {
  const nodes: Uint8Array[] = [];
  const constants: Uint8Array[] = [];
  const real = new Set<number>();
  const tensorAt = (index: number): GraphTensor => tensors[index]!;

  /** The name of the real numbers of a tensor. */
  function realOf(index: number): string {
    if (!real.has(index))
      nodes.push(node('DequantizeLinear', [`stored${index}`, `scale${index}`, `zero${index}`], `real${index}`));
    real.add(index);
    return `real${index}`;
  }
  /** Stores real numbers as a tensor. */
  function store(index: number, realName: string): void {
    const { scales, zeroPoint } = tensorAt(index);
    if (scales.length !== 1) throw new Error(`the tensor ${tensorAt(index).name} does not have one scale`);
    constants.push(floats(`scale${index}`, scales, []));
    constants.push(constant(`zero${index}`, 'uint8', [], Uint8Array.of(zeroPoint + 128)));
    nodes.push(node('QuantizeLinear', [realName, `scale${index}`, `zero${index}`], `stored${index}`));
  }
  /** The real numbers of a constant with one scale for each index of its first dimension. */
  function constantReal(
    name: string,
    type: 'int8' | 'int32',
    shape: readonly number[],
    content: Uint8Array,
    scales: readonly number[],
  ): string {
    const zeros = new Uint8Array(scales.length * (type === 'int8' ? 1 : 4));
    constants.push(constant(name, type, shape, content), floats(`${name}.scale`, scales));
    constants.push(constant(`${name}.zero`, type, [scales.length], zeros));
    nodes.push(node('DequantizeLinear', [name, `${name}.scale`, `${name}.zero`], `${name}.real`, [axis(0)]));
    return `${name}.real`;
  }
  function windowOf(operation: GraphOperation): readonly number[] {
    if (operation.kind === 'max-pool') return operation.window;
    return tensorAt(operation.inputs[1]!).shape.slice(1, 3);
  }
  function compute(operation: GraphOperation, at: number): string {
    const name = `result${at}`;
    const [first, second, third] = operation.inputs;
    if (operation.kind === 'add') nodes.push(node('Add', [realOf(first!), realOf(second!)], name));
    else if (operation.kind === 'mean') nodes.push(node('GlobalAveragePool', [realOf(first!)], name));
    else {
      const window = windowOf(operation);
      const placed = [
        integers('kernel_shape', window),
        integers('strides', operation.stride),
        integers('pads', padsOf(tensorAt(first!).shape, window, operation.stride)),
      ];
      if (operation.kind === 'max-pool') nodes.push(node('MaxPool', [realOf(first!)], name, placed));
      else {
        const weights = tensorAt(second!);
        const { scales } = weights;
        const [outputs, height, width, inputs] = weights.shape as [number, number, number, number];
        const kernel = channelsFirst(weights);
        const weightsReal = constantReal(`weights${at}`, 'int8', [outputs, inputs, height, width], kernel, scales);
        const biasScales = scales.map((scale) => Math.fround(scale * tensorAt(first!).scales[0]!));
        const biasReal = constantReal(`bias${at}`, 'int32', [outputs], tensorAt(third!).bytes, biasScales);
        nodes.push(node('Conv', [realOf(first!), weightsReal, biasReal], name, placed));
      }
    }
    return name;
  }

  const [given, made] = [tensorAt(input), tensorAt(output)];
  for (const [name, tensor] of [
    ['input', given],
    ['output', made],
  ] as const)
    constants.push(
      floats(`${name}.scale`, tensor.scales, []),
      constant(`${name}.zero`, 'int8', [], Uint8Array.of(tensor.zeroPoint & 255)),
    );
  nodes.push(node('DequantizeLinear', ['input', 'input.scale', 'input.zero'], 'input.real'));
  nodes.push(node('Transpose', ['input.real'], 'input.planes', [integers('perm', [0, 3, 1, 2])]));
  store(input, 'input.planes');
  for (const [at, operation] of operations.entries()) {
    const { zeroPoint, name } = tensorAt(operation.output);
    // 0 is then the lowest number that can be stored, so the store itself cuts off what is below.
    if (operation.isRelu && zeroPoint !== -128) throw new Error(`${name} has a zero point that is not the lowest`);
    store(operation.output, compute(operation, at));
  }
  nodes.push(node('Transpose', [realOf(output)], 'output.pixels', [integers('perm', [0, 2, 3, 1])]));
  nodes.push(node('QuantizeLinear', ['output.pixels', 'output.scale', 'output.zero'], 'output'));

  const ports = [port(11, 'input', given.shape), port(12, 'output', made.shape)];
  const graph = bytes(7, ...nodes, bytes(2, 'roomkin'), ...constants, ...ports);
  return Buffer.concat([number(1, irVersion), graph, bytes(8, bytes(1, ''), number(2, operatorsVersion))]);
}

/** The padding "same" of TFLite: above, left, below, right; the odd one is below and to the right. */
function padsOf(shape: readonly number[], window: readonly number[], stride: readonly number[]): readonly number[] {
  const pads = [1, 2].map((dimension) => {
    const size = shape[dimension]!;
    const [length, step] = [window[dimension - 1]!, stride[dimension - 1]!];
    return Math.max(0, (Math.ceil(size / step) - 1) * step + length - size);
  });
  return [...pads.map((pad) => Math.floor(pad / 2)), ...pads.map((pad) => Math.ceil(pad / 2))];
}

/** The weights [outputs, height, width, inputs] as [outputs, inputs, height, width]. */
function channelsFirst({ shape, bytes: weights }: GraphTensor): Uint8Array {
  const [outputs, height, width, inputs] = shape as [number, number, number, number];
  const area = height * width;
  const kernel = new Uint8Array(weights.length);
  for (let o = 0; o < outputs; o++)
    for (let p = 0; p < area; p++)
      for (let i = 0; i < inputs; i++) kernel[(o * inputs + i) * area + p] = weights[(o * area + p) * inputs + i]!;
  return kernel;
}
