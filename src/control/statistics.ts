// Statistics of the daemon: frames, faces, latency.
import type { Clock } from '../base/clock.js';
import { packageVersion } from '../base/files.js';
import { createQuantiles } from '../base/stats.js';
import type { EngineAnalysis } from '../engine/engine.js';
import type { HealthReport } from '../mqtt/payloads.js';
import type { Heat } from './heat.js';

export interface Statistics {
  /** `isReduced`: tiles and close-ups were left out, because the board cannot keep up. */
  analysed(analysis: EngineAnalysis, latencyMs: number, isReduced?: boolean): void;
  /** Counts a frame that the motion gate found unchanged. */
  skipped(): void;
  fault(): void;
  readonly frames: number;
  readonly faces: number;
  readonly faults: number;
  /** Processed frames per second over the last ten seconds, over more where there were few; null before the first frame. */
  fps(): number | null;
  /** The same for analysed frames: those that the motion gate found unchanged do not count. */
  analysedFps(): number | null;
  /** The newest frame was searched with fewer tiles and close-ups. */
  readonly isReduced: boolean;
  /** Latency from capture to decision, milliseconds. `share` is the quantile: 0.5 is the median. */
  latencyMs(share: number): number | null;
  uptimeSeconds(): number;
}

const rateWindowMs = 10_000;
/** Fewer frames than this in the window give no rate: a board that analyses one frame in ten seconds is judged by the last four. */
const leastFrames = 4;

export function createStatistics(clock: Clock): Statistics {
  const startMs = clock.monotonicMs();
  const latency = createQuantiles();
  const processed = createRate(clock, startMs);
  const analysed = createRate(clock, startMs);
  let frames = 0;
  let faces = 0;
  let faults = 0;
  let isReduced = false;
  const count = (): void => {
    frames++;
    processed.add();
  };
  return {
    analysed(analysis, latencyMs, reduced = false) {
      count();
      analysed.add();
      isReduced = reduced;
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
    get isReduced() {
      return isReduced;
    },
    fps: processed.perSecond,
    analysedFps: analysed.perSecond,
    latencyMs: (share) => latency.at(share),
    uptimeSeconds: () => (clock.monotonicMs() - startMs) / 1000,
  };
}

/** Counts events per second. */
function createRate(clock: Clock, startMs: number): { add(): void; perSecond(): number | null } {
  const times: number[] = [];
  return {
    add() {
      const now = clock.monotonicMs();
      times.push(now);
      while (times.length > leastFrames && times[0]! < now - rateWindowMs) times.shift();
    },
    perSecond() {
      const now = clock.monotonicMs();
      if (times.length === 0) return null;
      const recent = times.filter((time) => time > now - rateWindowMs).length;
      const windowMs = Math.min(rateWindowMs, Math.max(1, now - startMs));
      if (recent >= leastFrames || times.length < leastFrames) return recent / (windowMs / 1000);
      // The intervals between the last frames and the time since then.
      return (leastFrames - 1) / ((now - times.at(-leastFrames)!) / 1000);
    },
  };
}

/** The published health of the daemon. `drops`: frames that a newer one replaced. `embedder`: its id in the manifest. */
export function healthReport(
  statistics: Statistics,
  drops: number,
  staticFaces: number,
  needsPhotos: readonly string[],
  embedder: string,
  problems: readonly string[],
  { temperatureCelsius, throttled, underVoltage }: Heat,
): HealthReport {
  return {
    fps: statistics.fps(),
    analysedFps: statistics.analysedFps(),
    search: statistics.isReduced ? 'reduced' : 'full',
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
