// Pictures from the formulas of test/golden/README.md, so that numbers from Python can be compared without a photo.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/base/files.js';
import type { Picture } from '../../src/vision/picture.js';

export type Kind = 'gradient' | 'checker' | 'noise' | 'mixed';

/** A golden file. */
export function golden<T>(name: string): T {
  return JSON.parse(readFileSync(join(packageRoot, 'test', 'golden', `${name}.json`), 'utf8')) as T;
}

/** `[height, width, 3]` bytes. */
export function madePixels(kind: Kind, width: number, height: number): Uint8Array {
  const out = new Uint8Array(width * height * 3);
  if (kind === 'noise') {
    let state = 1;
    for (let i = 0; i < out.length; i++) {
      state = (Math.imul(1664525, state) + 1013904223) >>> 0;
      out[i] = state >>> 24;
    }
    return out;
  }
  if (kind === 'mixed') {
    const [a, b, c] = (['gradient', 'checker', 'noise'] as const).map((part) => madePixels(part, width, height));
    for (let i = 0; i < out.length; i++) out[i] = Math.floor((2 * a![i]! + b![i]! + c![i]!) / 4);
    return out;
  }
  const at = kind === 'checker' ? checker : gradient(width, height);
  for (let i = 0; i < out.length; i++) {
    const pixel = Math.floor(i / 3);
    out[i] = at(pixel % width, Math.floor(pixel / width), i % 3);
  }
  return out;
}

function checker(x: number, y: number, c: number): number {
  return (Math.floor(x / 8) + Math.floor(y / 8) + c) % 2 === 1 ? 230 : 25;
}

function gradient(width: number, height: number) {
  return (x: number, y: number, c: number): number => {
    const across = Math.floor((Math.floor((x * 255) / (width - 1)) * (3 - c)) / 3);
    return across + Math.floor((Math.floor((y * 255) / (height - 1)) * c) / 3);
  };
}

export function madePicture(kind: Kind, width: number, height: number): Picture {
  return { width, height, format: 'rgb', stride: width * 3, data: madePixels(kind, width, height) };
}

/** The same picture as a camera gives it: I420, full range BT.601, rows padded by `padding` bytes (even). */
export function toI420(picture: Picture, padding = 0): Picture {
  const { width, height, data } = picture;
  const stride = width + padding;
  const out = new Uint8Array(stride * height + 2 * (stride / 2) * (height / 2));
  const uAt = stride * height;
  const vAt = uAt + (stride / 2) * (height / 2);
  const rgb = (x: number, y: number): [number, number, number] => {
    const i = (y * width + x) * 3;
    return [data[i]!, data[i + 1]!, data[i + 2]!];
  };
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [r, g, b] = rgb(x, y);
      out[y * stride + x] = Math.round(0.299 * r + 0.587 * g + 0.114 * b);
    }
  }
  for (let y = 0; y < height / 2; y++) {
    for (let x = 0; x < width / 2; x++) {
      const four = [rgb(2 * x, 2 * y), rgb(2 * x + 1, 2 * y), rgb(2 * x, 2 * y + 1), rgb(2 * x + 1, 2 * y + 1)];
      const [r, g, b] = [0, 1, 2].map((c) => four.reduce((sum, pixel) => sum + pixel[c]!, 0) / 4) as [
        number,
        number,
        number,
      ];
      out[uAt + (y * stride) / 2 + x] = Math.round(128 - 0.168736 * r - 0.331264 * g + 0.5 * b);
      out[vAt + (y * stride) / 2 + x] = Math.round(128 + 0.5 * r - 0.418688 * g - 0.081312 * b);
    }
  }
  return { width, height, format: 'i420', stride, data: out };
}
