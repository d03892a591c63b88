// roomkin bench: the time of each stage on this machine, the frames a second that it sustains, and the memory of the models; with XNNPACK
// and without, for several numbers of threads.
import { existsSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { connectAsync } from 'mqtt';
import { RoomkinError, sentenceOf } from '../base/errors.js';
import { packageVersion } from '../base/files.js';
import { decodePicture } from '../camera/decode.js';
import type { CameraOptions } from '../camera/options.js';
import { readBoard } from '../control/board.js';
import { askDaemon } from '../control/client.js';
import type { DaemonStatus } from '../control/protocol.js';
import type { SharedEngine } from '../engine/engine.js';
import {
  chooseEmbedder,
  defaultManifestPath,
  type Manifest,
  type ModelEntry,
  readManifest,
} from '../engine/manifest.js';
import { modelPath } from '../engine/model-file.js';
import { createEngine } from '../engine/supervisor.js';
import type { Person } from '../gallery/person.js';
import { stateBody } from '../mqtt/payloads.js';
import { roomOptionsFor } from '../room/options.js';
import { type FrameFigures, measureFrames } from './bench/frames.js';
import { machineName, memoryOf, summary } from './bench/machine.js';
import {
  builtDelegate,
  type Measurement,
  type MeasureOptions,
  measure,
  type Spread,
  type Stage,
  stopwatch,
} from './bench/measure.js';
import { drawPeople, heightPx, jpegOf, sceneWith, widthPx } from './bench/scene.js';
import type { CommandIo } from './command.js';
import { startBroker } from './demo/broker.js';
import type { Cutout } from './demo/stage.js';
import { daemonSocket } from './parts.js';
import { count } from './rows.js';
import type { Given } from './verbs.js';

const stageNames: Readonly<Record<Stage | 'decode' | 'publish', string>> = {
  decode: 'decode a JPEG of 1280x960',
  luma: 'compare with the frame before',
  detectWhole: 'detect, whole 1280x960 frame',
  detectAll: 'detect, a still with every tile',
  check: 'check one face in a close-up',
  align: 'align one face',
  embed: 'embed one face',
  match: 'match with 360 photos',
  total: 'a video frame with one face',
  publish: 'publish, until the broker has it',
};

/** The numbers of faces for which frames are counted. */
const faceCounts = [0, 1, 3, 12];

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
  io.progress('looking for a daemon');
  const daemon = await runningDaemon(io);
  if (daemon !== null) {
    io.out(`The daemon of the room ${daemon} runs here: its work disturbs the figures (sudo systemctl stop roomkin).`);
    io.out('');
  }
  const report = await bench(options, manifest, daemon, io);
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

async function bench(options: MeasureOptions, manifest: Manifest, daemon: string | null, io: CommandIo) {
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
  const { decode, publish, frames, engine } = await wholeFrames(options, delegate !== null, io);
  const machine = machineName();
  return {
    version: packageVersion,
    summary: summary({
      version: packageVersion,
      machine,
      delegate: engine.delegate,
      framesPerSecond: frames.map(({ framesPerSecond }) => framesPerSecond),
      frameMs: frames.find(({ faces }) => faces === 1)!.p50,
      engineMiB: engine.memoryMiB,
    }),
    daemon,
    machine: {
      name: machine,
      board: readBoard().model,
      cpu: cpus()[0]?.model ?? 'unknown',
      cores: availableParallelism(),
      arch: process.arch,
      node: process.version,
    },
    threads: options.threads,
    stages: { decode, ...stages, publish },
    frames,
    engine,
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

/** The id of the room whose daemon answers here; null where none does. */
async function runningDaemon(io: CommandIo): Promise<string | null> {
  try {
    const place = daemonSocket(io.configOrShipped());
    return (await askDaemon<DaemonStatus>(place, { verb: 'status' }, daemonWithinMs, io.signal)).room;
  } catch (error) {
    // A configuration with faults, too: `bench` needs none.
    if (error instanceof RoomkinError) return null;
    throw error;
  }
}

const daemonWithinMs = 2000;

/** The figures of whole frames, with an engine of its own. */
async function wholeFrames(
  { manifestPath, embedder, threads, budgetMs }: MeasureOptions,
  delegate: boolean,
  io: CommandIo,
) {
  const { signal } = io;
  io.progress('loading the models');
  const startMs = performance.now();
  await using engine = createEngine({ manifestPath, embedder, threads, delegate });
  const stop = (): void => void engine.stop();
  signal.addEventListener('abort', stop, { once: true });
  const { space, embedder: id, delegate: used } = await engine.start();
  const loadedMs = performance.now() - startMs;
  io.progress('drawing people');
  const people = await drawPeople(engine);
  signal.throwIfAborted();
  const options = roomOptionsFor(id);
  const [empty] = await sceneWith(0, people);
  const decode = await measureDecode(await jpegOf(empty!), budgetMs);
  io.progress('measuring the broker');
  const publish = await measurePublish(budgetMs);
  const gallery = { space, version: 1, people: await enrolled(engine, people), cohort: [] };
  const frames: FrameFigures[] = [];
  let memoryMiB: number | null = null;
  for (const faces of faceCounts) {
    io.progress(`measuring frames with ${count(faces, 'face')}`);
    const scene = await sceneWith(faces, people);
    signal.throwIfAborted();
    frames.push(await measureFrames(faces, scene, { engine, gallery, options, budgetMs, signal }));
    if (faces === 1 && engine.pid !== null) memoryMiB = memoryOf(engine.pid);
  }
  return { decode, publish, frames, engine: { delegate: used, loadedMs, memoryMiB } };
}

/** The drawn people as they are in the frames. */
async function enrolled(engine: SharedEngine, people: readonly Cutout[]): Promise<Person[]> {
  const found: Person[] = [];
  for (const [index, cutout] of people.entries()) {
    const [frame] = await sceneWith(1, [cutout]);
    const { faces } = await engine.analyze({ ...frame!, capturedAt: 0, sequence: 0 }, { search: 'all' });
    const vector = faces[0]?.embedding ?? null;
    if (vector !== null) found.push({ id: `p${index}`, name: `P${index}`, templates: [{ id: index, vector }] });
  }
  return found;
}

async function measureDecode(jpeg: Buffer, budgetMs: number): Promise<Spread> {
  const camera = { width: widthPx, height: heightPx, hflip: false, vflip: false, rotation: 0, aspect: null };
  return timedAsync(() => decodePicture(jpeg, camera as unknown as CameraOptions), budgetMs);
}

/** From the message to the acknowledgement of a broker in this process. */
async function measurePublish(budgetMs: number): Promise<Spread> {
  await using broker = await startBroker();
  const client = await connectAsync(broker.url, { protocolVersion: 4, queueQoSZero: false });
  try {
    const body = stateBody(null, () => '');
    const payload = JSON.stringify({ ...body, seq: 1 });
    return await timedAsync(() => client.publishAsync('room/bench/state', payload, { qos: 1, retain: true }), budgetMs);
  } finally {
    await client.endAsync();
  }
}

async function timedAsync(task: () => Promise<unknown>, budgetMs: number): Promise<Spread> {
  const watch = stopwatch(budgetMs);
  while (!watch.isOver) {
    watch.begin();
    await task();
    watch.end();
  }
  return watch.spread();
}

function describe(report: Report): string[] {
  const { machine, threads, stages, frames, engine, detector, embedder, byThreads } = report;
  const ms = (value: number | null): string =>
    (value === null ? 'none' : `${value.toFixed(value < 0.1 ? 2 : 1)} ms`).padStart(11);
  const heading = (name: string, ...columns: readonly string[]): string =>
    name.padEnd(32) + columns.map((column) => column.padStart(11)).join('');
  const versus = (name: string, { plain, delegate, speedup }: Report['detector']): string =>
    `${name.padEnd(32)}${ms(plain)}${ms(delegate)}${(speedup === null ? '' : `${speedup.toFixed(1)}x`).padStart(11)}`;
  const memory = engine.memoryMiB === null ? 'unknown here' : `${engine.memoryMiB.toFixed(0)} MB (PSS)`;
  return [
    `${machine.cpu}, ${machine.cores} cores, ${machine.arch}, Node ${machine.node}, ${threads === 1 ? '1 thread' : `${threads} threads`}`,
    '',
    heading('stage', 'first', 'median', '95 %', 'CPU'),
    ...Object.entries(stages).map(
      ([stage, { cold, p50, p95, cpu }]) =>
        stageNames[stage as keyof typeof stages].padEnd(32) + ms(cold) + ms(p50) + ms(p95) + ms(cpu),
    ),
    '',
    heading('whole frames', 'frames/s', 'median', '95 %', 'CPU'),
    ...frames.map(
      ({ faces, framesPerSecond, p50, p95, cpu }) =>
        `with ${count(faces, 'face')}`.padEnd(32) +
        framesPerSecond.toFixed(1).padStart(11) +
        ms(p50) +
        ms(p95) +
        ms(cpu),
    ),
    '',
    `${'the models: memory, one face'.padEnd(32)}  ${memory}`,
    `${'the models: start'.padEnd(32)}  ${(engine.loadedMs / 1000).toFixed(1)} s`,
    '',
    heading('bare model', 'plain', 'XNNPACK'),
    versus(detector.id, detector),
    versus(embedder.id, embedder),
    ...(embedder.float === null ? [] : [`${'the float teacher'.padEnd(43)}${ms(embedder.float)}`]),
    '',
    heading('threads', 'detector', 'embedder'),
    ...byThreads.map((row) => String(row.threads).padEnd(32) + ms(row.detector) + ms(row.embedder)),
    '',
    'For an issue:',
    report.summary,
  ];
}
