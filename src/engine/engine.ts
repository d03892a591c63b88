// The interface of the engine: frames in, faces out. There is one implementation (models in a child process).

import type { SearchLimits } from '../vision/effort.js';
import type { Analysis, Box } from '../vision/face.js';
import type { Frame } from '../vision/picture.js';

export interface AnalyzeOptions {
  /**
   * `all`: the whole frame and every tile (stills). `portrait`: the same for a photo of one person: fine tiles are left out where they could
   * only show faces in the background. `auto`: the whole frame and, where it is larger than a tile, some tiles
   * in turn (video). `whole`: the whole frame only.
   */
  readonly search: 'all' | 'portrait' | 'auto' | 'whole';
  /** What `auto` leaves out, because the board cannot keep up; absent or null: nothing. */
  readonly limits?: SearchLimits | null;
  /** `auto`: boxes in which a face is expected whose embedding is not due. It is left out where the face is certainly that one. */
  readonly expected?: readonly Box[];
  /** Embed the detected faces. Default true. */
  readonly embed?: boolean;
  /** Embed the mirror image too and use the mean: less noise, twice the time. Default: true for `all`, else false. */
  readonly mirror?: boolean;
  /** Also return the aligned faces as 112x112 RGB, for snapshots (if the user enabled them) and tests. Default false. */
  readonly crops?: boolean;
}

export interface EngineInfo {
  readonly detector: string;
  readonly embedder: string;
  /** What runs the embedder; absent: TFLite. */
  readonly embedderRuntime?: 'tflite' | 'onnxruntime';
  readonly space: string;
  /** Length of the vectors of the embedding space. */
  readonly dimension: number;
  /** Whether XNNPACK is in use. */
  readonly delegate: 'xnnpack' | 'none';
  /** Why XNNPACK is not in use; null where it is. */
  readonly delegateReason: string | null;
  /** Whether the models run in a process without network and without other programs. */
  readonly sandboxed: boolean;
  /** Why they do not; null where they do. */
  readonly sandboxReason: string | null;
  /** Why JavaScript scales pixels and frames are copied, which takes more processor time; null where the addon for frames is in use. */
  readonly addonReason: string | null;
}

export interface StageTimes {
  readonly detectMs: number;
  readonly alignMs: number;
  readonly embedMs: number;
  readonly tiles: number;
}

export interface EngineAnalysis extends Analysis {
  readonly times: StageTimes;
  /** 112x112x3 RGB per face, on request. */
  readonly crops?: readonly Uint8Array[];
}

export interface Engine extends AsyncDisposable {
  /** Loads both models. Errors: MODEL_MISSING, MODEL_HASH (exit 78), ENGINE_FAILED. */
  start(): Promise<EngineInfo>;
  /**
   * Analyses one frame; calls run one after another. Rejects only with ENGINE_FAILED: the frame cannot be analysed, or the child died
   * or cannot be started, whatever the reason. Later calls start a new child, after repeated failures every half minute.
   * `onStep` is called for each step that the child begins: a slow board is slow, but works.
   */
  analyze(frame: Frame, options: AnalyzeOptions, onStep?: (step: string) => void): Promise<EngineAnalysis>;
  /** Why the next frame cannot be analysed as things are; null when it can. It stays until a new child has loaded. */
  readonly fault: string | null;
  stop(): Promise<void>;
}

/** An engine that also analyses photos beside the frames of a camera. */
export interface SharedEngine extends Engine {
  /** What `start` has given; null before. */
  readonly info: EngineInfo | null;
  /** Process id of the child; null where there is none. */
  readonly pid: number | null;
  /**
   * Analyses a photo in slices: a frame waits for one slice at most, and a photo for the photos before it. The result is that of `analyze`.
   * Rejects with ENGINE_FAILED also where the child dies or is replaced meanwhile, and with an AbortError when `signal` aborts.
   */
  analyzePhoto(
    photo: Frame,
    options: AnalyzeOptions,
    signal: AbortSignal,
    onStep?: (step: string) => void,
  ): Promise<EngineAnalysis>;
}
