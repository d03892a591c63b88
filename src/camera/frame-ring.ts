// Memory for the frames of a camera: one that is being filled, the newest whole one, and the one that the reader has taken. Three are
// enough for ever, so that no frame needs new memory.
import { type FrameMemory, frameMemory } from '../base/frame-memory.js';

export interface FrameRing {
  /** The memory that is being filled. */
  readonly filling: Uint8Array;
  /** What was filled is the newest frame from now on. The newest one before it is filled again, unless the reader has taken it. */
  publish(): void;
  /** The reader takes the newest frame, and does not need the one that it has taken before. */
  take(): void;
  /** All frames have this many bytes from now on. The frame that the reader has taken stays as it is. */
  resize(bytes: number): void;
  /** Gives the memory back and overwrites it, except for the frame that the reader has taken. `resize` makes the ring usable again. */
  release(): void;
}

const slots = 3;

export function createFrameRing(memory: FrameMemory = frameMemory()): FrameRing {
  let frames: Uint8Array[] = Array.from({ length: slots }, () => new Uint8Array(0));
  let filling = 0;
  let newest: number | null = null;
  let taken: number | null = null;
  return {
    get filling() {
      return frames[filling]!;
    },
    publish() {
      newest = filling;
      filling = frames.findIndex((_, slot) => slot !== newest && slot !== taken);
    },
    take() {
      taken = newest;
      newest = null;
    },
    resize(bytes) {
      if (frames[0]!.length === bytes) return;
      const before = frames;
      frames = before.map(() => memory.allocate(bytes));
      // Only after the allocation: the reader may still use the old memory.
      for (const frame of before) memory.free(frame);
      [filling, newest, taken] = [0, null, null];
    },
    release() {
      for (const [slot, frame] of frames.entries()) {
        if (slot !== taken) frame.fill(0);
        memory.free(frame);
      }
      frames = frames.map(() => new Uint8Array(0));
      [filling, newest, taken] = [0, null, null];
    },
  };
}
