// Aligned faces: a similarity transform of four landmarks onto the ArcFace template, 112x112 RGB.
//
// Invariant: the same landmarks and the same picture give the same crop here and in training/ (to within one grey
// level, which test/golden checks). Landmarks are in pixels whose value lies at the integer coordinate.
import { framesAddon } from '../base/frames-addon.js';
import type { Landmarks, Point } from './face.js';
import type { Picture, Plane } from './picture.js';
import { packedPlanes, planes, yuvToRgb } from './picture.js';

/** Side of an aligned face in pixels. */
export const ALIGNED_PX = 112;

/** Right eye (left in the image), left eye, nose tip, middle of the mouth: InsightFace's template, mouth corners averaged. */
const template: readonly Point[] = [
  [38.29, 51.7],
  [73.53, 51.5],
  [56.03, 71.74],
  [(41.55 + 70.73) / 2, (92.37 + 92.2) / 2],
];

/** `x' = a x - b y + tx`, `y' = b x + a y + ty`: rotation and scale (a, b), then translation. */
export interface Similarity {
  readonly a: number;
  readonly b: number;
  readonly tx: number;
  readonly ty: number;
}

/**
 * The similarity transform from the frame to the crop that takes the first four landmarks nearest to the template.
 * In the plane, Umeyama's least-squares solution (IEEE PAMI 13:4, 1991) without reflection has this closed form.
 * null when the landmarks coincide (a broken detection).
 */
export function alignmentOf(landmarks: Landmarks | readonly Point[]): Similarity | null {
  const source = landmarks.slice(0, template.length);
  const [sx, sy] = mean(source);
  const [dx, dy] = mean(template);
  let variance = 0;
  let along = 0;
  let across = 0;
  for (const [i, [x, y]] of source.entries()) {
    const px = x - sx;
    const py = y - sy;
    const qx = template[i]![0] - dx;
    const qy = template[i]![1] - dy;
    variance += px * px + py * py;
    along += px * qx + py * qy;
    across += px * qy - py * qx;
  }
  if (!(variance > 1e-9) || !Number.isFinite(along + across)) return null;
  const a = along / variance;
  const b = across / variance;
  if (Math.hypot(a, b) < 1e-9) return null;
  return { a, b, tx: dx - a * sx + b * sy, ty: dy - b * sx - a * sy };
}

/** Distance between the eyes of the template, pixels of the crop. */
const TEMPLATE_EYES_PX = Math.hypot(template[1]![0] - template[0]![0], template[1]![1] - template[0]![1]);

/**
 * How far the first four landmarks are from the template after the alignment: root mean square in distances between the template's
 * eyes. 1 where there is no alignment.
 */
export function misfitOf(landmarks: Landmarks | readonly Point[]): number {
  const similarity = alignmentOf(landmarks);
  if (similarity === null) return 1;
  const { a, b, tx, ty } = similarity;
  let square = 0;
  for (const [i, [x, y]] of template.entries()) {
    const [px, py] = landmarks[i]!;
    square += (a * px - b * py + tx - x) ** 2 + (b * px + a * py + ty - y) ** 2;
  }
  return Math.sqrt(square / template.length) / TEMPLATE_EYES_PX;
}

function mean(points: readonly Point[]): Point {
  let x = 0;
  let y = 0;
  for (const point of points) {
    x += point[0];
    y += point[1];
  }
  return [x / points.length, y / points.length];
}

/**
 * `picture` seen through `similarity` as RGB `[112, 112, 3]`: bilinear, edges replicated. A face more than twice as
 * large as the crop is averaged over a grid of samples per pixel, because bilinear sampling alone would skip pixels.
 */
