// The DET curve (detection error trade-off): how many genuine probes are missed over how many impostor probes are accepted, at every
// threshold. And such curves in the results of earlier evaluations.
import { readFile, stat } from 'node:fs/promises';
import { z } from 'zod';
import { fail, RoomkinError } from '../../base/errors.js';
import { decodeText, mostTextBytes } from '../../base/text.js';

/** Both are shares, 0 to 1. `fpir` rises and is above 0, because the axes of the plot are logarithmic. */
export interface DetPoint {
  readonly fpir: number;
  readonly fnir: number;
}

export type DetCurve = readonly DetPoint[];

/** The curve has the points that the evaluations print. */
const exactFpirs = [0.001, 0.002, 0.01];

/** Points of a curve in each decade of the FPIR. */
const pointsPerDecade = 20;

/**
 * The curve of these similarities; minus infinity for a probe that is never right. The steps of few impostors are all points; of many
 * only `pointsPerDecade` are.
 */
export function detCurve(genuine: readonly number[], impostors: readonly number[]): DetCurve {
  const sorted = impostors.toSorted((a, b) => b - a);
  const ranked = genuine.toSorted((a, b) => a - b);
  const points: DetPoint[] = [];
  for (const accepted of acceptedCounts(sorted.length)) {
    const threshold = sorted[accepted] ?? Number.NEGATIVE_INFINITY;
    const fpir = countWhile(sorted, (score) => score > threshold) / sorted.length;
    if (fpir <= (points.at(-1)?.fpir ?? 0)) continue;
    points.push({ fpir, fnir: countWhile(ranked, (score) => score <= threshold) / ranked.length });
  }
  return points;
}

/** 1 to `most`, each about the same factor above the one before. */
function acceptedCounts(most: number): number[] {
  const counts = Array.from({ length: Math.ceil(Math.log10(most) * pointsPerDecade) + 1 }, (_, i) =>
    Math.min(most, Math.round(10 ** (i / pointsPerDecade))),
  );
  return [...new Set([...counts, ...exactFpirs.map((fpir) => Math.max(1, Math.floor(fpir * most + 1e-9)))])].toSorted(
    (a, b) => a - b,
  );
}

/** How many values at the beginning of `values` are `within`, which no later one is. */
function countWhile(values: readonly number[], within: (value: number) => boolean): number {
  let [low, high] = [0, values.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (within(values[middle]!)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The smallest FNIR at an FPIR of at most `most`; null where the curve begins above it, because there are too few impostors. */
export function fnirAt(curve: DetCurve, most: number): number | null {
  return curve.findLast(({ fpir }) => fpir <= most)?.fnir ?? null;
}

// Results of earlier evaluations.

export type Protocol = 'pairs' | 'household';

/** What an evaluation measured, as curves. */
export interface DetResult {
  readonly embedder: string;
  readonly curves: readonly { readonly title: string; readonly curve: DetCurve }[];
}

const share = z.number().min(0).max(1);
const curve: z.ZodType<DetCurve> = z.array(z.object({ fpir: share.positive(), fnir: share })).min(1);
const pairsResult = z.object({ embedder: z.string(), pairs: z.number(), det: curve.nullable() });
const householdResult = z.object({
  embedder: z.string(),
  households: z.number(),
  det: curve,
  tracks: z.object({ looks: z.number(), det: curve }).nullable(),
});

export function pairsCurves({ embedder, det }: z.output<typeof pairsResult>): DetResult {
  return { embedder, curves: det === null ? [] : [{ title: 'Pairs', curve: det }] };
}

export function householdCurves({ embedder, det, tracks }: z.output<typeof householdResult>): DetResult {
  const ofTracks = tracks === null ? [] : [{ title: `Tracks of ${tracks.looks} observations`, curve: tracks.det }];
  return { embedder, curves: [{ title: 'Single pictures', curve: det }, ...ofTracks] };
}

/** The curves of the result that `evaluate PROTOCOL --json` wrote to `path`. Errors: RESULT_REFUSED. */
export async function readResult(path: string, protocol: Protocol): Promise<DetResult> {
  const advice = `make it with roomkin evaluate ${protocol} ... --json >FILE`;
  const refused = (why: string, cause?: unknown) => fail('RESULT_REFUSED', `${path} ${why}: ${advice}`, cause);
  let document: unknown;
  try {
    const file = await stat(path);
    if (!file.isFile()) throw refused('is not a file');
    if (file.size > mostTextBytes) throw refused('is too large for a result');
    const text = decodeText(await readFile(path));
    if (typeof text !== 'string') throw refused(`is damaged (line ${text.line}: ${text.fault})`);
    document = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) throw refused('is not complete JSON', error);
    if (error instanceof RoomkinError) throw error;
    throw refused(`cannot be read (${(error as NodeJS.ErrnoException).code})`, error);
  }
  const parsed = protocol === 'pairs' ? pairsResult.safeParse(document) : householdResult.safeParse(document);
  if (!parsed.success) {
    const member = parsed.error.issues[0]?.path.join('.') ?? '';
    const where = member === '' ? '' : ` ("${member}" is missing or wrong)`;
    throw refused(`is not the result of evaluate ${protocol} of this version${where}`);
  }
  return 'pairs' in parsed.data ? pairsCurves(parsed.data) : householdCurves(parsed.data);
}
