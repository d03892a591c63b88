// The process that `measure` forks: loads the models, times them on a made-up 1280x960 camera frame, answers and ends.
import type { Box } from '../domain/face.js';
import { alignmentOf, warp } from '../vision/alignment.js';
import type { Picture } from '../vision/picture.js';
import { defaultSearch, searchFaces } from '../vision/search.js';
import { tileGrid } from '../vision/tiles.js';
import { wholeView } from '../vision/view.js';
import { chooseEmbedder, readManifest, readModel } from './manifest.js';
import {
  type MeasureAnswer,
  type Measurement,
  type MeasureOptions,
  type Spread,
  type Stage,
  spread,
} from './measure.js';
import { detectorOf, embedderOf } from './models.js';
import { loadModel } from './tflite-runtime.js';

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
  return spread(times);
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
  const detector = loadModel(readModel(manifest, manifest.detector), options);
  const embedder = loadModel(readModel(manifest, entry), options);
  const { budgetMs } = options;
  return {
    detector: { id: manifest.detector.id, ms: timed(detector.infer, budgetMs) },
    embedder: { id: entry.id, type: entry.input.type, ms: timed(embedder.infer, budgetMs) },
    stages: options.what === 'models' ? null : stages(),
  };

  function stages(): Record<Stage, Spread> {
    const detect = detectorOf(detector, manifest.detector);
    const embed = embedderOf(embedder, entry);
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
    const search = (search: 'all' | 'auto', around: readonly Box[]) =>
      searchFaces(frame, look, { search, around, moved: [], turn: 0 }, defaultSearch);
    return {
      detectWhole: timed(() => look(wholeView(frame), 0.5), budgetMs),
      detectTile: timed(() => look(tile!, 0.5), budgetMs),
      detectAll: timed(() => search('all', []), budgetMs),
      align: timed(align, budgetMs),
      embed: timed(() => embed([crop], false), budgetMs),
      total: timed(() => [search('auto', [face]), embed([align()], false)], budgetMs),
    };
  }
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
