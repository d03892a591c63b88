// Aligned faces: a similarity transform of four landmarks onto the ArcFace template, 112x112 RGB.
//
// Invariant: the same landmarks and the same picture give the same crop here and in training/ (to within one grey
// level; test/golden holds the proof). Landmarks are in pixels whose value lies at the integer coordinate.
import type { Landmarks, Point } from '../domain/face.js';
import type { Picture, Plane } from './picture.js';
import { planes } from './picture.js';
import { yuvToRgb } from './yuv.js';

/** Side of an aligned face in pixels. */
export const ALIGNED_PX = 112;

/** Right eye (left in the image), left eye, nose tip, middle of the mouth: InsightFace's template, mouth corners averaged. */
const template: readonly Point[] = [
  [38.29, 51.7],
  [73.53, 51.5],
  [56.03, 71.74],
  [(41.55 + 70.73) / 2, (92.37 + 92.2) / 2],
];

/** `x' = a x - b y + tx`, `y' = b x + a y + ty`: turn and scale (a, b), then shift. */
export interface Similarity {
  readonly a: number;
  readonly b: number;
  readonly tx: number;
  readonly ty: number;
}

/**
 * The similarity that takes the first four landmarks nearest to the template, from the frame to the crop.
 * In the plane Umeyama's least-squares solution (IEEE PAMI 13:4, 1991) without reflection has this closed form.
 * null when the landmarks coincide (a broken detection).
 */
export function alignmentOf(landmarks: Landmarks | readonly Point[]): Similarity | null {
  const source = landmarks.slice(0, template.length);
  const [sx, sy] = mean(source);
  const [dx, dy] = mean(template);
  let spread = 0;
  let along = 0;
  let across = 0;
  for (const [i, [x, y]] of source.entries()) {
    const px = x - sx;
    const py = y - sy;
    const qx = template[i]![0] - dx;
    const qy = template[i]![1] - dy;
    spread += px * px + py * py;
    along += px * qx + py * qy;
    across += px * qy - py * qx;
  }
  if (!(spread > 1e-9) || !Number.isFinite(along + across)) return null;
  const a = along / spread;
  const b = across / spread;
  if (Math.hypot(a, b) < 1e-9) return null;
  return { a, b, tx: dx - a * sx + b * sy, ty: dy - b * sx - a * sy };
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
 * large as the crop is averaged over a grid of samples a pixel, since bare bilinear sampling would skip pixels.
 */
export function warp(picture: Picture, similarity: Similarity): Uint8Array {
  const { a, b, tx, ty } = similarity;
  const square = a * a + b * b;
  const across = Math.max(1, Math.min(16, Math.floor(1 / Math.sqrt(square))));
  const [first, u, v] = planes(picture);
  const crop = new Uint8Array(ALIGNED_PX * ALIGNED_PX * 3);
  const rgb = new Float32Array(3);
  const sum = new Float32Array(3);
  const share = 1 / (across * across);
  for (let row = 0; row < ALIGNED_PX; row++) {
    for (let column = 0; column < ALIGNED_PX; column++) {
      sum.fill(0);
      for (let sample = 0; sample < across * across; sample++) {
        const cx = column + ((sample % across) + 0.5) / across - 0.5 - tx;
        const cy = row + (Math.floor(sample / across) + 0.5) / across - 0.5 - ty;
        const x = (a * cx + b * cy) / square;
        const y = (a * cy - b * cx) / square;
        if (u === undefined || v === undefined) {
          for (let c = 0; c < 3; c++) rgb[c] = bilinear(first!, x, y, c);
        } else {
          // the middle of a chroma pixel lies between its two luma columns
          const hx = (x - 0.5) / 2;
          const hy = (y - 0.5) / 2;
          yuvToRgb(bilinear(first!, x, y, 0), bilinear(u, hx, hy, 0), bilinear(v, hx, hy, 0), rgb, 0);
        }
        for (let c = 0; c < 3; c++) sum[c]! += rgb[c]!;
      }
      const to = (row * ALIGNED_PX + column) * 3;
      for (let c = 0; c < 3; c++) crop[to + c] = Math.floor(sum[c]! * share + 0.5);
    }
  }
  return crop;
}

function bilinear(plane: Plane, x: number, y: number, channel: number): number {
  const { data, stride, channels, width, height } = plane;
  const cx = x < 0 ? 0 : x > width - 1 ? width - 1 : x;
  const cy = y < 0 ? 0 : y > height - 1 ? height - 1 : y;
  const x0 = Math.floor(cx);
  const y0 = Math.floor(cy);
  const fx = cx - x0;
  const fy = cy - y0;
  const right = x0 + 1 < width ? channels : 0;
  const below = y0 + 1 < height ? stride : 0;
  const at = plane.offset + y0 * stride + x0 * channels + channel;
  const top = data[at]! * (1 - fx) + data[at + right]! * fx;
  const bottom = data[at + below]! * (1 - fx) + data[at + below + right]! * fx;
  return top * (1 - fy) + bottom * fy;
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
