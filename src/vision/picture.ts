// Pixels as the vision code reads them: planes of bytes with strides, whatever made them.

/** A camera frame, a photo or a crop. `i420`: Y, U, V planes one after another, full range BT.601; `rgb`: three bytes a pixel. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly format: 'i420' | 'rgb';
  /** Bytes from one row of Y (or RGB) to the next; chroma rows are half of it apart. */
  readonly stride: number;
  readonly data: Uint8Array;
}

/** A picture with its place in time; what cameras give and engines take. */
export interface Frame extends Picture {
  /** When its last byte came, monotonic milliseconds. */
  readonly capturedAt: number;
  /** Counts frames of one camera from 0; a gap means frames that were dropped before it. */
  readonly sequence: number;
}

/** One plane: `channels` interleaved bytes a pixel, rows `stride` bytes apart, starting at `offset`. */
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
    throw new RangeError(`no picture has ${width}x${height} pixels with rows of ${stride} bytes`);
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
  if (plane.data.length < needed) throw new RangeError(`a picture of ${plane.data.length} bytes, ${needed} needed`);
  return plane;
}
