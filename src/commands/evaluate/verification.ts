// The verification protocol: do two pictures show the same person? Accuracy over folds, true acceptance at a false acceptance rate.

import { type DetCurve, detCurve } from './det.js';

export interface ScoredPair {
  /** Whether both show the same person. */
  readonly same: boolean;
  readonly fold: string;
  readonly kind: string | null;
  /** null when a face was not detected: always a wrong decision, and never accepted. */
  readonly similarity: number | null;
}

export interface Verification {
  readonly pairs: number;
  /** Mean over the folds of the share of right decisions, each with the threshold that is best on the other folds. */
  readonly accuracy: number;
  /** Standard deviation over the folds. */
  readonly accuracyStd: number;
  /** Share of same pairs that are accepted when at most this share of different pairs is; null without pairs of both kinds. */
  readonly tarAtFar: Readonly<Record<'0.01' | '0.001', number | null>>;
  /** Equal error rate: as many same pairs are rejected as different pairs are accepted; null without pairs of both kinds. */
  readonly eer: number | null;
  /** Rejected same pairs over accepted different pairs; null without pairs of both kinds. */
  readonly det: DetCurve | null;
  /** Mean of the folds' thresholds. */
  readonly threshold: number;
}

/** Scores `pairs` (at least one). With a single fold the threshold is chosen on the pairs it is measured on. */
export function verify(pairs: readonly ScoredPair[]): Verification {
  const folds = [...new Set(pairs.map((pair) => pair.fold))];
  const thresholds = folds.map((fold) =>
    bestThreshold(folds.length === 1 ? pairs : pairs.filter((pair) => pair.fold !== fold)),
  );
  const accuracies = folds.map((fold, index) =>
    accuracyAt(
      pairs.filter((pair) => pair.fold === fold),
      thresholds[index]!,
    ),
  );
  const accuracy = mean(accuracies);
  return {
    pairs: pairs.length,
    accuracy,
    accuracyStd: Math.sqrt(mean(accuracies.map((value) => (value - accuracy) ** 2))),
    tarAtFar: { '0.01': tarAt(pairs, 0.01), '0.001': tarAt(pairs, 0.001) },
    eer: equalErrorRate(pairs),
    det: detOf(pairs),
    threshold: mean(thresholds),
  };
}

/** Share of pairs decided rightly when `similarity >= threshold` means the same person. */
export function accuracyAt(pairs: readonly ScoredPair[], threshold: number): number {
  const right = pairs.filter(({ similarity, same }) => similarity !== null && similarity >= threshold === same);
  return right.length / pairs.length;
}

/** The threshold with the most right decisions, midway between two similarities; the lowest of equally good ones. */
function bestThreshold(pairs: readonly ScoredPair[]): number {
  const detected = pairs.filter((pair) => pair.similarity !== null).sort((a, b) => b.similarity! - a.similarity!);
  let right = detected.filter((pair) => !pair.same).length;
  let best = right;
  let threshold = 1 + 1e-6;
  detected.forEach(({ same, similarity }, index) => {
    right += same ? 1 : -1;
    const next = detected[index + 1]?.similarity ?? -1;
    if (next === similarity || right < best) return;
    [best, threshold] = [right, (similarity! + next!) / 2];
  });
  return threshold;
}

function tarAt(pairs: readonly ScoredPair[], far: number): number | null {
  const { same, different } = split(pairs);
  if (same.length === 0 || different.length === 0) return null;
  return shareAbove(same, thresholdAtRate(different, far));
}

function detOf(pairs: readonly ScoredPair[]): DetCurve | null {
  const { same, different } = split(pairs);
  return same.length === 0 || different.length === 0 ? null : detCurve(same, different);
}

/** Similarities of same and of different pairs; minus infinity for an undetected face. */
function split(pairs: readonly ScoredPair[]): { readonly same: number[]; readonly different: number[] } {
  const value = (pair: ScoredPair) => pair.similarity ?? Number.NEGATIVE_INFINITY;
  return {
    same: pairs.filter((pair) => pair.same).map(value),
    different: pairs.filter((pair) => !pair.same).map(value),
  };
}

/** The lowest threshold that at most the share `rate` of `values` exceeds. */
export function thresholdAtRate(values: readonly number[], rate: number): number {
  const sorted = [...values].sort((a, b) => b - a);
  return sorted[Math.floor(rate * sorted.length + 1e-9)] ?? Number.NEGATIVE_INFINITY;
}

/** Share of `values` above `threshold`. */
export function shareAbove(values: readonly number[], threshold: number): number {
  return values.filter((value) => value > threshold).length / values.length;
}

function equalErrorRate(pairs: readonly ScoredPair[]): number | null {
  const { same, different } = split(pairs);
  if (same.length === 0 || different.length === 0) return null;
  same.sort((a, b) => a - b);
  different.sort((a, b) => a - b);
  let [refused, below, gap, rate] = [0, 0, Number.POSITIVE_INFINITY, 0];
  for (const threshold of [...same, ...different].sort((a, b) => a - b)) {
    while (refused < same.length && same[refused]! < threshold) refused++;
    while (below < different.length && different[below]! < threshold) below++;
    const frr = refused / same.length;
    const far = 1 - below / different.length;
    if (Math.abs(frr - far) < gap) [gap, rate] = [Math.abs(frr - far), (frr + far) / 2];
  }
  return rate;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
