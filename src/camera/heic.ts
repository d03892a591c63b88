// HEIC photos of phones. sharp is shipped without a decoder for HEVC, so libheif in WebAssembly reads them. It runs in a thread that is
// started for one photo: its memory never shrinks, and the end of the thread gives it back.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

/** Upright, 8 bits, 4 bytes a pixel. */
export interface RgbaPicture {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** Most bytes of memory for each pixel of a photo: 12 were measured for 12 and 24 megapixels, 1 belongs to the file and the thread. */
export const heicBytesPerPixel = 13;

interface Task {
  readonly heic: Uint8Array;
  readonly mostPixels: number;
}

/** Decodes the first picture of the file. Rejects with an Error for anything that libheif cannot read, and for more than `mostPixels`. */
export async function decodeHeic(heic: Uint8Array, mostPixels: number): Promise<RgbaPicture> {
  const thread = new Worker(new URL(import.meta.url), {
    workerData: { heic, mostPixels } satisfies Task,
    stdout: true,
  });
  try {
    return await new Promise<RgbaPicture>((resolve, reject) => {
      thread.once('message', (answer: RgbaPicture | { readonly failure: string }) => {
        if ('failure' in answer) reject(new Error(answer.failure));
        else resolve(answer);
      });
      thread.once('error', reject);
      thread.once('exit', () => reject(new Error('the decoder has ended')));
    });
  } finally {
    await thread.terminate();
  }
}

// The thread.

/** The part of libheif that is used here. */
interface Libheif {
  readonly ready?: Promise<unknown>;
  readonly HeifDecoder: new () => { decode(bytes: Uint8Array): HeifImage[] };
}

interface HeifImage {
  get_width(): number;
  get_height(): number;
  display(
    into: { readonly data: Uint8ClampedArray; readonly width: number; readonly height: number },
    done: (filled: object | null) => void,
  ): void;
}

async function decodeHere({ heic, mostPixels }: Task): Promise<RgbaPicture> {
  const require = createRequire(import.meta.url);
  const wasmBinary = readFileSync(require.resolve('libheif-js/libheif-wasm/libheif.wasm'));
  const load = require('libheif-js/libheif-wasm/libheif.js') as (options: { wasmBinary: Uint8Array }) => Libheif;
  const libheif = load({ wasmBinary });
  await libheif.ready;
  const [image] = new libheif.HeifDecoder().decode(heic);
  if (image === undefined) throw new Error('the file holds no picture');
  const [width, height] = [image.get_width(), image.get_height()];
  if (width * height > mostPixels) throw new Error(`${width}x${height} pixels`);
  const data = new Uint8ClampedArray(width * height * 4);
  const filled = await new Promise((resolve) => image.display({ data, width, height }, resolve));
  if (filled === null) throw new Error('its pixels cannot be decoded');
  return { width, height, data: new Uint8Array(data.buffer) };
}

const task = workerData as Partial<Task> | null;
if (!isMainThread && task?.heic !== undefined && task.mostPixels !== undefined) {
  try {
    const picture = await decodeHere({ heic: task.heic, mostPixels: task.mostPixels });
    parentPort?.postMessage(picture, [picture.data.buffer as ArrayBuffer]);
  } catch (error) {
    parentPort?.postMessage({ failure: error instanceof Error ? error.message : String(error) });
  }
}
