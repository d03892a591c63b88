// Processor time and wall time of a frame with 0, 1, 3 and 12 faces, and the memory of the models: this checkout beside another one, on the
// same drawn frames, in turns in one run. What is run is the loop of the daemon with its engine and its room.
//
//   node scripts/measure-frames.js [--before DIR] [--frames N] [--rounds N]
//
// DIR: another checkout with dist/. It prints the lowest of the rounds, because other work on the machine only adds.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

const here = resolve(fileURLToPath(new URL('..', import.meta.url)));
const { values: given } = parseArgs({
  options: {
    before: { type: 'string' },
    frames: { type: 'string', default: '40' },
    rounds: { type: 'string', default: '3' },
    // The parent starts itself with these.
    root: { type: 'string' },
    scenes: { type: 'string' },
  },
});
const loadFrom = (root) => (path) => import(pathToFileURL(join(root, 'dist', path)).href);
const counts = [0, 1, 3, 12];
const size = { width: 1280, height: 960 };

function readScene(folder, name) {
  return readdirSync(folder)
    .filter((file) => file.startsWith(`${name}-`))
    .sort()
    .map((file) => ({
      ...size,
      format: 'i420',
      stride: size.width,
      data: new Uint8Array(readFileSync(join(folder, file))),
    }));
}

/** Measures the checkout `root`, with the scenes in `folder`. */
async function measure(root, folder) {
  const load = loadFrom(root);
  const { createEngine } = await load('engine/supervisor.js');
  const { processFrames } = await load('pipeline.js');
  const { roomOptionsFor } = await load('room/options.js');
  const { createRoom } = await load('room/room.js');
  const engine = createEngine({ threads: 1 });
  const { space, embedder } = await engine.start();
  const [child] = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim().split(' ').slice(-1);
  const cpuMs = () => {
    const fields = readFileSync(`/proc/${child}/stat`, 'latin1').split(') ').at(-1).split(' ');
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000 + 10 * (Number(fields[11]) + Number(fields[12]));
  };
  const people = [];
  for (const person of [0, 1, 2]) {
    const [frame] = readScene(folder, `person${person}`);
    const { faces } = await engine.analyze({ ...frame, capturedAt: 0, sequence: 0 }, { search: 'auto' });
    if (faces[0]?.embedding)
      people.push({ id: `p${person}`, name: `P${person}`, templates: [{ id: person, vector: faces[0].embedding }] });
  }
  const gallery = { space, version: 1, people, cohort: [] };
  const result = { frames: {} };
  const warmUp = 6;
  for (const faces of counts) {
    const frames = readScene(folder, `scene${faces}`);
    const room = createRoom(
      () => gallery,
      roomOptionsFor(embedder),
      { state() {}, event() {} },
      performance.now(),
      'lab',
    );
    let sequence = 0;
    let begin = { cpuMs: 0, ms: 0 };
    let found = 0;
    const camera = {
      status: { state: 'online' },
      async next() {
        if (sequence === warmUp) begin = { cpuMs: cpuMs(), ms: performance.now() };
        if (sequence === warmUp + Number(given.frames)) return null;
        const frame = frames[sequence % frames.length];
        // The frames of a camera are 200 ms apart, whatever the time that they take here.
        return { ...frame, data: frame.data.slice(), capturedAt: 200 * sequence, sequence: sequence++ };
      },
    };
    await processFrames({
      camera,
      engine,
      room,
      crops: false,
      isRecording: true,
      onFrame(analysis) {
        if (analysis !== null) found = analysis.faces.length;
      },
      onBlind() {},
      onFault(error) {
        throw error;
      },
    });
    const each = (value) => value / Number(given.frames);
    result.frames[faces] = { found, cpu: each(cpuMs() - begin.cpuMs), wall: each(performance.now() - begin.ms) };
    if (faces === 1)
      result.memory = Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${child}/smaps_rollup`, 'utf8'))[1]) / 1024;
  }
  await engine.stop();
  console.log(JSON.stringify(result));
}

async function drawScenes(folder) {
  const load = loadFrom(here);
  const { createEngine } = await load('engine/supervisor.js');
  const { drawPeople, sceneWith } = await load('commands/bench/scene.js');
  const engine = createEngine();
  await engine.start();
  const people = await drawPeople(engine);
  await engine.stop();
  const write = (name, frames) => {
    for (const [step, { data }] of frames.entries()) writeFileSync(join(folder, `${name}-${step}.i420`), data);
  };
  for (const count of counts) write(`scene${count}`, await sceneWith(count, people));
  for (const person of [0, 1, 2]) write(`person${person}`, (await sceneWith(1, [people[person]])).slice(0, 1));
}

if (given.root !== undefined) {
  await measure(given.root, given.scenes);
  process.exit(0);
}

const folder = mkdtempSync(join(tmpdir(), 'roomkin-frames-'));
try {
  await drawScenes(folder);
  const roots = given.before === undefined ? { now: here } : { before: resolve(given.before), now: here };
  const lowest = {};
  for (let round = 0; round < Number(given.rounds); round++) {
    for (const [name, root] of Object.entries(roots)) {
      const args = [fileURLToPath(import.meta.url), '--root', root, '--scenes', folder, '--frames', given.frames];
      const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: 'utf8' });
      if (status !== 0) throw new Error(stderr);
      const { frames, memory } = JSON.parse(stdout);
      lowest[name] ??= { memory: Number.POSITIVE_INFINITY, frames: {} };
      const before = lowest[name];
      before.memory = Math.min(before.memory, memory);
      for (const [faces, { found, cpu, wall }] of Object.entries(frames)) {
        before.frames[faces] ??= { found, cpu, wall };
        const least = before.frames[faces];
        Object.assign(least, { cpu: Math.min(least.cpu, cpu), wall: Math.min(least.wall, wall) });
      }
    }
  }
  const names = Object.keys(roots);
  const row = (name, values) => console.log(name.padEnd(34) + values.map((value) => value.padStart(12)).join(''));
  row('', names);
  for (const faces of counts) {
    const label = `${faces} ${faces === 1 ? 'face' : 'faces'}`;
    row(
      `${label}: CPU of a frame`,
      names.map((name) => `${lowest[name].frames[faces].cpu.toFixed(1)} ms`),
    );
    row(
      `${label}: wall time`,
      names.map((name) => `${lowest[name].frames[faces].wall.toFixed(1)} ms`),
    );
  }
  row(
    'faces found',
    names.map((name) => counts.map((faces) => lowest[name].frames[faces].found).join('/')),
  );
  row(
    'memory of the models, one face',
    names.map((name) => `${lowest[name].memory.toFixed(0)} MB`),
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exit(0);
