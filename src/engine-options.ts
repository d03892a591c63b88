// From the configuration to what the engine is told; the daemon and every verb that looks at pictures use this one.
import type { Log } from './base/log.js';
import type { Config } from './config.js';
import type { EngineOptions } from './engine/create-engine.js';

export function engineOptions(config: Config, log: Log): EngineOptions {
  const { detector, embedder } = config;
  return {
    embedder: embedder.id,
    ...(embedder.threads === null ? {} : { threads: embedder.threads }),
    score: detector.score,
    minEyesPx: detector.minEyesPx,
    tilesPerFrame: detector.tilesPerFrame,
    log,
  };
}
