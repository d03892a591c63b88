// Bytes to whole I420 frames. Raw video has no header and no separator, so a frame's end is believed only where the
// pipe rests: rpicam-vid and ffmpeg write a frame in one go and then wait for the next. A burst of bytes between two
// rests is one frame, or several if the reader was late and the burst before was whole; anything else is thrown away.
// A lost byte therefore costs one frame and never shifts the next, and a wrong idea of the row padding shows at the
// first rest.

/** The newest whole frame of a burst. */
export interface SplitFrame {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
  /** Bytes from one row of Y to the next; chroma rows are half as far apart. */
  readonly stride: number;
  /** When its last byte came, as told to `push`. */
  readonly lastByteAtMs: number;
  /** Whole frames before it in the same burst. The first of them may hold rows of two pictures (a slow reader lets
   * rpicam-vid overwrite what it writes), and all of them are older, so they are dropped. */
  readonly skipped: number;
}

export interface FrameSplitter {
  push(chunk: Uint8Array, atMs: number): void;
  /** The pipe is quiet for a moment: the frame that ends here; null if nothing came or no frame ends here. */
  settle(): SplitFrame | null;
  /** The pipe rests: what `settle` did not take is no frame. Says how many bytes were thrown away. */
  abandon(): number;
  /** The camera chose another size than it was asked for. What is unfinished is thrown away. */
  resize(width: number, height: number): void;
  /** Bursts thrown away. */
  readonly torn: number;
  readonly frameBytes: number;
}

/**
 * @param rowAlignments what rows may be padded to, the likeliest first; 1 is no padding. A burst that fits one of the
 *   others changes the stride from the next burst on.
 */
export function createFrameSplitter(width: number, height: number, rowAlignments: readonly number[]): FrameSplitter {
  let size = { width, height };
  let stride = 0;
  let buffer = new Uint8Array(0);
  /** Bytes of this burst; the buffer is overwritten from its start at each whole frame. */
  let burst = 0;
  let lastByteAtMs = 0;
  let torn = 0;
  /** Whether the last burst ended where a frame ends; the stream's start counts as such. */
  let sound = true;

  const padded = (alignment: number): number => Math.ceil(size.width / alignment) * alignment;
  const bytesOf = (rowBytes: number): number => (rowBytes * size.height * 3) / 2;
  const useStride = (rowBytes: number): void => {
    stride = rowBytes;
    buffer = new Uint8Array(bytesOf(rowBytes));
  };
  const abandon = (): number => {
    const lost = burst;
    if (lost > 0) {
      torn++;
      sound = false;
      const fitting = rowAlignments.map(padded).find((rowBytes) => bytesOf(rowBytes) === burst);
      if (fitting !== undefined) useStride(fitting);
    }
    burst = 0;
    return lost;
  };
  useStride(padded(rowAlignments[0] ?? 1));

  return {
    push(chunk, atMs) {
      for (let from = 0; from < chunk.length; ) {
        const at = burst % buffer.length;
        const part = chunk.subarray(from, from + buffer.length - at);
        buffer.set(part, at);
        burst += part.length;
        from += part.length;
      }
      lastByteAtMs = atMs;
    },
    settle() {
      if (burst === 0 || burst % buffer.length !== 0) return null;
      const skipped = burst / buffer.length - 1;
      // After a torn burst, a rest that was missed can join a long and a short one to the length of whole frames.
      if (!sound && skipped > 0) return null;
      burst = 0;
      sound = true;
      const frame = { data: buffer, ...size, stride, lastByteAtMs, skipped };
      buffer = new Uint8Array(buffer.length);
      return frame;
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
      return buffer.length;
    },
  };
}

// Sees when a pipe rests. A timer that is late because this process was busy proves nothing about the pipe: what
// waits in it is read first (timers run before the poll, immediates after it), then the silence is judged.

export interface PipeReader {
  push(chunk: Uint8Array): void;
  /** The pipe was closed: what ends here is a whole frame or nothing. */
  end(): void;
}

/** A quarter of the frame period, 10 ms at most: so long after its last byte a frame is taken for whole. */
export const settleMs = (framerate: number): number => Math.min(10, 250 / framerate);
/** Half of the frame period, 250 ms at most: so long without a byte, an unfinished frame is given up. */
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
      const seen = chunks;
      setImmediate(() => {
        if (chunks === seen) then();
      });
    }, durationMs);
  };
  const giveUp = (): void => {
    const bytes = splitter.abandon();
    if (bytes > 0) onTorn(bytes);
  };
  const judge = (): boolean => {
    const frame = splitter.settle();
    if (frame) onFrame(frame);
    return frame !== null;
  };
  return {
    push(chunk) {
      chunks++;
      splitter.push(chunk, monotonicMs());
      afterSilence(settle, () => {
        if (!judge()) afterSilence(rest - settle, giveUp);
      });
    },
    end() {
      chunks++;
      if (timer) clearTimeout(timer);
      timer = null;
      if (!judge()) giveUp();
    },
  };
}
