// The process that `measure` forks: it loads the models, times them on an artificial 1280x960 camera frame, answers and ends.
import { sentenceOf } from '../../base/errors.js';
import type { LoadedModel } from '../../engine/inference.js';
import { chooseEmbedder, type Embedder, type ModelEntry, readManifest } from '../../engine/manifest.js';
import { readModel } from '../../engine/model-file.js';
import { checkerOf, type Detect, type Embed, embedderOf, finderOf } from '../../engine/models.js';
import { loadModel } from '../../engine/runtime.js';
import { identify } from '../../gallery/identify.js';
import type { Gallery } from '../../gallery/person.js';
import { optionsFor } from '../../recognition/options.js';
import { alignmentOf, warp } from '../../vision/alignment.js';
import { lumaGrid, motion } from '../../vision/motion.js';
import type { Picture } from '../../vision/picture.js';
import { viewAround, wholeView } from '../../vision/picture.js';
import { defaultSearch, searchFaces, VIEW_ASPECT } from '../../vision/search.js';
import {
  type MeasureAnswer,
  type Measurement,
  type MeasureOptions,
  type Spread,
  type Stage,
  stopwatch,
} from './measure.js';

/** Times `task` for about `budgetMs`. */
function timed(task: () => unknown, budgetMs: number): Spread {
  const watch = stopwatch(budgetMs);
  while (!watch.isOver) {
    watch.begin();
    task();
    watch.end();
  }
  return watch.spread();
}

/** Numbers of 32 bits, the same ones in each run. */
function numbers(): () => number {
  let state = 1;
  return () => {
    state = (Math.imul(1664525, state) + 1013904223) >>> 0;
    return state;
  };
}

/** Noise without a face, so the cost of the search does not depend on detected faces. */
function noiseFrame(): Picture {
  const [width, height] = [1280, 960];
  const data = new Uint8Array((width * height * 3) / 2);
  const random = numbers();
  for (let i = 0; i < data.length; i++) data[i] = random() >>> 24;
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
        entry,
        options.budgetMs,
      ),
      embedder: other === null ? null : bare(chooseEmbedder(manifest, other), options.threads),
      byThreads: threadCounts.map((threads) => {
        return { threads, detector: bare(manifest.detector, threads), embedder: bare(entry, threads) };
      }),
    },
  };
}

function stages(
  finder: Detect,
  checker: Detect,
  embed: Embed,
  { id, dimension, space }: Embedder,
  budgetMs: number,
): Record<Stage, Spread> {
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
  const lamp = lumaGrid({ ...frame, data: frame.data.map((value, i) => (i % 1280 < 96 ? 255 - value : value)) });
  const household = madeHousehold(dimension, space);
  const probe = household.people[0]!.templates[0]!.vector;
  const match = () => identify(probe, household, optionsFor(id).single);
  return {
    luma: timed(() => motion(lamp, lumaGrid(frame)), budgetMs),
    detectWhole: timed(() => detectors.find(wholeView(frame, VIEW_ASPECT), 0.5), budgetMs),
    detectAll: timed(() => search('all'), budgetMs),
    check: timed(check, budgetMs),
    align: timed(align, budgetMs),
    embed: timed(() => embed([crop], false), budgetMs),
    match: timed(match, budgetMs),
    total: timed(() => [search('auto'), check(), embed([align()], false)], budgetMs),
  };
}

/** Twelve people with 30 templates each: a large household. */
function madeHousehold(dimension: number, space: string): Gallery {
  const random = numbers();
  const vector = (): Float32Array => {
    const values = Float32Array.from({ length: dimension }, () => random() / 2 ** 32 - 0.5);
    const length = Math.hypot(...values);
    return values.map((value) => value / length);
  };
  const people = Array.from({ length: 12 }, (_, person) => ({
    id: `p${person}`,
    name: `P${person}`,
    templates: Array.from({ length: 30 }, (_, id) => ({ id: 30 * person + id, vector: vector() })),
  }));
  return { space, version: 1, people, cohort: [] };
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
