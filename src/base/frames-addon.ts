// The addon for frames (native/frames.c): the work on the path of a frame that is slow in JavaScript. Without it everything works, with more
// processor time.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { sentenceOf } from './errors.js';
import { packageRoot } from './files.js';

/** The functions of the addon. Each throws an Error where arguments do not fit together. */
export interface FramesAddon {
  /** The descriptor of an empty memory file. */
  createMemory(): number;
  /** Part of a memory file. `writes` 1: it can be written, and the file grows to hold it; 0: writing to it ends the process. */
  mapMemory(fd: number, offset: number, bytes: number, writes: 0 | 1): ArrayBuffer;
  /** A pipe of about `bytes`: `ends` gets the descriptors to read from and to write to. */
  createPipe(ends: Int32Array, bytes: number): void;
  halve(data: Uint8Array, place: Int32Array, table: Int8Array, out: Int8Array): void;
  resample(
    data: Uint8Array,
    planes: Int32Array,
    across: Int32Array,
    down: Int32Array,
    chromaAcross: Int32Array,
    chromaDown: Int32Array,
    levels: Int8Array | Float32Array,
    out: Int8Array | Float32Array,
  ): void;
  warp(data: Uint8Array, planes: Int32Array, similarity: Float64Array, out: Uint8Array): void;
}

export interface LoadedAddon {
  /** null: JavaScript does the work. */
  readonly addon: FramesAddon | null;
  /** Why there is none; null where there is one. */
  readonly reason: string | null;
}

const names: readonly (keyof FramesAddon)[] = ['createMemory', 'mapMemory', 'createPipe', 'halve', 'resample', 'warp'];

/** The path of the addon that scripts/build-native.js builds. */
export const framesAddonPath: string = join(packageRoot, 'native', 'build', 'frames.node');

/** Loads the addon at `path`. */
export function loadFramesAddon(path: string): LoadedAddon {
  if (!existsSync(path)) return { addon: null, reason: 'the addon for frames is not built: npm rebuild needs gcc' };
  try {
    const addon = createRequire(import.meta.url)(path) as FramesAddon;
    const missing = names.filter((name) => typeof addon[name] !== 'function');
    if (missing.length === 0) return { addon, reason: null };
    return { addon: null, reason: `the addon for frames is of another version (no ${missing[0]}): npm rebuild` };
  } catch (error) {
    return { addon: null, reason: `the addon for frames does not load: ${sentenceOf(error)}` };
  }
}

let loaded: LoadedAddon | null = null;

/** The installed addon, loaded once. */
export function framesAddon(): LoadedAddon {
  loaded ??= loadFramesAddon(framesAddonPath);
  return loaded;
}
