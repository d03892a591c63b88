// Memory for the frames of a camera: one that is being filled, the newest whole one, and the one that the reader has taken. Three are
// always enough, so that no frame needs new memory.
import { type FrameMemory, frameMemory } from '../base/frame-memory.js';

export interface FrameRing {
  /** The memory that is being filled. */
  readonly filling: Uint8Array;
  /** What was filled is the newest frame from now on. The newest one before it is filled again, unless the reader has taken it. */
  publish(): void;
  /** The reader takes the newest frame, and does not need the one that it has taken before. */
  take(): void;
  /** The reader does not need the frame that it has taken. */
  giveBack(): void;
  /**
   * All frames have this many bytes from now on. The frame that the reader has taken stays as it is until it is given back, and the newest
   * one can still be taken.
   */
  resize(bytes: number): void;
  /**
   * Frees the memory and overwrites it; that of the frame that the reader has taken when it is given back. `resize` makes the ring usable
   * again.
   */
  release(): void;
}

const slots = 3;

export function createFrameRing(memory: FrameMemory = frameMemory()): FrameRing {
  let frames: Uint8Array[] = Array.from({ length: slots }, () => new Uint8Array(0));
  let filling = 0;
  let newest: number | null = null;
  let taken: number | null = null;
  // Of the memory before a change of size: no other camera may get it yet.
  /** The frame that the reader has. */
  let lent: Uint8Array | null = null;
  /** The newest frame, which the reader may still take. */
  let waiting: Uint8Array | null = null;

  const free = (frame: Uint8Array | null): void => {
    if (frame === null) return;
    frame.fill(0);
    memory.free(frame);
  };
  const giveBack = (): void => {
    free(lent);
    [taken, lent] = [null, null];
  };
  const replace = (next: Uint8Array[]): void => {
    if (taken !== null) lent = frames[taken]!;
    if (newest !== null) waiting = frames[newest]!;
    for (const frame of frames) if (frame !== lent && frame !== waiting) free(frame);
    frames = next;
    [filling, newest, taken] = [0, null, null];
  };
  return {
    get filling() {
      return frames[filling]!;
    },
    publish() {
      free(waiting);
      waiting = null;
      newest = filling;
      filling = frames.findIndex((_, slot) => slot !== newest && slot !== taken);
    },
    take() {
      giveBack();
      if (newest === null) [lent, waiting] = [waiting, null];
      [taken, newest] = [newest, null];
    },
    giveBack,
    resize(bytes) {
      if (frames[0]!.length !== bytes) replace(frames.map(() => memory.allocate(bytes)));
    },
    release() {
      replace(frames.map(() => new Uint8Array(0)));
      // Nobody takes a frame of a camera that was stopped.
      free(waiting);
      waiting = null;
    },
  };
}
