// A frame's way through the engine, in the child: search, align, judge, embed.

import { ALIGNED_PX, alignmentOf, warp } from '../vision/alignment.js';
import type { Candidate } from '../vision/blazeface.js';
import type { Face } from '../vision/face.js';
import type { Frame } from '../vision/picture.js';
import { qualityOf } from '../vision/quality.js';
import { searchFaces } from '../vision/search.js';
import type { AnalyzeOptions } from './engine.js';
import { chooseEmbedder, readManifest, readModel } from './manifest.js';
import { detectorOf, embedderOf } from './models.js';
import type { LoadedInfo, LoadOptions, WireAnalysis } from './protocol.js';
import { loadModel } from './runtime.js';

export interface Analyzer {
  readonly info: LoadedInfo;
  analyze(frame: Frame, options: AnalyzeOptions): WireAnalysis;
}

/** Loads both models into this process. Errors: MODEL_MISSING, MODEL_HASH. */
export function loadAnalyzer(options: LoadOptions): Analyzer {
  const manifest = readManifest(options.manifestPath);
  const embedder = chooseEmbedder(manifest, options.embedder);
  const runtime = { threads: options.threads, delegatePath: options.delegatePath };
  const detect = detectorOf(loadModel(readModel(manifest, manifest.detector), runtime), manifest.detector);
  const embed = embedderOf(loadModel(readModel(manifest, embedder), runtime), embedder);
  let turn = 0;

  const analyze = (frame: Frame, asked: AnalyzeOptions): WireAnalysis => {
    const started = performance.now();
    const request = { search: asked.search, around: asked.around ?? [], moved: asked.moved ?? [], turn };
    if (asked.search === 'auto') turn++;
    const found = searchFaces(frame, detect(frame), request, options.search);
    const detected = performance.now();
    const seen = found.faces.map((candidate) => alignedFace(frame, candidate)).filter((face) => face !== null);
    const aligned = performance.now();
    const still = asked.search === 'all';
    const chosen = seen.filter((face) => (asked.embed ?? true) && (still || face.quality.eyesPx >= options.minEyesPx));
    const vectors = embed(
      chosen.map((face) => face.crop),
      asked.mirror ?? still,
    );
    const embedded = performance.now();
    const vectorOf = new Map(chosen.map((face, i) => [face, vectors[i] ?? null]));
    return {
      faces: seen.map((face): Face => {
        const { box, landmarks, score, quality } = face;
        return { box, landmarks, score, quality, embedding: vectorOf.get(face) ?? null };
      }),
      times: {
        detectMs: detected - started,
        alignMs: aligned - detected,
        embedMs: embedded - aligned,
        tiles: found.passes,
      },
      crops: asked.crops === true ? seen.map((face) => face.crop) : null,
    };
  };
  // the first inference packs weights; whoever waits for the engine to be ready should not meet that on a frame
  embed([new Uint8Array(ALIGNED_PX * ALIGNED_PX * 3)], false);
  const info = {
    detector: manifest.detector.id,
    embedder: embedder.id,
    space: embedder.space,
    dimension: embedder.dimension,
  };
  return { info, analyze };
}

/** A candidate with its aligned picture and quality; null when its landmarks make no face. */
function alignedFace(frame: Frame, candidate: Candidate) {
  const similarity = alignmentOf(candidate.landmarks);
  if (similarity === null) return null;
  const crop = warp(frame, similarity);
  return { ...candidate, crop, quality: qualityOf(crop, candidate.landmarks) };
}
