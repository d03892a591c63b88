// A camera frame at half its size: what the detector gets from the usual camera. A quarter of the general resampler's time.
//
// Invariant: the same numbers as the general resampler gives, to within one grey level. Each output pixel is the mean of four of
// luma, and has one chroma sample to itself.
import { framesAddon } from '../base/frames-addon.js';
import { BLUE_U, GREEN_U, GREEN_V, type Picture, type Plane, planes, RED_V, type Size, type View } from './picture.js';

/** Quarters of a level below and above 0 to 255 that extreme chroma reaches: from level -227 to 481. */
const BELOW = 256 * 4;

/**
 * A function that writes a view of a picture as RGB `[height, width, 3]` to `out`. It returns false and writes nothing where it
 * cannot: the picture must be i420 of twice the size, and the view as large, moved by whole output pixels.
 * @param stored the number to write for a level 0 to 255
 */
export function halver(
  size: Size,
  stored: (level: number) => number,
  out: Int8Array,
  { addon }: ReturnType<typeof framesAddon> = framesAddon(),
) {
  const { width, height } = size;
  const table = Int8Array.from({ length: 3 * BELOW }, (_, i) => stored(Math.min(255, Math.max(0, (i - BELOW) / 4))));
  const factors = (factor: number) => Int32Array.from({ length: 256 }, (_, chroma) => factor * (chroma - 128));
  const [redV, greenU, greenV, blueU] = [factors(RED_V), factors(-GREEN_U), factors(-GREEN_V), factors(BLUE_U)];
  const black = stored(0);
  return (picture: Picture, view: View): boolean => {
    const [right, down] = [-view.x / 2, -view.y / 2];
    if (picture.format !== 'i420' || picture.width !== 2 * width || picture.height !== 2 * height) return false;
    if (view.width !== 2 * width || view.height !== 2 * height) return false;
    if (!Number.isInteger(right) || !Number.isInteger(down) || right < 0 || down < 0) return false;
    const [luma, u, v] = planes(picture) as [Plane, Plane, Plane];
    const { data } = picture;
    if (addon !== null) {
      const places = [luma.offset, luma.stride, u.offset, v.offset, u.stride, width, height, right, down, black];
      addon.halve(data, Int32Array.from(places), table, out);
      return true;
    }
    out.fill(black, 0, down * width * 3);
    for (let row = down; row < height; row++) {
      const to = row * width * 3;
      out.fill(black, to, to + right * 3);
      const upper = luma.offset + 2 * (row - down) * luma.stride;
      const chroma = (row - down) * u.stride;
      for (
        let at = to + right * 3,
          a = upper,
          b = upper + luma.stride,
          c = u.offset + chroma,
          d = v.offset + chroma,
          end = to + width * 3;
        at < end;
        at += 3, a += 2, b += 2, c++, d++
      ) {
        // four times the level, and half of a 1024th more for rounding
        const quarters = ((data[a]! + data[a + 1]! + data[b]! + data[b + 1]!) << 8) + 128 + (BELOW << 8);
        const blue = data[c]!;
        const red = data[d]!;
        out[at] = table[(quarters + redV[red]!) >> 8]!;
        out[at + 1] = table[(quarters + greenU[blue]! + greenV[red]!) >> 8]!;
        out[at + 2] = table[(quarters + blueU[blue]!) >> 8]!;
      }
    }
    return true;
  };
}
