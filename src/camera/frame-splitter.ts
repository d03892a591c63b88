// From bytes to whole I420 frames. Raw video has no header and no separator, so a frame may end only where the pipe is
// idle: rpicam-vid and ffmpeg write a frame at once and then wait for the next. The bytes between two idle periods (a burst)
// are one frame, or several if the reader was late and the burst before was whole. Any other burst is dropped. A lost byte
// therefore costs one frame and never shifts the next. A wrong row padding shows at the first idle period.
import { createFrameRing, type FrameRing } from './frame-ring.js';

/** The newest whole frame of a burst. */
export interface SplitFrame {
  /** Memory of the ring: overwritten by the next bytes unless the ring's `publish` is called before. */
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
  /** Bytes from one row of Y to the next; chroma rows are half as far apart. */
  readonly stride: number;
  /** When its last byte came, as passed to `push`. */
  readonly lastByteAtMs: number;
  /**
   * Whole frames before it in the same burst. They are older, so they are dropped. The first may also mix rows of two frames,
   * because rpicam-vid overwrites a frame that is read too slowly.
   */
  readonly skipped: number;
}

export interface FrameSplitter {
  push(chunk: Uint8Array, atMs: number): void;
  /** Call when the pipe is briefly idle. The frame that ends here; null if nothing came or no frame ends here. */
  settle(): SplitFrame | null;
  /** Call when the pipe stays idle. Drops the bytes that `settle` did not take and returns their number. */
  abandon(): number;
  /** The camera chose another size than requested. Unfinished bytes are dropped. */
  resize(width: number, height: number): void;
  /** Bursts that were dropped. */
  readonly torn: number;
  readonly frameBytes: number;
}

/**
 * @param rowAlignments multiples of bytes that rows may be padded to, the likeliest first; 1 is no padding. A burst that
 *   fits another alignment changes the stride from the next burst on.
 * @param ring memory for the frames
 */
export function createFrameSplitter(
  width: number,
  height: number,
  rowAlignments: readonly number[],
  ring: FrameRing = createFrameRing(),
): FrameSplitter {
  let size = { width, height };
  let stride = 0;
  /** Bytes of this burst. After each whole frame the buffer is overwritten from its start. */
  let burst = 0;
  let lastByteAtMs = 0;
  let torn = 0;
  /** Whether the last burst ended where a frame ends. The start of the stream counts as such an end. */
  let aligned = true;

  const padded = (alignment: number): number => Math.ceil(size.width / alignment) * alignment;
  const bytesOf = (rowBytes: number): number => (rowBytes * size.height * 3) / 2;
  const useStride = (rowBytes: number): void => {
    stride = rowBytes;
    ring.resize(bytesOf(rowBytes));
  };
  const abandon = (): number => {
    const droppedBytes = burst;
    if (droppedBytes > 0) {
      torn++;
      aligned = false;
      const fitting = rowAlignments.map(padded).find((rowBytes) => bytesOf(rowBytes) === burst);
      if (fitting !== undefined) useStride(fitting);
    }
    burst = 0;
    return droppedBytes;
  };
  useStride(padded(rowAlignments[0] ?? 1));

  return {
    push(chunk, atMs) {
      const { filling } = ring;
      if (filling.length === 0) return; // the camera was stopped
      for (let from = 0; from < chunk.length; ) {
        const at = burst % filling.length;
        const part = chunk.subarray(from, from + filling.length - at);
        filling.set(part, at);
        burst += part.length;
        from += part.length;
      }
      lastByteAtMs = atMs;
    },
    settle() {
      const frameBytes = ring.filling.length;
      if (burst === 0 || burst % frameBytes !== 0) return null;
      const skipped = burst / frameBytes - 1;
      // After a torn burst, a missed idle period can join a long and a short burst to the length of whole frames.
      if (!aligned && skipped > 0) return null;
      burst = 0;
      aligned = true;
      return { data: ring.filling, ...size, stride, lastByteAtMs, skipped };
    },
    abandon,
    resize(newWidth, newHeight) {
      if (newWidth === size.width && newHeight === size.height) return;
      abandon();
      size = { width: newWidth, height: newHeight };
      useStride(padded(rowAlignments[0] ?? 1));
    },
    get torn() {
      return torn;
    },
    get frameBytes() {
      return ring.filling.length;
    },
  };
}

// Detects when a pipe is idle. A timer may be late because this process was busy, which proves nothing about the pipe. So the
// waiting bytes are read first (timers run before the event loop's poll phase, immediates after it), then the silence is checked.

export interface PipeReader {
  push(chunk: Uint8Array): void;
  /** The pipe was closed: the remaining bytes are a whole frame or are dropped. */
  end(): void;
}

/** How long after its last byte a frame counts as whole, milliseconds: a quarter of the frame period, 10 ms at most. */
export const settleMs = (framerate: number): number => Math.min(10, 250 / framerate);
/** How long without a byte an unfinished frame is dropped, milliseconds: half of the frame period, 250 ms at most. */
export const restMs = (framerate: number): number => Math.min(250, 500 / framerate);

export function createPipeReader(
  splitter: FrameSplitter,
  framerate: number,
  monotonicMs: () => number,
  onFrame: (frame: SplitFrame) => void,
  onTorn: (bytes: number) => void,
): PipeReader {
  const settle = settleMs(framerate);
  const rest = restMs(framerate);
  let chunks = 0;
  let timer: NodeJS.Timeout | null = null;

  const afterSilence = (durationMs: number, then: () => void): void => {
    if (timer) clearTimeout(timer);
    timer = setTimeout(() => {
      timer = null;
      const chunksBefore = chunks;
      setImmediate(() => {
        if (chunks === chunksBefore) then();
      });
    }, durationMs);
  };
  const dropBurst = (): void => {
    const bytes = splitter.abandon();
    if (bytes > 0) onTorn(bytes);
  };
  const takeFrame = (): boolean => {
    const frame = splitter.settle();
    if (frame) onFrame(frame);
    return frame !== null;
  };
  return {
    push(chunk) {
      chunks++;
      splitter.push(chunk, monotonicMs());
      afterSilence(settle, () => {
        if (!takeFrame()) afterSilence(rest - settle, dropBurst);
      });
    },
    end() {
      chunks++;
      if (timer) clearTimeout(timer);
      timer = null;
      if (!takeFrame()) dropBurst();
    },
  };
}
