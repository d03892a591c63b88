// A view is the square of a frame that a detector looks at. Views are in continuous frame pixels: the frame's first
// pixel covers [0, 1). A view may reach over the frame's border; what lies outside is black.

/** A square: left edge, top edge and side, in pixels of the frame. */
export interface View {
  readonly x: number;
  readonly y: number;
  readonly side: number;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** The smallest square around the whole frame, the frame in its middle (a letterbox); `grow` 1.5 adds half of it as a border. */
export function wholeView(frame: Size, grow = 1): View {
  const side = Math.max(frame.width, frame.height) * grow;
  return { x: (frame.width - side) / 2, y: (frame.height - side) / 2, side };
}

/** The square of `side` pixels centred on `(x, y)`. */
export function viewAround(x: number, y: number, side: number): View {
  return { x: x - side / 2, y: y - side / 2, side };
}
