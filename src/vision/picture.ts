// Pixels as the vision code reads them: planes of bytes with strides.

/** A camera frame, a photo or a crop. `i420`: Y, U, V planes one after another, full range BT.601; `rgb`: three bytes per pixel. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly format: 'i420' | 'rgb';
  /** Bytes from one row of Y (or RGB) to the next; chroma rows are half as far apart. */
  readonly stride: number;
  readonly data: Uint8Array;
}

/** A picture with its time: what cameras give and engines take. */
export interface Frame extends Picture {
  /** When its last byte came, monotonic milliseconds. */
  readonly capturedAt: number;
  /** Counts frames of one camera from 0; a gap means frames that were dropped before it. */
  readonly sequence: number;
}

/** One plane: `channels` interleaved bytes per pixel, rows `stride` bytes apart, starting at `offset`. */
export interface Plane {
  readonly data: Uint8Array;
  readonly offset: number;
  readonly stride: number;
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
}

/** The planes of a picture: one of RGB, or Y, U and V. Throws RangeError when `data` is too short for the size. */
export function planes(picture: Picture): readonly Plane[] {
  const { width, height, stride, data, format } = picture;
  const channels = format === 'rgb' ? 3 : 1;
  if (!(width >= 1 && height >= 1 && stride >= width * channels)) {
    throw new RangeError(`a picture of ${width}x${height} pixels cannot have rows of ${stride} bytes`);
  }
  const first: Plane = { data, offset: 0, stride, width, height, channels };
  if (format === 'rgb') return [checked(first)];
  const half = { data, stride: stride >> 1, width: (width + 1) >> 1, height: (height + 1) >> 1, channels: 1 } as const;
  const u: Plane = { ...half, offset: stride * height };
  const v: Plane = { ...half, offset: u.offset + u.stride * u.height };
  return [first, u, checked(v)];
}

function checked(plane: Plane): Plane {
  const needed = plane.offset + plane.stride * (plane.height - 1) + plane.width * plane.channels;
  if (plane.data.length < needed) throw new RangeError(`a picture has ${plane.data.length} bytes but needs ${needed}`);
  return plane;
}

/** Five numbers for each plane, as native/frames.c takes them: offset, stride, width, height, channels. */
export function packedPlanes(planes: readonly Plane[]): Int32Array {
  return Int32Array.from(
    planes.flatMap(({ offset, stride, width, height, channels }) => [offset, stride, width, height, channels]),
  );
}

/** By how many degrees a picture is turned clockwise. */
export type Turn = 0 | 90 | 180 | 270;

/** An RGB picture turned clockwise, without padding of its rows. */
export function turnedRgb({ width, height, stride, data }: Picture & { readonly format: 'rgb' }, turn: Turn): Picture {
  const isUpright = turn === 0 || turn === 180;
  const [newWidth, newHeight] = isUpright ? [width, height] : [height, width];
  const out = new Uint8Array(newWidth * newHeight * 3);
  for (let y = 0, to = 0; y < newHeight; y++) {
    for (let x = 0; x < newWidth; x++, to += 3) {
      const [fromX, fromY] = turnedBack([x, y], turn, width - 1, height - 1);
      const from = fromY * stride + fromX * 3;
      out[to] = data[from]!;
      out[to + 1] = data[from + 1]!;
      out[to + 2] = data[from + 2]!;
    }
  }
  return { width: newWidth, height: newHeight, format: 'rgb', stride: newWidth * 3, data: out };
}

/** Where a point of a turned picture is in the picture before; `right` and `bottom` are the last positions of the latter. */
export function turnedBack(
  [x, y]: readonly [x: number, y: number],
  turn: Turn,
  right: number,
  bottom: number,
): readonly [x: number, y: number] {
  if (turn === 90) return [y, bottom - x];
  if (turn === 180) return [right - x, bottom - y];
  return turn === 270 ? [right - y, x] : [x, y];
}

// Full-range BT.601, as libcamera's sYCC and JPEG use it (ITU-T T.871, section 7). Not the 16-235 video range.

/** Writes R, G, B (0 to 255, unrounded) of one YUV triple to `out[at]`, `out[at + 1]`, `out[at + 2]`. */
export function yuvToRgb(y: number, u: number, v: number, out: Float32Array | Uint8ClampedArray, at: number): void {
  const blue = u - 128;
  const red = v - 128;
  out[at] = clamp(y + 1.402 * red);
  out[at + 1] = clamp(y - 0.344136 * blue - 0.714136 * red);
  out[at + 2] = clamp(y + 1.772 * blue);
}

/** The factors of `yuvToRgb` times 1024, as integers: V to R, U from G, V from G, U to B. */
export const RED_V = 1436;
export const GREEN_U = 352;
export const GREEN_V = 731;
export const BLUE_U = 1815;

/** Luma of an RGB pixel, 0 to 255. */
export function luma(r: number, g: number, b: number): number {
  return 0.299 * r + 0.587 * g + 0.114 * b;
}

function clamp(value: number): number {
  return value < 0 ? 0 : value > 255 ? 255 : value;
}

// A view is the rectangle of a frame that one detector pass covers. Views are in continuous frame pixels: the frame's first
// pixel covers [0, 1). A view may extend beyond the frame's border. The area outside is black.

/** Left edge, top edge and size, in pixels of the frame. */
export interface View {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

/**
 * The smallest view around the whole frame, the frame in its middle (a letterbox). `aspect`: width by height, 1 for a square.
 * `grow` 1.5: half as long again.
 */
export function wholeView(frame: Size, aspect = 1, grow = 1): View {
  const width = Math.max(frame.width, frame.height * aspect) * grow;
  const height = width / aspect;
  return { x: (frame.width - width) / 2, y: (frame.height - height) / 2, width, height };
}

/** The square of `side` pixels centred on `(x, y)`. */
export function viewAround(x: number, y: number, side: number): View {
  return { x: x - side / 2, y: y - side / 2, width: side, height: side };
}
