// Sees when a pipe rests. A timer that is late because this process was busy proves nothing about the pipe: what
// waits in it is read first (timers run before the poll, immediates after it), then the silence is judged.
import type { FrameSplitter, SplitFrame } from './frame-splitter.js';

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
