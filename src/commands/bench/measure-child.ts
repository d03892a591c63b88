// The process that `measure` forks: it loads the models, times them on an artificial 1280x960 camera frame, answers and ends.
import { sentenceOf } from '../../base/errors.js';
import { quantile } from '../../base/stats.js';
import { chooseEmbedder, type ModelEntry, readManifest } from '../../engine/manifest.js';
import { readModel } from '../../engine/model-file.js';
import { checkerOf, type Detect, type Embed, embedderOf, finderOf } from '../../engine/models.js';
import { type LoadedModel, loadModel } from '../../engine/runtime.js';
import { alignmentOf, warp } from '../../vision/alignment.js';
import type { Picture } from '../../vision/picture.js';
import { viewAround, wholeView } from '../../vision/picture.js';
import { defaultSearch, searchFaces, VIEW_ASPECT } from '../../vision/search.js';
import type { MeasureAnswer, Measurement, MeasureOptions, Spread, Stage } from './measure.js';

const minRuns = 5;
const maxRuns = 200;

/** Times `task` for about `budgetMs`, after one warm-up run that does not count. */
function timed(task: () => unknown, budgetMs: number): Spread {
  task();
  const times: number[] = [];
  const end = performance.now() + budgetMs;
  while (times.length < minRuns || (performance.now() < end && times.length < maxRuns)) {
    const start = performance.now();
    task();
    times.push(performance.now() - start);
  }
  return { p50: quantile(times, 0.5)!, p95: quantile(times, 0.95)! };
}

/** Noise without a face, so the cost of the search does not depend on detected faces. */
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
  const load = (model: ModelEntry, threads: number): LoadedModel =>
    loadModel(readModel(manifest, model), { threads, delegatePath: options.delegatePath });
  const bare = (model: ModelEntry, threads: number): Spread => timed(load(model, threads).infer, options.budgetMs);
  const detector = load(manifest.detector, options.threads);
  const embedder = load(entry, options.threads);
  const models = {
    detector: { id: manifest.detector.id, ms: timed(detector.infer, options.budgetMs) },
    embedder: { id: entry.id, type: entry.input.type, ms: timed(embedder.infer, options.budgetMs) },
  };
  if (options.extra === null) return { ...models, extra: null };
  const { embedder: other, threadCounts } = options.extra;
  return {
    ...models,
    extra: {
      stages: stages(
        finderOf(detector, manifest.detector),
        checkerOf(load(manifest.checker, options.threads), manifest.checker),
        embedderOf(embedder, entry),
        options.budgetMs,
      ),
      embedder: other === null ? null : bare(chooseEmbedder(manifest, other), options.threads),
      byThreads: threadCounts.map((threads) => {
        return { threads, detector: bare(manifest.detector, threads), embedder: bare(entry, threads) };
      }),
    },
  };
}

function stages(finder: Detect, checker: Detect, embed: Embed, budgetMs: number): Record<Stage, Spread> {
  const frame = noiseFrame();
  const detectors = { find: finder(frame), check: checker(frame) };
  const closeUp = viewAround(645, 445, 270);
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
  const search = (kind: 'all' | 'auto') => searchFaces(frame, detectors, { search: kind, turn: 0 }, defaultSearch);
  const check = () => detectors.check(closeUp, 0.5);
  return {
    detectWhole: timed(() => detectors.find(wholeView(frame, VIEW_ASPECT), 0.5), budgetMs),
    detectAll: timed(() => search('all'), budgetMs),
    check: timed(check, budgetMs),
    align: timed(align, budgetMs),
    embed: timed(() => embed([crop], false), budgetMs),
    total: timed(() => [search('auto'), check(), embed([align()], false)], budgetMs),
  };
}

process.once('message', (options: MeasureOptions) => {
  let answer: MeasureAnswer;
  try {
    answer = { measured: measureHere(options) };
  } catch (cause) {
    answer = { failed: sentenceOf(cause) };
  }
  process.send?.(answer);
});