export function warp(
  picture: Picture,
  similarity: Similarity,
  { addon }: ReturnType<typeof framesAddon> = framesAddon(),
): Uint8Array {
  if (addon !== null) {
    const { a, b, tx, ty } = similarity;
    const out = new Uint8Array(ALIGNED_PX * ALIGNED_PX * 3);
    addon.warp(picture.data, packedPlanes(planes(picture)), Float64Array.of(a, b, tx, ty), out);
    return out;
  }
  const crop = new Uint8ClampedArray(ALIGNED_PX * ALIGNED_PX * 3);
  const [first, u, v] = planes(picture);
  if (u === undefined || v === undefined) {
    const [red, green, blue] = [0, 1, 2].map((channel) => sampled(first!, channel, similarity));
    for (let i = 0, to = 0; i < red!.length; i++) {
      crop[to++] = Math.floor(red![i]! + 0.5);
      crop[to++] = Math.floor(green![i]! + 0.5);
      crop[to++] = Math.floor(blue![i]! + 0.5);
    }
  } else {
    const halved = toChroma(similarity);
    const [luma, blue, red] = [sampled(first!, 0, similarity), sampled(u, 0, halved), sampled(v, 0, halved)];
    for (let i = 0; i < luma.length; i++) yuvToRgb(luma[i]!, blue[i]!, red[i]!, crop, i * 3);
  }
  return new Uint8Array(crop.buffer);
}

/** The same transform from chroma pixels, whose centres lie between two luma columns and rows: `x = 2 hx + 0.5`. */
function toChroma({ a, b, tx, ty }: Similarity): Similarity {
  return { a: 2 * a, b: 2 * b, tx: tx + (a - b) / 2, ty: ty + (a + b) / 2 };
}

/** Steps between two pixels: a byte times their square fits 31 bits. */
const STEPS_BITS = 11;
const STEPS = 1 << STEPS_BITS;

/** One channel of a plane as `[112, 112]`, 0 to 255, not rounded. */
function sampled(plane: Plane, channel: number, { a, b, tx, ty }: Similarity): Float32Array {
  const square = a * a + b * b;
  const across = Math.max(1, Math.min(16, Math.floor(1 / Math.sqrt(square))));
  const share = 1 / (across * across * STEPS * STEPS);
  const { data, stride, channels } = plane;
  const origin = plane.offset + channel;
  const [lastX, lastY] = [plane.width - 1, plane.height - 1];
  const [stepX, stepY] = [a / square, -b / square];
  const out = new Float32Array(ALIGNED_PX * ALIGNED_PX);
  for (let sample = 0; sample < across * across; sample++) {
    const left = ((sample % across) + 0.5) / across - 0.5 - tx;
    const top = (Math.floor(sample / across) + 0.5) / across - 0.5 - ty;
    for (let row = 0, to = 0; row < ALIGNED_PX; row++) {
      const startX = (a * left + b * (row + top)) / square;
      const startY = (a * (row + top) - b * left) / square;
      for (let column = 0; column < ALIGNED_PX; column++, to++) {
        const x = startX + column * stepX;
        const y = startY + column * stepY;
        const fineX = ((x < 0 ? 0 : x > lastX ? lastX : x) * STEPS) | 0;
        const fineY = ((y < 0 ? 0 : y > lastY ? lastY : y) * STEPS) | 0;
        const x0 = fineX >> STEPS_BITS;
        const y0 = fineY >> STEPS_BITS;
        const fx = fineX & (STEPS - 1);
        const fy = fineY & (STEPS - 1);
        const at = origin + Math.imul(y0, stride) + Math.imul(x0, channels);
        const right = x0 < lastX ? channels : 0;
        const below = y0 < lastY ? at + stride : at;
        const upper = Math.imul(data[at]!, STEPS - fx) + Math.imul(data[at + right]!, fx);
        const lower = Math.imul(data[below]!, STEPS - fx) + Math.imul(data[below + right]!, fx);
        out[to]! += (Math.imul(upper, STEPS - fy) + Math.imul(lower, fy)) * share;
      }
    }
  }
  return out;
}

/** The mirror image of an aligned face. */
export function mirrored(crop: Uint8Array): Uint8Array {
  const out = new Uint8Array(crop.length);
  for (let row = 0; row < ALIGNED_PX; row++) {
    for (let column = 0; column < ALIGNED_PX; column++) {
      const from = (row * ALIGNED_PX + column) * 3;
      const to = (row * ALIGNED_PX + ALIGNED_PX - 1 - column) * 3;
      out[to] = crop[from]!;
      out[to + 1] = crop[from + 1]!;
      out[to + 2] = crop[from + 2]!;
    }
  }
  return out;
}
