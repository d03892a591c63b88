// Frames in, faces out. One implementation today (child-process TFLite); a second runtime needs only this interface.
import type { Analysis, Box } from '../vision/face.js';
import type { Frame } from '../vision/picture.js';

export interface AnalyzeOptions {
  /** `all`: whole frame and every tile (stills). `auto`: whole frame, close-ups of `around`, some tiles in turn (video). `whole`: whole frame alone. */
  readonly search: 'all' | 'auto' | 'whole';
  /** Boxes of the faces that are expected (tracks): `auto` looks at each from close by. */
  readonly around?: readonly Box[];
  /** Where something moved, any boxes: `auto` searches the tiles there first. */
  readonly moved?: readonly Box[];
  /** Embed the faces found. Default true. */
  readonly embed?: boolean;
  /** Embed the mirror image too and take the mean: steadier, twice the time. Default: false for video, true for enrolment and stills. */
  readonly mirror?: boolean;
  /** Also return aligned faces as 112x112 RGB, for snapshots that the user switched on and for tests. Default false. */
  readonly crops?: boolean;
}

export interface EngineInfo {
  readonly detector: string;
  readonly embedder: string;
  /** Embedding space and length of its vectors. */
  readonly space: string;
  readonly dimension: number;
  /** Whether XNNPACK is in use; if not, why. */
  readonly delegate: 'xnnpack' | 'none';
  readonly delegateReason: string | null;
}

export interface StageTimes {
  readonly detectMs: number;
  readonly alignMs: number;
  readonly embedMs: number;
  readonly tiles: number;
}

export interface EngineAnalysis extends Analysis {
  readonly times: StageTimes;
  /** 112x112x3 RGB per face, when asked for. */
  readonly crops?: readonly Uint8Array[];
}

export interface Engine extends AsyncDisposable {
  /** Loads both models. Errors: MODEL_MISSING, MODEL_HASH (exit 78), ENGINE_FAILED. */
  start(): Promise<EngineInfo>;
  /**
   * Analyses one frame; calls are served one after another. Rejects with ENGINE_FAILED when the runtime died on this frame:
   * it is restarted, and the next call may succeed.
   */
  analyze(frame: Frame, options: AnalyzeOptions): Promise<EngineAnalysis>;
  stop(): Promise<void>;
}
