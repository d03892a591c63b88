// The stages of a frame in the child: search, align, measure quality, embed.

import { ALIGNED_PX, alignmentOf, warp } from '../vision/alignment.js';
import type { Face, Quality } from '../vision/face.js';
import type { Frame } from '../vision/picture.js';
import { qualityOf } from '../vision/quality.js';
import { type Detectors, type FoundFace, searchFaces } from '../vision/search.js';
import type { AnalyzeOptions } from './engine.js';
import type { LoadedModel } from './inference.js';
import { bytesOf, openModel } from './model-file.js';
import { checkerOf, embedderOf, finderOf } from './models.js';
import { loadOnnxModel } from './onnx/runtime.js';
import type { LoadOptions, ModelInfo, Step, WireAnalysis } from './protocol.js';
import { loadModelFile } from './runtime.js';
import { always, type Once } from './slices.js';

export interface Analyzer {
  readonly info: ModelInfo;
  /** `once`: for a still that is analysed in slices. Default: in one go. */
  analyze(frame: Frame, options: AnalyzeOptions, once?: Once): WireAnalysis;
}

/** Loads the models into this process. `progress` is called at the beginning of each step. Errors: MODEL_MISSING, MODEL_HASH. */
export function loadAnalyzer(options: LoadOptions, progress: (step: Step) => void): Analyzer {
  const { models } = options;
  const { embedder } = models;
  const runtime = { threads: options.threads, delegatePath: options.delegatePath };
  progress('read detector');
  using detectorFile = openModel(models, models.detector);
  using checkerFile = openModel(models, models.checker);
  progress('create detector');
  const detectorModel = reporting(loadModelFile(detectorFile, runtime), () => progress('detect'));
  const finder = finderOf(detectorModel, models.detector);
  const checkerModel = reporting(loadModelFile(checkerFile, runtime), () => progress('check'));
  const checker = checkerOf(checkerModel, models.checker);
  progress('read embedder');
  using embedderFile = openModel(models, embedder);
  progress('create embedder');
  let embedStep: Step = 'warm up';
  const { onnxDevice } = options;
  const loaded =
    onnxDevice === null
      ? loadModelFile(embedderFile, runtime)
      : loadOnnxModel(bytesOf(embedderFile), { threads: options.threads, device: onnxDevice });
  const embedderModel = reporting(loaded, () => progress(embedStep));
  const embed = embedderOf(embedderModel, embedder);
  const { portraitLength } = embedder;
  let turn = 0;
  let tileTurn = 0;

  const analyze = (frame: Frame, request: AnalyzeOptions, once: Once = always): WireAnalysis => {
    const startedAt = performance.now();
    const { search, limits, expected } = request;
    const searchRequest = { search, turn, tileTurn, limits, expected };
    if (search === 'auto') turn++;
    if (search === 'auto' && limits?.tiles !== 0) tileTurn++;
    const [find, check] = [finder(frame), checker(frame)];
    const detectors: Detectors = {
      find: (view, leastScore) => once(() => find(view, leastScore)),
      check: (view, leastScore) => once(() => check(view, leastScore)),
    };
    const found = searchFaces(frame, detectors, searchRequest, options.search);
    const detectedAt = performance.now();
    progress('align');
    const aligned = found.faces
      .map((candidate) => once(() => alignedFace(frame, candidate)))
      .filter((face) => face !== null);
    const alignedAt = performance.now();
    const isStill = search === 'all' || search === 'portrait';
    const isEmbedded = (face: FoundFace & { readonly quality: Quality }): boolean =>
      (request.embed ?? true) && face.isPlaced && (isStill || face.quality.eyesPx >= options.minEyesPx);
    const chosen = aligned.filter(isEmbedded);
    const mirror = request.mirror ?? isStill;
    const crops = chosen.map((face) => face.crop);
    const embedded =
      once === always ? embed(crops, mirror) : crops.flatMap((crop) => once(() => embed([crop], mirror)));
    const embeddedAt = performance.now();
    const embeddedOf = new Map(chosen.map((face, i) => [face, embedded[i] ?? null]));
    return {
      faces: aligned.map((face): Face => {
        const { box, landmarks, score } = face;
        const { embedding, length } = embeddedOf.get(face) ?? { embedding: null, length: 0 };
        const clarity = embedding === null || portraitLength === undefined ? null : length / portraitLength;
        const seen = { box, landmarks, score, quality: { ...face.quality, clarity }, embedding };
        return face.isContinued ? { ...seen, isContinued: true } : seen;
      }),
      times: {
        detectMs: detectedAt - startedAt,
        alignMs: alignedAt - detectedAt,
        embedMs: embeddedAt - alignedAt,
        tiles: found.passes,
      },
      crops: request.crops === true ? aligned.map((face) => face.crop) : null,
    };
  };
  // The first inference packs weights, which is slow. It runs here, so that no frame has to wait for it.
  embed([new Uint8Array(ALIGNED_PX * ALIGNED_PX * 3)], false);
  embedStep = 'embed';
  const info: ModelInfo = {
    detector: models.detector.id,
    embedder: embedder.id,
    embedderRuntime: onnxDevice === null ? 'tflite' : 'onnxruntime',
    space: embedder.space,
    dimension: embedder.dimension,
  };
  return { info, analyze };
}

/** `model`, which calls `onInfer` before each inference. */
function reporting(model: LoadedModel, onInfer: () => void): LoadedModel {
  return {
    ...model,
    infer() {
      onInfer();
      model.infer();
    },
  };
}

/** A candidate with its aligned picture and quality; null when its landmarks are not those of a face. */
function alignedFace(frame: Frame, candidate: FoundFace) {
  const similarity = alignmentOf(candidate.landmarks);
  if (similarity === null) return null;
  const crop = warp(frame, similarity);
  return { ...candidate, crop, quality: qualityOf(crop, candidate.landmarks) };
}
