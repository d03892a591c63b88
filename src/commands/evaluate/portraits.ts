// The face of each picture of an evaluation, through the daemon's own detector, alignment and embedder. Each picture is read and
// analysed once. Only faces stay in memory, no pixels.

import { photoFrame, readPhoto } from '../../camera/photo.js';
import type { Engine } from '../../engine/engine.js';
import { primaryFace } from '../../gallery/enrolment.js';
import type { Face } from '../../vision/face.js';
import type { CommandIo } from '../command.js';
import { degradeLow } from './degrade.js';
import { seededRandom, seedOf } from './random.js';

/** The face of a picture as it is and, on request, in low quality; null where none was detected. */
export interface PortraitOf {
  readonly clean: Face | null;
  readonly low: Face | null;
}

export interface PortraitsRequest {
  /** Picture files; each is read once. */
  readonly files: readonly string[];
  /** Files whose face is also needed in low quality. */
  readonly low: ReadonlySet<string>;
  readonly seed: number;
}

/** Two pictures at once: one is decoded while the engine analyses the other. */
const concurrency = 2;

/**
 * The portraits of `files`. Errors: PHOTO_UNREADABLE, PHOTO_TOO_LARGE (for the first picture that cannot be read),
 * ENGINE_FAILED.
 */
export async function portraits(
  engine: Engine,
  { files, low, seed }: PortraitsRequest,
  io: CommandIo,
): Promise<ReadonlyMap<string, PortraitOf>> {
  const results = new Map<string, PortraitOf>();
  const queue = [...new Set(files)];
  const total = queue.length;
  const startMs = performance.now();
  const work = async (): Promise<void> => {
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
      io.signal.throwIfAborted();
      results.set(file, await portraitOf(engine, file, low.has(file), seed));
      const leftSeconds = (((performance.now() - startMs) / results.size) * (total - results.size)) / 1000;
      io.progress(`picture ${results.size} of ${total}, ${duration(leftSeconds)} left`);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, work));
  io.progress('');
  return results;
}

async function portraitOf(engine: Engine, file: string, withLow: boolean, seed: number): Promise<PortraitOf> {
  const picture = await readPhoto(file);
  const still = { search: 'all', mirror: true } as const;
  const { faces } = await engine.analyze(photoFrame(picture), still);
  const clean = primaryFace(faces, picture.width, picture.height);
  if (clean === null || !withLow) return { clean, low: null };
  const degraded = degradeLow(picture, clean.landmarks, seededRandom(seedOf(file, seed)));
  const lowAnalysis = await engine.analyze({ ...degraded, capturedAt: 0, sequence: 0 }, still);
  return { clean, low: primaryFace(lowAnalysis.faces, degraded.width, degraded.height) };
}

/** The configured engine, or the shipped one where there is no configuration; `embedder` overrides the configured embedder. */
export function evaluatedEngine(io: CommandIo, embedder: string | undefined): Promise<Engine> {
  // One thread: another picture is decoded at the same time, and XNNPACK's spinning threads slow a busy machine down.
  io.progress('loading the models...');
  const changes = { threads: 1, ...(embedder === undefined ? {} : { embedder }) };
  return io.openEngine(io.configOrShipped(), changes);
}

function duration(seconds: number): string {
  return seconds < 90 ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} min`;
}
