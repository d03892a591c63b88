// The process that `measure` forks: loads the models, times them on a made-up 1280x960 camera frame, answers and ends.

import { quantile } from '../../base/stats.js';
import { chooseEmbedder, type ModelEntry, readManifest, readModel } from '../../engine/manifest.js';
import { type Detect, detectorOf, type Embed, embedderOf } from '../../engine/models.js';
import { type LoadedModel, loadModel } from '../../engine/runtime.js';
import { alignmentOf, warp } from '../../vision/alignment.js';
import type { Box } from '../../vision/face.js';
import type { Picture } from '../../vision/picture.js';
import { wholeView } from '../../vision/picture.js';
import { defaultSearch, searchFaces, tileGrid } from '../../vision/search.js';
import type { MeasureAnswer, Measurement, MeasureOptions, Spread, Stage } from './measure.js';

const leastRuns = 5;
const mostRuns = 200;

/** Times `task` for about `budgetMs`, after one run that is not counted. */
function timed(task: () => unknown, budgetMs: number): Spread {
  task();
  const times: number[] = [];
  const end = performance.now() + budgetMs;
  while (times.length < leastRuns || (performance.now() < end && times.length < mostRuns)) {
    const start = performance.now();
    task();
    times.push(performance.now() - start);
  }
  return { p50: quantile(times, 0.5)!, p95: quantile(times, 0.95)! };
}

/** Noise: no face in it, so the search's cost does not hang on what it finds. */
function noiseFrame(): Picture {
  const [width, height] = [1280, 960];
  const data = new Uint8Array((width * height * 3) / 2);
  let state = 1;
  for (let i = 0; i < data.length; i++) {
    state = (Math.imul(1664525, state) + 1013904223) >>> 0;
    data[i] = state >>> 24;
  }
  return { width, height, format: 'i420', stride: width, data };
}

function measureHere(options: MeasureOptions): Measurement {
  const manifest = readManifest(options.manifestPath);
  const entry = chooseEmbedder(manifest, options.embedder);
  const loaded = (model: ModelEntry, threads: number): LoadedModel =>
    loadModel(readModel(manifest, model), { threads, delegatePath: options.delegatePath });
  const bare = (model: ModelEntry, threads: number): Spread => timed(loaded(model, threads).infer, options.budgetMs);
  const detector = loaded(manifest.detector, options.threads);
  const embedder = loaded(entry, options.threads);
  const measured = {
    detector: { id: manifest.detector.id, ms: timed(detector.infer, options.budgetMs) },
    embedder: { id: entry.id, type: entry.input.type, ms: timed(embedder.infer, options.budgetMs) },
  };
  if (options.extra === null) return { ...measured, extra: null };
  const { embedder: other, threadCounts } = options.extra;
  return {
    ...measured,
    extra: {
      stages: stages(detectorOf(detector, manifest.detector), embedderOf(embedder, entry), options.budgetMs),
      embedder: other === null ? null : bare(chooseEmbedder(manifest, other), options.threads),
      byThreads: threadCounts.map((threads) => {
        return { threads, detector: bare(manifest.detector, threads), embedder: bare(entry, threads) };
      }),
    },
  };
}

function stages(detect: Detect, embed: Embed, budgetMs: number): Record<Stage, Spread> {
  const frame = noiseFrame();
  const look = detect(frame);
  const [tile] = tileGrid(frame, defaultSearch.videoTilePx);
  const face: Box = [600, 400, 90, 90];
  const align = () =>
    warp(
      frame,
      alignmentOf([
        [630, 436],
        [662, 437],
        [647, 455],
        [646, 475],
      ])!,
    );
  const crop = align();
  const search = (kind: 'all' | 'auto', around: readonly Box[]) =>
    searchFaces(frame, look, { search: kind, around, moved: [], turn: 0 }, defaultSearch);
  return {
    detectWhole: timed(() => look(wholeView(frame), 0.5), budgetMs),
    detectTile: timed(() => look(tile!, 0.5), budgetMs),
    detectAll: timed(() => search('all', []), budgetMs),
    align: timed(align, budgetMs),
    embed: timed(() => embed([crop], false), budgetMs),
    total: timed(() => [search('auto', [face]), embed([align()], false)], budgetMs),
  };
}

process.once('message', (options: MeasureOptions) => {
  let answer: MeasureAnswer;
  try {
    answer = { measured: measureHere(options) };
  } catch (cause) {
    answer = { failed: cause instanceof Error ? cause.message : String(cause) };
  }
  process.send?.(answer);
});
