// roomkin demo: the whole pipeline from frames to MQTT, without further setup. The daemon, the models, the gallery and the broker are
// real; only the room and its people are drawn.
import { rmSync } from 'node:fs';
import { mkdir, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fail } from '../base/errors.js';
import { createLog } from '../base/log.js';
import { padTo } from '../base/width.js';
import { type Config, parseConfig } from '../config/load.js';
import type { Statistics } from '../control/statistics.js';
import { runDaemon } from '../daemon.js';
import type { CommandIo } from './command.js';
import { type HeardEvent, startAudience, startBroker } from './demo/broker.js';
import { drawCast } from './demo/portraits.js';
import { expected, framerate, leaveAfterSeconds } from './demo/script.js';
import { drawFrames, heightPx, widthPx } from './demo/stage.js';
import { enrolFolders } from './enrol.js';

const room = 'demo';

export async function run(_: object, io: CommandIo): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'roomkin-demo-'));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  // Ctrl-C may end the process before `finally` runs.
  process.once('exit', remove);
  try {
    await using broker = await startBroker();
    const config = demoConfig(folder, broker.url);
    const demoIo: CommandIo = { ...io, json: false, config: () => config, rooms: () => [config], document: () => {} };
    io.out(`A real MQTT broker listens on ${broker.url}.`);
    io.out(`Everything else is in ${folder}, which is removed at the end.`);
    await prepare(folder, demoIo);
    await enrolFolders(join(folder, 'photos'), demoIo);

    let startMs = Date.now();
    await using audience = await startAudience(broker.url, `room/${room}/person`, (event) => {
      const seconds = (Date.parse(event.at) - startMs) / 1000;
      io.out(describe(event, seconds));
      io.document({ type: 'event', seconds: Number(seconds.toFixed(2)), ...event });
    });
    io.out('');
    io.out(`The camera is running. Events on room/${room}/person:`);
    const statistics = await runDaemon({
      rooms: [config],
      log: createLog('warning'),
      signal: io.signal,
      untilEnd: true,
      onReady: () => {
        startMs = Date.now();
      },
    });
    io.signal.throwIfAborted();
    conclude(io, statistics, audience.events);
  } finally {
    process.off('exit', remove);
    remove();
  }
}

/** Draws the photos to enrol and the frames to replay. */
async function prepare(folder: string, io: CommandIo): Promise<void> {
  io.progress('loading the models...');
  await using engine = await io.openEngine(io.config());
  await engine.start();
  io.progress('drawing the people...');
  const cutouts = await drawCast(engine, folder);
  const frames = join(folder, 'frames');
  await mkdir(frames);
  await drawFrames(frames, cutouts, (done, all) => {
    io.signal.throwIfAborted();
    io.progress(`drawing frame ${done} of ${all}`);
  });
  io.progress('');
}

function demoConfig(folder: string, brokerUrl: string): Config {
  const text = `
    [room]
    id = "${room}"
    [camera]
    source = "replay"
    input = ${JSON.stringify(join(folder, 'frames'))}
    width = ${widthPx}
    height = ${heightPx}
    framerate = ${framerate}
    [presence]
    leave_after_seconds = ${leaveAfterSeconds}
    [mqtt]
    url = "${brokerUrl}"
    protocol = 4
    [store]
    directory = ${JSON.stringify(join(folder, 'state'))}`;
  return parseConfig(text, 'the demo');
}

function describe({ event_type, name, confidence, present }: HeardEvent, seconds: number): string {
  const change = `${name ?? 'an unknown person'} ${event_type.replace('stranger_', '')}`;
  const here = present.length === 0 ? 'no enrolled person is here' : `here: ${present.join(', ')}`;
  return `  ${seconds.toFixed(1).padStart(5)} s  ${padTo(change, 26)} confidence ${confidence.padEnd(7)} ${here}`;
}

/** Prints the summary. Errors: EXPECTATION_MISSED. */
function conclude(io: CommandIo, statistics: Statistics, events: readonly HeardEvent[]): void {
  const wanted = expected.map(({ type, name }) => `${type} ${name ?? ''}`.trim());
  const got = events.map(({ event_type, name }) => `${event_type} ${name ?? ''}`.trim());
  const passed = JSON.stringify(wanted) === JSON.stringify(got);
  const p50Ms = statistics.latencyMs(0.5);
  const p95Ms = statistics.latencyMs(0.95);
  io.out('');
  io.out(`${statistics.frames} frames, ${statistics.faces} faces, ${events.length} events;`);
  io.out(`from frame to decision ${p50Ms?.toFixed(0)} ms (p50), ${p95Ms?.toFixed(0)} ms (p95).`);
  io.document({
    type: 'summary',
    passed,
    frames: statistics.frames,
    faces: statistics.faces,
    p50Ms,
    p95Ms,
    expected: wanted,
    got,
  });
  if (passed) io.out('The demo passed: every person arrived and left as expected.');
  else
    throw fail(
      'EXPECTATION_MISSED',
      `the demo failed: expected ${wanted.join(', ')}; got ${got.join(', ') || 'nothing'}`,
    );
}
