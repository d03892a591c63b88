// What the rest of the engine knows of a loaded model, whichever runtime runs it: numbers in, numbers out.

export type InputArray = Float32Array | Int8Array | Uint8Array;

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
