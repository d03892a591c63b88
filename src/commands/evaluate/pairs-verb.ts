// roomkin evaluate pairs: the verification protocol of LFW through the whole shipped pipeline.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fail, oneLine } from '../../base/errors.js';
import { decodeText } from '../../base/text.js';
import type { EngineInfo } from '../../engine/engine.js';
import { similarity } from '../../gallery/similarity.js';
import type { CommandIo } from '../command.js';
import type { Given } from '../verbs.js';
import { pairsCurves } from './det.js';
import { openPlot } from './plot.js';
import { evaluatedEngine, portraits } from './portraits.js';
import { accuracyAt, type ScoredPair, type Verification, verify } from './verification.js';

/** Pairs of one kind: decided with the threshold of all pairs, with separate curves. */
interface PerKind {
  readonly pairs: number;
  readonly undetected: number;
  readonly accuracy: number;
  readonly tarAtFar: Verification['tarAtFar'];
  readonly eer: Verification['eer'];
}

export async function evaluatePairs(given: Given<'evaluate'>, io: CommandIo): Promise<void> {
  const plot = await openPlot(given, 'pairs', io);
  const all = await readPairs(given.pairs!);
  const pairs = given.limit === undefined ? all : spread(all, given.limit);
  const { result, without } = await measurePairs(pairs, given, given.embedder, io);
  io.document(result);
  const head = `${result.pairs} pairs of ${result.images} pictures, ${result.undetected} without a detected face`;
  io.out(`${head}; ${result.embedder}`);
  io.out(
    `accuracy ${percent(result.accuracy)} ± ${percent(result.accuracyStd)} (threshold ${fixed(result.threshold)})`,
  );
  for (const [far, tar] of Object.entries(result.tarAtFar)) io.out(`TAR at FAR ${far}: ${percent(tar)}`);
  io.out(`equal error rate ${percent(result.eer)}`);
  for (const [kind, { pairs: number, accuracy, tarAtFar }] of Object.entries(result.perKind)) {
    io.out(`${kind}: ${number} pairs, accuracy ${percent(accuracy)}, TAR at FAR 0.01: ${percent(tarAtFar['0.01'])}`);
  }
  for (const file of without.slice(0, 20)) io.out(`no face detected: ${file}`);
  await plot?.write(pairsCurves(result), async (embedder) => {
    return pairsCurves((await measurePairs(pairs, given, embedder, io)).result);
  });
}

interface MeasuredPairs extends Verification {
  readonly embedder: string;
  readonly delegate: EngineInfo['delegate'];
  readonly images: number;
  readonly undetected: number;
  readonly perKind: Readonly<Record<string, PerKind>>;
}

/** `without`: the files without a detected face. */
async function measurePairs(
  pairs: readonly Pair[],
  given: Given<'evaluate'>,
  embedderId: string | undefined,
  io: CommandIo,
): Promise<{ readonly result: MeasuredPairs; readonly without: readonly string[] }> {
  const path = (name: string) => join(given.images, name);
  const probes = new Set(given.degrade === 'low' ? pairs.map((pair) => path(pair.b)) : []);
  const files = [...new Set(pairs.flatMap((pair) => [path(pair.a), path(pair.b)]))];
  await using engine = await evaluatedEngine(io, embedderId);
  const { embedder, delegate } = await engine.start();
  const faces = await portraits(engine, { files, low: probes, seed: given.seed }, io);

  const scored = pairs.map((pair): ScoredPair => {
    const a = faces.get(path(pair.a))?.clean?.embedding ?? null;
    const b = faces.get(path(pair.b))?.[given.degrade === 'low' ? 'low' : 'clean']?.embedding ?? null;
    return { ...pair, similarity: a === null || b === null ? null : similarity(a, b) };
  });
  const without = files.filter((file) => {
    const { clean, low } = faces.get(file)!;
    return clean?.embedding == null || (probes.has(file) && low?.embedding == null);
  });
  const verification = verify(scored);
  const kinds = [...new Set(scored.flatMap((pair) => pair.kind ?? []))];
  const perKind = Object.fromEntries(
    kinds.map((kind) => [
      kind,
      ofKind(
        scored.filter((pair) => pair.kind === kind),
        verification.threshold,
      ),
    ]),
  );
  const counts = { images: files.length, undetected: without.length };
  return { result: { embedder, delegate, ...counts, ...verification, perKind }, without };
}

function ofKind(pairs: readonly ScoredPair[], threshold: number): PerKind {
  const { tarAtFar, eer } = verify(pairs);
  const undetected = pairs.filter((pair) => pair.similarity === null).length;
  return { pairs: pairs.length, undetected, accuracy: accuracyAt(pairs, threshold), tarAtFar, eer };
}

/** `count` pairs spread evenly over the file, which may list all same pairs first. */
function spread(pairs: readonly Pair[], count: number): Pair[] {
  const step = Math.max(1, pairs.length / count);
  return Array.from({ length: Math.min(count, pairs.length) }, (_, i) => pairs[Math.floor(i * step)]!);
}

function percent(share: number | null): string {
  return share === null ? '-' : `${(100 * share).toFixed(2)} %`;
}

function fixed(value: number): string {
  return value.toFixed(3);
}

// A pairs file: lines `label fold imageA imageB [kind]`, separated by blanks; `#` starts a comment; label 1 = same person.

export interface Pair {
  readonly same: boolean;
  readonly fold: string;
  /** Paths relative to the folder of images; `b` is the probe. */
  readonly a: string;
  readonly b: string;
  readonly kind: string | null;
}

/** Reads `path`. Errors: PAIRS_MALFORMED, with file and line. */
async function readPairs(path: string): Promise<Pair[]> {
  const bytes = await readFile(path).catch((cause: NodeJS.ErrnoException) => {
    throw fail('PAIRS_MALFORMED', `cannot read ${path} (${cause.code}): give a pairs file with --pairs`, cause);
  });
  const text = decodeText(bytes);
  if (typeof text !== 'string') throw fail('PAIRS_MALFORMED', `${path}:${text.line}: ${text.fault}`);
  return parsePairs(text, path);
}

/** Parses the text of a pairs file; `path` is used in error messages only. Errors: PAIRS_MALFORMED. */
export function parsePairs(text: string, path: string): Pair[] {
  const pairs = text.split(/\r?\n/).flatMap((line, index): Pair[] => {
    const words = line
      .replace(/(^|\s)#.*$/, '')
      .trim()
      .split(/\s+/);
    if (words[0] === '') return [];
    const [label, fold, a, b, kind] = words;
    const wrong = (why: string) =>
      fail('PAIRS_MALFORMED', `${path}:${index + 1}: ${why}; a line is: label fold imageA imageB [kind]`);
    if (words.length < 4 || words.length > 5) throw wrong(`${words.length} words where 4 or 5 are needed`);
    if (label !== '0' && label !== '1') throw wrong(`label ${oneLine(label!, 40)} is neither 0 nor 1`);
    return [{ same: label === '1', fold: fold!, a: a!, b: b!, kind: kind ?? null }];
  });
  if (pairs.length === 0)
    throw fail('PAIRS_MALFORMED', `${path}: it contains no pair; a line is: label fold imageA imageB [kind]`);
  return pairs;
}
