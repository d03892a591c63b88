// Turns a frame by a quarter, for a camera that hangs sideways: neither a sensor nor rpicam-vid can.
import { type Picture, type Plane, planes } from '../vision/picture.js';

/** Degrees clockwise. */
export type Turn = 0 | 90 | 180 | 270;

/** A square of this many pixels is read and written before the next: its rows stay in the cache. */
const blockPx = 32;

/**
 * `picture` turned clockwise, without row padding, in the memory that `memoryFor` gives for its bytes; `picture` itself for 0 and 180
 * degrees, which the camera does.
 */
export function turned<P extends Picture>(
  picture: P,
  degrees: Turn,
  memoryFor = (bytes: number): Uint8Array => new Uint8Array(bytes),
): P {
  if (degrees === 0 || degrees === 180) return picture;
  const { width, height, format } = picture;
  const bytes = format === 'rgb' ? 3 * width * height : width * height + 2 * ((width + 1) >> 1) * ((height + 1) >> 1);
  const data = memoryFor(bytes);
  let offset = 0;
  for (const plane of planes(picture)) {
    turnPlane(plane, data, offset, degrees);
    offset += plane.width * plane.height * plane.channels;
  }
  return { ...picture, width: height, height: width, stride: format === 'rgb' ? 3 * height : height, data };
}

/** Writes the turned plane to `out` from `offset` on. */
function turnPlane(plane: Plane, out: Uint8Array, offset: number, degrees: 90 | 270): void {
  const { data, width, height, channels } = plane;
  // The pixel (x, y) goes to row x, counted from the bottom at 270 degrees, and to column y, counted from the right at 90 degrees.
  const [first, rowStep, columnStep] =
    degrees === 90
      ? [offset + (height - 1) * channels, height * channels, -channels]
      : [offset + (width - 1) * height * channels, -height * channels, channels];
  for (let top = 0; top < height; top += blockPx) {
    const bottom = Math.min(height, top + blockPx);
    for (let left = 0; left < width; left += blockPx) {
      const right = Math.min(width, left + blockPx);
      for (let y = top; y < bottom; y++) {
        let from = plane.offset + y * plane.stride + left * channels;
        let to = first + left * rowStep + y * columnStep;
        for (let x = left; x < right; x++) {
          for (let channel = 0; channel < channels; channel++) out[to + channel] = data[from + channel]!;
          from += channels;
          to += rowStep;
        }
      }
    }
  }
}
