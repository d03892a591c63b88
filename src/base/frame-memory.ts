// Memory for frames that the engine's child reads in place: one memory file of this process, which each child inherits. Without the
// addon it is memory of this process alone, and frames are sent to the child.
//
// Invariant: a place in the file belongs to one array at a time. Nothing is ever written to a disk: a memory file has none.
import { type FramesAddon, framesAddon } from './frames-addon.js';

/** Where in the memory file. */
export interface MemoryPlace {
  readonly offset: number;
  readonly bytes: number;
}

export interface FrameMemory {
  /** Descriptor of the memory file, for a child; null: there is none. */
  readonly fd: number | null;
  /** Memory that is all zero. */
  allocate(bytes: number): Uint8Array;
  /** `memory` from `allocate` is not used any more, also by no child: another camera may get it. */
  free(memory: Uint8Array): void;
  /** Where `data` is in the memory file; null where it is elsewhere. */
  placeOf(data: Uint8Array): MemoryPlace | null;
}

/** Places begin at a multiple of this. Every page size divides it. */
const placeBytes = 65536;

export function createFrameMemory({ addon } = framesAddon()): FrameMemory {
  let fd: number | null = null;
  try {
    fd = addon?.createMemory() ?? null;
  } catch {
    // No descriptor is left, or the kernel refuses: frames are sent to the child then.
  }
  const offsets = new WeakMap<ArrayBufferLike, number>();
  let free: { readonly offset: number; readonly buffer: ArrayBuffer }[] = [];
  let end = 0;

  const mapped = (bytes: number): Uint8Array | null => {
    if (addon === null || fd === null) return null;
    const fitting = free.filter(({ buffer }) => buffer.byteLength >= bytes);
    const smallest = fitting.sort((a, b) => a.buffer.byteLength - b.buffer.byteLength)[0];
    if (smallest !== undefined) {
      free = free.filter((place) => place !== smallest);
      return new Uint8Array(smallest.buffer, 0, bytes).fill(0);
    }
    const whole = Math.ceil(bytes / placeBytes) * placeBytes;
    try {
      const buffer = addon.mapMemory(fd, end, whole, 1);
      offsets.set(buffer, end);
      end += whole;
      return new Uint8Array(buffer, 0, bytes);
    } catch {
      return null;
    }
  };
  return {
    fd,
    allocate: (bytes) => mapped(bytes) ?? new Uint8Array(bytes),
    free({ buffer }) {
      const offset = offsets.get(buffer);
      if (offset !== undefined) free.push({ offset, buffer: buffer as ArrayBuffer });
    },
    placeOf(data) {
      const offset = offsets.get(data.buffer);
      return offset === undefined ? null : { offset: offset + data.byteOffset, bytes: data.length };
    },
  };
}

let shared: FrameMemory | null = null;

/** The frame memory of this process. */
export function frameMemory(): FrameMemory {
  shared ??= createFrameMemory();
  return shared;
}

/** Reads places of a memory file that this process has inherited, without a copy. Throws an Error where the file does not hold them. */
export function memoryReader(addon: FramesAddon, fd: number): (place: MemoryPlace) => Uint8Array {
  const buffers = new Map<number, ArrayBuffer>();
  return ({ offset, bytes }) => {
    const start = Math.floor(offset / placeBytes) * placeBytes;
    const needed = offset - start + bytes;
    let buffer = buffers.get(start);
    if (buffer === undefined || buffer.byteLength < needed) {
      buffer = addon.mapMemory(fd, start, needed, 0);
      buffers.set(start, buffer);
    }
    return new Uint8Array(buffer, offset - start, bytes);
  };
}
