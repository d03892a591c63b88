// What the daemon and the engine's child say to each other over Node's IPC channel ('advanced' serialization, so typed
// arrays travel as bytes).

import type { Face } from '../vision/face.js';
import type { Frame } from '../vision/picture.js';
import type { SearchOptions } from '../vision/search.js';
import type { AnalyzeOptions, EngineInfo, StageTimes } from './engine.js';

export interface LoadOptions {
  readonly manifestPath: string;
  /** null: the manifest's default. */
  readonly embedder: string | null;
  readonly threads: number;
  readonly delegatePath: string | null;
  readonly search: SearchOptions;
  /** In video, faces with the eyes closer than this are not embedded. */
  readonly minEyesPx: number;
}

export type ToChild =
  | { readonly type: 'load'; readonly options: LoadOptions }
  | { readonly type: 'analyze'; readonly id: number; readonly frame: Frame; readonly options: AnalyzeOptions };

export type LoadedInfo = Omit<EngineInfo, 'delegate' | 'delegateReason'>;

export interface WireAnalysis {
  readonly faces: readonly Face[];
  readonly times: StageTimes;
  readonly crops: readonly Uint8Array[] | null;
}

export type FromChild =
  | { readonly type: 'loaded'; readonly info: LoadedInfo }
  | { readonly type: 'analyzed'; readonly id: number; readonly analysis: WireAnalysis }
  | { readonly type: 'failed'; readonly id: number | null; readonly code: string; readonly sentence: string };

/** `message` if it has the outer shape of an answer; null for anything else a broken child may say. */
export function asFromChild(message: unknown): FromChild | null {
  if (typeof message !== 'object' || message === null || !('type' in message)) return null;
  const answer = message as FromChild;
  switch (answer.type) {
    case 'loaded':
      return typeof answer.info?.space === 'string' && Number.isInteger(answer.info.dimension) ? answer : null;
    case 'analyzed':
      return Number.isInteger(answer.id) && Array.isArray(answer.analysis?.faces) ? answer : null;
    case 'failed':
      return typeof answer.code === 'string' && typeof answer.sentence === 'string' ? answer : null;
    default:
      return null;
  }
}
