// Whether this board analyses enough frames, and which setting helps where it does not. At a slow pace recognition works all the same,
// later: src/room/pace.ts. The problem is reported again only when the rate differs clearly, so that it does not fill the log.
import type { Problems } from '../base/problems.js';
import { quantile } from '../base/stats.js';
import type { Heat } from './heat.js';

/** Below this rate a person who walks through a room in three seconds is seen too rarely for a name (three observations). */
export const leastPerSecond = 1;
/** From this rate on the problem is solved. */
const solvedPerSecond = 1.2;
/** The rate that all windows are made for. */
const usualPerSecond = 2;
/** A rate that differs by this factor from the reported one is reported again. */
const reportedFactor = 1.5;
/** Observations that a name needs as shipped. */
const observationsForName = 3;
const rememberedAnalyses = 9;
/** Takes 0.4 times as long as the shipped one (docs/measurements.md). */
const fastestEmbedder = 'mobilefacenet';

export interface SpeedFacts {
  /** Usual time between two analysed frames, milliseconds; null before it is known. */
  readonly intervalMs: number | null;
  /** The camera's time between two frames as configured, milliseconds. */
  readonly frameIntervalMs: number;
  /** Median time of an analysis, milliseconds; null before the first. */
  readonly analysisMs: number | null;
  /** Why the models run without XNNPACK; null where they do not. */
  readonly delegateReason: string | null;
  readonly heat: Pick<Heat, 'throttled' | 'underVoltage'>;
  /** Id of the embedder that runs. */
  readonly embedder: string;
}

/** One sentence on why few frames are analysed, and what helps. */
export function slowSentence(facts: SpeedFacts & { readonly intervalMs: number }): string {
  const perSecond = 1000 / facts.intervalMs;
  const nameSeconds = Math.round((observationsForName * facts.intervalMs) / 1000);
  return (
    `only ${rateText(perSecond)} frames a second are analysed, so somebody is recognised after about ${nameSeconds} s and a passer-by not at all; ` +
    `${leastPerSecond} or more are needed, ${usualPerSecond} are good: ${cause(facts)}`
  );
}

/** A rate in frames a second with the digits that matter: 0.3, 0.06. */
export function rateText(perSecond: number): string {
  return perSecond >= 10 ? perSecond.toFixed(0) : String(Number(perSecond.toPrecision(perSecond >= 1 ? 2 : 1)));
}

function cause(facts: SpeedFacts & { readonly intervalMs: number }): string {
  const { intervalMs, frameIntervalMs, analysisMs, delegateReason, heat } = facts;
  if (frameIntervalMs > 0.7 * intervalMs) return `raise [camera] framerate to ${usualPerSecond} or more`;
  if (analysisMs !== null && analysisMs < 0.5 * intervalMs)
    return 'the camera gives no more: check its cable, its network and its light';
  const takes =
    analysisMs === null ? 'an analysis takes too long' : `an analysis takes ${(analysisMs / 1000).toFixed(1)} s`;
  if (delegateReason !== null) return `${takes}, because the models run without XNNPACK (${delegateReason})`;
  if (heat.underVoltage) return `${takes}, because the supply voltage is too low: use the official power supply`;
  if (heat.throttled) return `${takes}, because the firmware slows the board down: add a heat sink or a fan`;
  const embedder = facts.embedder === fastestEmbedder ? '' : `, set [embedder] id = "${fastestEmbedder}"`;
  return `${takes}: lower [camera] width and height${embedder}, or free the processor of other work`;
}

export interface SpeedWatch {
  /** Call it after each analysed frame; `tookMs`: how long its analysis took. */
  analysed(tookMs: number, facts: Omit<SpeedFacts, 'analysisMs'>): void;
}

export function createSpeedWatch(problems: Pick<Problems, 'report' | 'solve'>): SpeedWatch {
  let times: readonly number[] = [];
  /** The rate that is reported, in frames a second, and the cause; null while the board is fast enough. */
  let reported: { readonly perSecond: number; readonly cause: string } | null = null;
  return {
    analysed(tookMs, { intervalMs, ...rest }) {
      times = [...times, tookMs].slice(-rememberedAnalyses);
      if (intervalMs === null) return;
      const perSecond = 1000 / intervalMs;
      if (perSecond >= (reported === null ? leastPerSecond : solvedPerSecond)) {
        if (reported !== null) problems.solve('speed');
        reported = null;
        return;
      }
      const facts = { intervalMs, ...rest, analysisMs: quantile(times, 0.5) };
      // The numbers in the cause change all the time.
      const kind = cause({ ...facts, analysisMs: null });
      const ratio = reported === null ? Number.POSITIVE_INFINITY : perSecond / reported.perSecond;
      if (ratio < reportedFactor && ratio > 1 / reportedFactor && kind === reported?.cause) return;
      reported = { perSecond, cause: kind };
      problems.report('speed', slowSentence(facts));
    },
  };
}
