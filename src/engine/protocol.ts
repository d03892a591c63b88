// The messages between the daemon and the engine's child on Node's IPC channel. With 'advanced' serialization typed arrays are sent as
// bytes.
import { z } from 'zod';
import type { MemoryPlace } from '../base/frame-memory.js';
import type { Face } from '../vision/face.js';
import type { Frame } from '../vision/picture.js';
import type { SearchOptions } from '../vision/search.js';
import type { AnalyzeOptions, EngineInfo, StageTimes } from './engine.js';
import type { Embedder, ModelEntry } from './manifest.js';

/** The models to load, as the manifest at `path` describes them. The parent has read and checked it. */
export interface ChosenModels {
  readonly path: string;
  readonly detector: ModelEntry;
  readonly checker: ModelEntry;
  readonly embedder: Embedder;
}

export interface LoadOptions {
  readonly models: ChosenModels;
  readonly threads: number;
  readonly delegatePath: string | null;
  /** The device on which ONNX Runtime runs the embedder; null: TFLite runs it. */
  readonly onnxDevice: string | null;
  readonly search: SearchOptions;
  /** In video, faces with the eyes closer than this are not embedded. */
  readonly minEyesPx: number;
  /** Descriptor of the memory file with frames, in the child; null: frames are sent. */
  readonly memoryFd: number | null;
}

/** A frame as it is sent: with its bytes, or with their place in the memory file. */
export type WireFrame = Omit<Frame, 'data'> & { readonly data: Uint8Array | MemoryPlace };

export type ToChild =
  | { readonly type: 'load'; readonly options: LoadOptions }
  | {
      readonly type: 'analyze';
      readonly id: number;
      /** The bytes of an analysis in slices are sent with it: shared memory is overwritten by the frames between the slices. */
      readonly frame: WireFrame;
      readonly options: AnalyzeOptions;
      /** Answer `paused` after about this time, milliseconds, and go on when asked; null: in one go. One analysis at most is paused. */
      readonly sliceMs: number | null;
    }
  /** Another slice of the analysis `id`; null: forget it. */
  | { readonly type: 'continue'; readonly id: number; readonly sliceMs: number | null };

export type ModelInfo = Pick<EngineInfo, 'detector' | 'embedder' | 'embedderRuntime' | 'space' | 'dimension'>;
export type LoadedInfo = Omit<EngineInfo, 'delegate' | 'delegateReason'>;

/** What the child does between two messages. The parent measures each kind of step, so a name always means the same work. */
export type Step =
  | 'read detector'
  | 'create detector'
  | 'read embedder'
  | 'create embedder'
  | 'warm up'
  | 'detect'
  | 'check'
  | 'align'
  | 'embed'
  | 'answer';

export interface WireAnalysis {
  readonly faces: readonly Face[];
  readonly times: StageTimes;
  readonly crops: readonly Uint8Array[] | null;
}

const loadedInfo = z.object({ space: z.string(), dimension: z.int() });
const wireAnalysis = z.object({ faces: z.custom(Array.isArray) });

/** Checks the outer shape only: embeddings and pictures are not copied, and may have any length. */
const fromChild = z.discriminatedUnion('type', [
  /** `step` begins. `cpuMs`: CPU time of the child since its start, milliseconds. */
  z.object({ type: z.literal('progress'), step: z.string().max(40), cpuMs: z.number().min(0) }),
  z.object({
    type: z.literal('loaded'),
    info: z.custom<LoadedInfo>((value) => loadedInfo.safeParse(value).success),
  }),
  z.object({
    type: z.literal('analyzed'),
    id: z.int(),
    analysis: z.custom<WireAnalysis>((value) => wireAnalysis.safeParse(value).success),
  }),
  /** The slice is over, or the analysis was forgotten. */
  z.object({ type: z.literal('paused'), id: z.int() }),
  z.object({
    type: z.literal('failed'),
    id: z.int().nullable(),
    code: z.string(),
    sentence: z.string(),
  }),
]);

export type FromChild = z.output<typeof fromChild>;
export type Answer = Exclude<FromChild, { type: 'progress' }>;

/** `message` if it has the outer shape of one of the child's; null otherwise, since a broken child may send anything. */
export function asFromChild(message: unknown): FromChild | null {
  return fromChild.safeParse(message).data ?? null;
}
