// The face of each picture of an evaluation, through the daemon's own detector, alignment and embedder. Each picture is read
// and analysed once; only faces are kept, no pixels.

import { photoFrame, readPhoto } from '../../camera/photo.js';
import type { Engine } from '../../engine/engine.js';
import { primaryFace } from '../../gallery/enrolment.js';
import type { Face } from '../../vision/face.js';
import type { CommandIo } from '../command.js';
import { degradeLow } from './degrade.js';
import { seededRandom, seedOf } from './random.js';

/** Faces as they are and, where asked for, in low quality; null where none was found. */
export interface PortraitOf {
  readonly clean: Face | null;
  readonly low: Face | null;
}

export interface PortraitsRequest {
  /** Picture files; each is read once. */
  readonly files: readonly string[];
  /** Files whose face is also wanted in low quality. */
  readonly low: ReadonlySet<string>;
  readonly seed: number;
}

/** The next picture is decoded while the engine has the last one. */
const atOnce = 2;

/**
 * The portraits of `files`. Errors: PHOTO_UNREADABLE, PHOTO_TOO_LARGE (the first picture that cannot be read ends it),
 * ENGINE_FAILED.
 */
export async function portraits(
  engine: Engine,
  { files, low, seed }: PortraitsRequest,
  io: CommandIo,
): Promise<ReadonlyMap<string, PortraitOf>> {
  const found = new Map<string, PortraitOf>();
  const queue = [...new Set(files)];
  const total = queue.length;
  const startMs = performance.now();
  const work = async (): Promise<void> => {
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
      io.signal.throwIfAborted();
      found.set(file, await portraitOf(engine, file, low.has(file), seed));
      const leftSeconds = (((performance.now() - startMs) / found.size) * (total - found.size)) / 1000;
      io.progress(`picture ${found.size} of ${total}, ${duration(leftSeconds)} left`);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  io.progress('');
  return found;
}

async function portraitOf(engine: Engine, file: string, withLow: boolean, seed: number): Promise<PortraitOf> {
  const picture = await readPhoto(file);
  const still = { search: 'all', mirror: true } as const;
  const { faces } = await engine.analyze(photoFrame(picture), still);
  const clean = primaryFace(faces, picture.width, picture.height);
  if (clean === null || !withLow) return { clean, low: null };
  const bad = degradeLow(picture, clean.landmarks, seededRandom(seedOf(file, seed)));
  const again = await engine.analyze({ ...bad, capturedAt: 0, sequence: 0 }, still);
  return { clean, low: primaryFace(again.faces, bad.width, bad.height) };
}

/** The engine of the configuration, or as shipped where there is no configuration; `embedder` overrides its choice. */
export function evaluatedEngine(io: CommandIo, embedder: string | undefined): Promise<Engine> {
  // One thread: the next picture is decoded meanwhile, and a machine that does other work too is not slowed down by XNNPACK's.
  const given = { threads: 1, ...(embedder === undefined ? {} : { embedder }) };
  return io.openEngine(io.configOrShipped(), given);
}

function duration(seconds: number): string {
  return seconds < 90 ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} min`;
}
