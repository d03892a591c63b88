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

export type InputArray = Float32Array | Int8Array | Uint8Array;

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
