// Reads the graph of a full int8 .tflite file (FlatBuffers): tensors with their scales, constants, and the operations of the shipped
// embedder. Another operation is an error.
//
// Source: the schema of TFLite (tensorflow/lite/schema/schema.fbs), version 3.

export interface GraphTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly type: 'int8' | 'int32';
  /** One scale, or one for each index of the first dimension; `real = (stored - zeroPoint) * scale`. Empty where there is none. */
  readonly scales: readonly number[];
  readonly zeroPoint: number;
  /** The bytes of a constant; empty for a tensor that is computed. */
  readonly bytes: Uint8Array;
}

/** Heights come before widths. `isRelu`: nothing below zero comes out. */
export type GraphOperation = {
  readonly inputs: readonly number[];
  readonly output: number;
  readonly isRelu: boolean;
} & (
  | { readonly kind: 'conv'; readonly stride: readonly [number, number] }
  | {
      readonly kind: 'max-pool';
      readonly stride: readonly [number, number];
      readonly window: readonly [number, number];
    }
  | { readonly kind: 'add' }
  /** Over height and width. */
  | { readonly kind: 'mean' }
);

export interface Graph {
  readonly tensors: readonly GraphTensor[];
  readonly operations: readonly GraphOperation[];
  readonly input: number;
  readonly output: number;
}

/** Operations and types by their numbers in the schema. */
const operationNames: Readonly<Record<number, GraphOperation['kind']>> = {
  0: 'add',
  3: 'conv',
  17: 'max-pool',
  40: 'mean',
};
const typeNames: Readonly<Record<number, GraphTensor['type']>> = { 2: 'int32', 9: 'int8' };
const samePadding = 0;
const relu = 1;

/** Errors: an Error that says what of the file is not understood. */
export function readGraph(file: Uint8Array): Graph {
  const model = rootOf(file);
  const codes = model.tables(1).map((code) => Math.max(code.byte(0), code.int(3)));
  const [main, second] = model.tables(2);
  if (main === undefined || second !== undefined) throw new Error('the model does not have one graph');
  const buffers = model.tables(4);
  const tensors = main.tables(0).map((tensor) => tensorOf(tensor, buffers));
  const operations = main.tables(3).map((operation) => operationOf(operation, codes));
  const [input, output] = [main.ints(1), main.ints(2)];
  if (input.length !== 1 || output.length !== 1) throw new Error('the model does not have one input and one output');
  return { tensors, operations, input: input[0]!, output: output[0]! };
}

function tensorOf(tensor: Table, buffers: readonly Table[]): GraphTensor {
  const number = tensor.byte(1);
  const type = typeNames[number];
  if (type === undefined) throw new Error(`a tensor has the type ${number}: only full int8 models are understood`);
  const quantization = tensor.table(4);
  const zeroPoints = quantization?.longs(3) ?? [];
  return {
    name: tensor.text(3),
    shape: tensor.ints(0),
    type,
    scales: quantization?.floats(2) ?? [],
    zeroPoint: zeroPoints[0] ?? 0,
    bytes: buffers[tensor.int(2)]?.bytes(0) ?? new Uint8Array(),
  };
}

function operationOf(operation: Table, codes: readonly number[]): GraphOperation {
  const code = codes[operation.int(0)] ?? -1;
  const kind = operationNames[code];
  const options = operation.table(4);
  const [output] = operation.ints(2);
  if (kind === undefined || options === null || output === undefined)
    throw new Error(`the operation ${code} is not understood`);
  const base = { inputs: operation.ints(1), output, isRelu: false };
  const withRelu = (field: number) => ({ ...base, isRelu: activation(options.byte(field)) });
  if (kind === 'add') return { ...withRelu(0), kind };
  if (kind === 'mean') return { ...base, kind };
  if (options.byte(0) !== samePadding) throw new Error('only the padding "same" is understood');
  const stride = [options.int(2), options.int(1)] as const;
  if (kind === 'max-pool') return { ...withRelu(5), kind, stride, window: [options.int(4), options.int(3)] };
  if (options.int(4, 1) !== 1 || options.int(5, 1) !== 1) throw new Error('a dilated convolution is not understood');
  return { ...withRelu(3), kind, stride };
}

function activation(number: number): boolean {
  if (number > relu) throw new Error(`the activation ${number} is not understood`);
  return number === relu;
}

/** A table of a FlatBuffers file. Fields are numbered as in the schema; an absent one is 0 or empty. */
interface Table {
  byte(field: number): number;
  int(field: number, absent?: number): number;
  text(field: number): string;
  table(field: number): Table | null;
  tables(field: number): readonly Table[];
  bytes(field: number): Uint8Array;
  ints(field: number): readonly number[];
  longs(field: number): readonly number[];
  floats(field: number): readonly number[];
}

function rootOf(file: Uint8Array): Table {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const follow = (at: number): number => at + view.getUint32(at, true);
  const tableAt = (position: number): Table => {
    const fields = position - view.getInt32(position, true);
    /** Where the value of a field is; null where it is absent. */
    const placeOf = (field: number): number | null => {
      const entry = 4 + 2 * field;
      if (entry >= view.getUint16(fields, true)) return null;
      const offset = view.getUint16(fields + entry, true);
      return offset === 0 ? null : position + offset;
    };
    const vector = <T>(field: number, size: number, read: (at: number) => T): T[] => {
      const place = placeOf(field);
      if (place === null) return [];
      const start = follow(place);
      return Array.from({ length: view.getUint32(start, true) }, (_, i) => read(start + 4 + i * size));
    };
    return {
      byte(field) {
        const place = placeOf(field);
        return place === null ? 0 : view.getInt8(place);
      },
      int(field, absent = 0) {
        const place = placeOf(field);
        return place === null ? absent : view.getInt32(place, true);
      },
      text: (field) => Buffer.from(vector(field, 1, (at) => view.getUint8(at))).toString('utf8'),
      table(field) {
        const place = placeOf(field);
        return place === null ? null : tableAt(follow(place));
      },
      tables: (field) => vector(field, 4, (at) => tableAt(follow(at))),
      bytes(field) {
        const place = placeOf(field);
        if (place === null) return new Uint8Array();
        const start = follow(place);
        return file.subarray(start + 4, start + 4 + view.getUint32(start, true));
      },
      ints: (field) => vector(field, 4, (at) => view.getInt32(at, true)),
      longs: (field) => vector(field, 8, (at) => Number(view.getBigInt64(at, true))),
      floats: (field) => vector(field, 4, (at) => view.getFloat32(at, true)),
    };
  };
  return tableAt(follow(0));
}
