// Pixels to a model's input numbers and its output numbers back, by what the manifest says of the model.
//
// Invariant: rounds half away from zero as TFLite's reference quantizer does, so Python and the daemon feed a model the
// same bytes.

/** How a tensor stores real numbers: `real = (stored - zeroPoint) * scale` for int8 and uint8; scale 0 where it is float32. */
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

/**
 * A function that writes RGB pixels (0 to 255) into a model's input from index `at`: bytes through a table, real numbers to
 * float32 by a product, which for the detector's 192x192 takes 0.1 ms.
 */
export function pixelWriter(input: PixelInput): (pixels: ArrayLike<number>, out: InputArray, at: number) => void {
  const stored = (pixel: number): number => store((pixel - input.mean) / input.std, input);
  const table = Float64Array.from({ length: 256 }, (_, pixel) => stored(pixel));
  const gain = 1 / input.std;
  const shift = -input.mean / input.std;
  return (pixels, out, at) => {
    if (input.type === 'float32' && pixels instanceof Float32Array && out instanceof Float32Array) {
      for (let i = 0, to = at; i < pixels.length; i += 3, to += 3) {
        out[to] = pixels[i]! * gain + shift;
        out[to + 1] = pixels[i + 1]! * gain + shift;
        out[to + 2] = pixels[i + 2]! * gain + shift;
      }
    } else if (pixels instanceof Uint8Array) for (let i = 0; i < pixels.length; i++) out[at + i] = table[pixels[i]!]!;
    else for (let i = 0; i < pixels.length; i++) out[at + i] = stored(pixels[i]!);
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
