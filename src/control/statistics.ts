// Statistics of the daemon: frames, faces, latency.
import type { Clock } from '../base/clock.js';
import { packageVersion } from '../base/files.js';
import { createQuantiles } from '../base/stats.js';
import type { EngineAnalysis } from '../engine/engine.js';
import type { HealthReport } from '../mqtt/payloads.js';
import { readHeat } from './heat.js';

export interface Statistics {
  analysed(analysis: EngineAnalysis, latencyMs: number): void;
  /** Counts a frame that the motion gate found unchanged. */
  skipped(): void;
  fault(): void;
  readonly frames: number;
  readonly faces: number;
  readonly faults: number;
  /** Processed frames per second over the last ten seconds; null before the first frame. */
  fps(): number | null;
  /** Latency from capture to decision, milliseconds. `share` is the quantile: 0.5 is the median. */
  latencyMs(share: number): number | null;
  uptimeSeconds(): number;
}

const rateWindowMs = 10_000;

export function createStatistics(clock: Clock): Statistics {
  const startMs = clock.monotonicMs();
  const latency = createQuantiles();
  const times: number[] = [];
  let frames = 0;
  let faces = 0;
  let faults = 0;
  const count = (): void => {
    const now = clock.monotonicMs();
    frames++;
    times.push(now);
    while (times[0]! < now - rateWindowMs) times.shift();
  };
  return {
    analysed(analysis, latencyMs) {
      count();
      faces += analysis.faces.length;
      latency.add(latencyMs);
    },
    skipped: count,
    fault() {
      faults++;
    },
    get frames() {
      return frames;
    },
    get faces() {
      return faces;
    },
    get faults() {
      return faults;
    },
    fps() {
      const now = clock.monotonicMs();
      if (frames === 0) return null;
      const window = Math.min(rateWindowMs, Math.max(1, now - startMs));
      return times.filter((time) => time > now - rateWindowMs).length / (window / 1000);
    },
    latencyMs: (share) => latency.at(share),
    uptimeSeconds: () => (clock.monotonicMs() - startMs) / 1000,
  };
}

/** The published health of the daemon. `drops`: frames that a newer one replaced. `embedder`: its id in the manifest. */
export async function healthReport(
  statistics: Statistics,
  drops: number,
  staticFaces: number,
  needsPhotos: readonly string[],
  embedder: string,
  problems: readonly string[],
): Promise<HealthReport> {
  const { temperatureCelsius, throttled, underVoltage } = await readHeat();
  return {
    fps: statistics.fps(),
    drops,
    inferenceMs: statistics.latencyMs(0.5),
    inferenceP95Ms: statistics.latencyMs(0.95),
    temperatureCelsius,
    throttled,
    underVoltage,
    fixedFaces: staticFaces,
    needsPhotos,
    problems,
    model: embedder,
    version: packageVersion,
    uptimeSeconds: statistics.uptimeSeconds(),
  };
}
