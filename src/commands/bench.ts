// roomkin bench: the time of each stage on this machine, with XNNPACK and without, for several numbers of threads.
import { existsSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { sentenceOf } from '../base/errors.js';
import {
  chooseEmbedder,
  defaultManifestPath,
  type Manifest,
  type ModelEntry,
  readManifest,
} from '../engine/manifest.js';
import { modelPath } from '../engine/model-file.js';
import { builtDelegate, type Measurement, type MeasureOptions, measure, type Stage } from './bench/measure.js';
import type { CommandIo } from './command.js';
import type { Given } from './verbs.js';

const stageNames: Readonly<Record<Stage, string>> = {
  detectWhole: 'detect, whole 1280x960 frame',
  detectAll: 'detect, a still with every tile',
  check: 'check one face in a close-up',
  align: 'align one face',
  embed: 'embed one face',
  total: 'a video frame with one face',
};

export async function run(
  { embedder, threads, manifest: file, seconds }: Given<'bench'>,
  io: CommandIo,
): Promise<void> {
  const manifestPath = file ?? defaultManifestPath;
  const manifest = readManifest(manifestPath);
  const options: MeasureOptions = {
    manifestPath,
    embedder: embedder ?? int8Embedder(manifest),
    threads,
    delegatePath: builtDelegate(),
    extra: null,
    budgetMs: seconds * 1000,
  };
  chooseEmbedder(manifest, options.embedder);
  const report = await bench(options, manifest, io);
  io.progress('');
  io.document(report);
  for (const line of describe(report)) io.out(line);
}

/** The int8 embedder of the manifest, which the delegate is made for; otherwise the default embedder. */
function int8Embedder(manifest: Manifest): string {
  return manifest.embedders.find(({ input }) => input.type === 'int8')?.id ?? manifest.defaultEmbedder;
}

/** The float teacher is part of a development package, which is not installed on a Pi. */
function isInstalled(manifest: Manifest, model: ModelEntry): boolean {
  try {
    return existsSync(modelPath(manifest, model));
  } catch {
    return false;
  }
}

type Report = Awaited<ReturnType<typeof bench>>;

async function bench(options: MeasureOptions, manifest: Manifest, io: CommandIo) {
  const run = (what: string, change: Partial<MeasureOptions>): Promise<Measurement> => {
    io.signal.throwIfAborted();
    io.progress(`measuring ${what}`);
    return measure({ ...options, ...change }, io.signal);
  };
  const float = manifest.embedders.find((model) => model.input.type === 'float32' && isInstalled(manifest, model));
  const threadCounts = [1, 2, 4].filter((threads) => threads <= availableParallelism());
  const extra = { embedder: float?.id ?? null, threadCounts };
  const plain = await run('plain TFLite', { delegatePath: null });
  const delegate =
    options.delegatePath === null ? null : await run('XNNPACK and the stages', { extra }).catch(without(io));
  const best = delegate ?? (await run('the stages', { delegatePath: null, extra }));
  const { stages, embedder, byThreads } = best.extra!;
  return {
    machine: {
      cpu: cpus()[0]?.model ?? 'unknown',
      cores: availableParallelism(),
      arch: process.arch,
      node: process.version,
    },
    threads: options.threads,
    stages,
    detector: compared(plain.detector, delegate?.detector ?? null),
    embedder: { ...compared(plain.embedder, delegate?.embedder ?? null), float: embedder?.p50 ?? null },
    byThreads: byThreads.map((row) => ({
      threads: row.threads,
      detector: row.detector.p50,
      embedder: row.embedder.p50,
    })),
  };
}

/** If XNNPACK does not start, a warning says so and the measurement goes on without it. */
function without(io: CommandIo) {
  return (cause: unknown): null => {
    io.signal.throwIfAborted();
    io.log('warning', `XNNPACK does not start here: ${sentenceOf(cause)}`);
    return null;
  };
}

function compared(plain: Measurement['detector'], delegate: Measurement['detector'] | null) {
  const speedup = delegate === null ? null : plain.ms.p50 / delegate.ms.p50;
  return { id: plain.id, plain: plain.ms.p50, delegate: delegate?.ms.p50 ?? null, speedup };
}

function describe({ machine, threads, stages, detector, embedder, byThreads }: Report): string[] {
  const ms = (value: number | null): string => (value === null ? 'none' : `${value.toFixed(1)} ms`).padStart(10);
  const versus = (name: string, { plain, delegate, speedup }: Report['detector']): string =>
    `${name.padEnd(32)}${ms(plain)}${ms(delegate)}${(speedup === null ? '' : `${speedup.toFixed(1)}x`).padStart(8)}`;
  return [
    `${machine.cpu}, ${machine.cores} cores, ${machine.arch}, Node ${machine.node}, ${threads === 1 ? '1 thread' : `${threads} threads`}`,
    '',
    `${'stage'.padEnd(32)}${'median'.padStart(10)}${'95 %'.padStart(10)}`,
    ...Object.entries(stages).map(([stage, { p50, p95 }]) => stageNames[stage as Stage].padEnd(32) + ms(p50) + ms(p95)),
    '',
    `${'bare model'.padEnd(32)}${'plain'.padStart(10)}${'XNNPACK'.padStart(10)}`,
    versus(detector.id, detector),
    versus(embedder.id, embedder),
    ...(embedder.float === null ? [] : [`${'the float teacher'.padEnd(42)}${ms(embedder.float)}`]),
    '',
    `${'threads'.padEnd(32)}${'detector'.padStart(10)}${'embedder'.padStart(10)}`,
    ...byThreads.map((row) => String(row.threads).padEnd(32) + ms(row.detector) + ms(row.embedder)),
  ];
}
