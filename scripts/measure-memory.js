// Measures the memory of a running daemon with its models: PSS of each process and of each kind of mapping, from /proc. The room is
// drawn, the camera is a program that writes raw frames as rpicam-vid does, the broker runs in this process, which does not count.
//
// It gets the variables that the unit sets.
//
// node scripts/measure-memory.js [--root DIR] [--faces N] [--seconds S] [--enrol] [--node FLAGS] [--every S] [--json]
//
// --root: another checkout with dist/, to compare. --enrol: also enrols a photo meanwhile, and gives the peak of all processes. --every:
// also reads the memory each S seconds, and gives the slope over the second half of the time. --node: options of Node for the daemon. PSS divides what several processes map by their number, so that other Node programs of a machine
// make it smaller. "alone" counts each file once: what the daemon takes where nothing else uses these files.
import { spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { unitVariables } from './unit-variables.js';

const here = fileURLToPath(new URL('..', import.meta.url));
const { values: given } = parseArgs({
  options: {
    root: { type: 'string', default: here },
    faces: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '60' },
    enrol: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    node: { type: 'string', default: '' },
    every: { type: 'string', default: '0' },
  },
});
const root = resolve(given.root);
const faces = Number(given.faces);
const seconds = Number(given.seconds);
const require = createRequire(join(root, 'package.json'));
const sharp = require('sharp');
const { Aedes } = require('aedes');
const load = (path) => import(pathToFileURL(join(root, 'dist', path)).href);
const size = { width: 1280, height: 960 };
const everyMs = 1000 * Number(given.every);

/** Full range BT.601, as the camera of a Pi gives it. */
function i420(rgb) {
  const { width, height } = size;
  const out = Buffer.alloc((width * height * 3) / 2);
  const byte = (value) => Math.max(0, Math.min(255, Math.round(value)));
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const [r, g, b] = rgb.subarray((y * width + x) * 3, (y * width + x) * 3 + 3);
      out[y * width + x] = byte(0.299 * r + 0.587 * g + 0.114 * b);
      if (x % 2 === 1 || y % 2 === 1) continue;
      const at = width * height + (y / 2) * (width / 2) + x / 2;
      out[at] = byte(128 - 0.168736 * r - 0.331264 * g + 0.5 * b);
      out[at + (width * height) / 4] = byte(128 + 0.5 * r - 0.418688 * g - 0.081312 * b);
    }
  return out;
}

/** Draws four frames with `faces` people into `folder`/scenes, and the photos of the cast into `folder`/photos. */
async function draw(folder) {
  const { createEngine } = await load('engine/supervisor.js');
  const { drawCast } = await load('commands/demo/portraits.js');
  const engine = createEngine();
  await engine.start();
  const cutouts = [...(await drawCast(engine, folder)).values()];
  await engine.stop();
  mkdirSync(join(folder, 'scenes'));
  const eyesPx = 40;
  for (let step = 0; step < 4; step++) {
    const layers = [];
    for (let face = 0; face < faces; face++) {
      const cutout = cutouts[face % cutouts.length];
      const scale = eyesPx / cutout.eyesPx;
      const { width } = await sharp(cutout.png).metadata();
      const input = await sharp(cutout.png)
        .resize({ width: Math.round(scale * width) })
        .png()
        .toBuffer();
      layers.push({ input, left: 60 + (face % 4) * 300 + 3 * step, top: 60 + Math.floor(face / 4) * 290 });
    }
    const wall = sharp({ create: { ...size, channels: 3, background: '#a59d8d' } }).composite(layers);
    const rgb = await wall.removeAlpha().raw().toBuffer();
    writeFileSync(join(folder, 'scenes', `${step}.i420`), i420(rgb));
  }
}

/** A program that writes the drawn frames as rpicam-vid does, five a second. */
function writeCamera(folder) {
  mkdirSync(join(folder, 'programs'));
  const program = join(folder, 'programs', 'rpicam-vid');
  const source = `#!${process.execPath}
const { readFileSync, writeSync } = require('node:fs');
process.on('SIGINT', () => process.exit(0));
const frames = [0, 1, 2, 3].map((step) => readFileSync(${JSON.stringify(join(folder, 'scenes'))} + '/' + step + '.i420'));
let count = 0;
setInterval(() => {
  const frame = frames[count++ % frames.length];
  for (let at = 0; at < frame.length; ) {
    try {
      at += writeSync(1, frame, at);
    } catch (error) {
      if (error.code === 'EPIPE') process.exit(0);
      if (error.code !== 'EAGAIN') throw error;
    }
  }
}, 200);
`;
  writeFileSync(program, source);
  chmodSync(program, 0o755);
}

/** Process ids of `pid` and everything below it. */
function family(pid) {
  const parents = new Map();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'latin1');
      parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
    } catch {}
  }
  const found = [pid];
  for (const one of found) for (const [child, parent] of parents) if (parent === one) found.push(child);
  return found;
}

function commandOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').join(' ');
  } catch {
    return '';
  }
}

/** PSS of a process, KiB; 0 where it is gone. */
function pssOf(pid) {
  try {
    return Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))[1]);
  } catch {
    return 0;
  }
}

const kinds = [
  ['program of Node', (name) => /\/node$/.test(name)],
  ['sharp and libvips', (name) => /sharp|libvips/.test(name)],
  ['SQLite', (name) => /better_sqlite3/.test(name)],
  ['TensorFlow Lite', (name) => /tflite|tensorflow|xnnpack/.test(name)],
  ['models, mapped', (name) => /models\/int8/.test(name)],
  ['other libraries and files', (name) => name.startsWith('/')],
  ['C heap (brk)', (name) => name === '[heap]'],
  ['anonymous: V8, malloc, buffers', () => true],
];

/** PSS by kind of mapping, KiB. */
function partsOf(pid) {
  const parts = Object.fromEntries(kinds.map(([name]) => [name, 0]));
  let kind = '';
  for (const line of readFileSync(`/proc/${pid}/smaps`, 'utf8').split('\n')) {
    const head = /^[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ \S+\s*(.*)$/.exec(line);
    if (head) kind = kinds.find(([, is]) => is(head[1]))[0];
    const pss = /^Pss:\s+(\d+)/.exec(line);
    if (pss) parts[kind] += Number(pss[1]);
  }
  return parts;
}

/** PSS of a family of processes where no other process maps its files, KiB: what is private, and each mapped file once. */
function aloneOf(pids) {
  const files = new Map();
  let alone = 0;
  for (const pid of pids) {
    let name = null;
    let text = '';
    try {
      text = readFileSync(`/proc/${pid}/smaps`, 'utf8');
    } catch {}
    let isFile = false;
    for (const line of text.split('\n')) {
      const head = /^[0-9a-f]+-[0-9a-f]+ (\S+) (\S+) \S+ \S+\s*(.*)$/.exec(line);
      if (head) {
        name = `${head[3]} ${head[2]} ${head[1]}`;
        isFile = head[3].startsWith('/');
      }
      const [, key, value] = /^(Rss|Anonymous|Pss):\s+(\d+)/.exec(line) ?? [];
      if (key === undefined) continue;
      if (!isFile) alone += key === 'Pss' ? Number(value) : 0;
      else if (key === 'Anonymous') alone += Number(value);
      if (isFile && key === 'Rss') files.set(name, Math.max(files.get(name) ?? 0, Number(value)));
      if (isFile && key === 'Anonymous') files.set(name, Math.max(0, files.get(name) - Number(value)));
    }
  }
  return [...files.values()].reduce((sum, kib) => sum + kib, alone);
}

/** Least squares: change of `key` over the second half of the samples, KiB an hour. */
function slopeOf(series, key) {
  const half = series.slice(Math.floor(series.length / 2)).filter((sample) => sample[key] > 0);
  const mean = (numbers) => numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
  const [at, kib] = [mean(half.map(({ atSeconds }) => atSeconds)), mean(half.map((sample) => sample[key]))];
  const covariance = half.reduce((sum, sample) => sum + (sample.atSeconds - at) * (sample[key] - kib), 0);
  return (3600 * covariance) / half.reduce((sum, { atSeconds }) => sum + (atSeconds - at) ** 2, 0);
}

function run(args, env) {
  return new Promise((done, failed) => {
    const child = spawn(process.execPath, [join(root, 'bin', 'roomkin'), ...args], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const written = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'])
      child[name].setEncoding('utf8').on('data', (text) => {
        written[name] += text;
      });
    child.once('close', (code) =>
      code === 0 ? done(written.stdout) : failed(new Error(`roomkin ${args[0]}: ${written.stderr}`)),
    );
    run.pid = child.pid;
  });
}

const folder = mkdtempSync(join(tmpdir(), 'roomkin-memory-'));
const aedes = await (Aedes.createBroker ? Aedes.createBroker() : new Aedes());
const broker = createServer(aedes.handle).listen(0, '127.0.0.1');
let daemon;
try {
  await draw(folder);
  writeCamera(folder);
  const config = join(folder, 'config.toml');
  writeFileSync(
    config,
    `[room]\nid = "lab"\n[mqtt]\nurl = "mqtt://127.0.0.1:${broker.address().port}"\n[store]\ndirectory = "${join(folder, 'state')}"\n`,
  );
  const env = { ...process.env, ROOMKIN_CONFIG: config, PATH: `${join(folder, 'programs')}:${process.env.PATH}` };
  await run(['enrol', 'Ada', '--photos', join(folder, 'photos', 'Ada')], env);
  daemon = spawn(process.execPath, [...given.node.split(' ').filter(Boolean), join(root, 'bin', 'roomkin'), 'run'], {
    env: { ...env, ...unitVariables(root) },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const socket = join(folder, 'state', 'lab.sock');
  while (!existsSync(socket)) await wait(200);
  const processes = () =>
    family(daemon.pid)
      .filter((pid) => !/rpicam-vid|systemd-notify/.test(commandOf(pid)))
      .map((pid) => ({ pid, name: pid === daemon.pid ? 'daemon' : 'models' }));
  const series = [];
  const startMs = performance.now();
  for (;;) {
    const leftMs = 1000 * seconds - (performance.now() - startMs);
    if (leftMs <= 0) break;
    await wait(Math.min(leftMs, everyMs || leftMs));
    const atSeconds = (performance.now() - startMs) / 1000;
    const kib = Object.fromEntries(processes().map(({ pid, name }) => [name, pssOf(pid)]));
    series.push({ atSeconds, ...kib });
  }
  const status = JSON.parse(await run(['status', '--json'], env));
  const table = processes().map(({ pid, name }) => {
    const cpu = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1].split(' ');
    return { name, pssKiB: pssOf(pid), cpuMs: 10 * (Number(cpu[11]) + Number(cpu[12])), parts: partsOf(pid) };
  });
  const result = {
    root,
    faces,
    seconds,
    frames: status.frames.processed,
    people: status.presence.people?.map(({ name }) => name) ?? null,
    totalKiB: table.reduce((sum, { pssKiB }) => sum + pssKiB, 0),
    aloneKiB: aloneOf(processes().map(({ pid }) => pid)),
    processes: table,
    ...(everyMs > 0 ? { series } : {}),
  };
  if (given.enrol) {
    const photos = ['Grace', 'Ada'].map((name) => join(folder, 'photos', name)).filter(existsSync);
    let peak = 0;
    const enrolling = run(['enrol', 'Second', '--photos', photos[0], '--force'], env);
    let over = false;
    enrolling
      .finally(() => {
        over = true;
      })
      .catch(() => {});
    while (!over) {
      const all = [...processes().map(({ pid }) => pid), ...family(run.pid)];
      peak = Math.max(
        peak,
        all.reduce((sum, pid) => sum + pssOf(pid), 0),
      );
      await wait(20);
    }
    await enrolling;
    result.enrolPeakKiB = peak;
  }
  if (given.json) console.log(JSON.stringify(result));
  else {
    const mb = (kib) => `${(kib / 1024).toFixed(1)} MB`.padStart(10);
    console.log(`${root}: ${faces} face(s), ${seconds} s, ${result.frames} frames, here: ${result.people?.join(', ')}`);
    console.log(`${'PSS'.padEnd(34)}${table.map(({ name }) => name.padStart(10)).join('')}${'together'.padStart(10)}`);
    for (const [kind] of kinds) {
      const row = table.map(({ parts }) => parts[kind]);
      console.log(kind.padEnd(34) + row.map(mb).join('') + mb(row.reduce((a, b) => a + b, 0)));
    }
    console.log('all'.padEnd(34) + table.map(({ pssKiB }) => mb(pssKiB)).join('') + mb(result.totalKiB));
    console.log(`${'alone on a machine'.padEnd(54)}${mb(result.aloneKiB)}`);
    if (everyMs > 0) {
      for (const name of ['daemon', 'models']) {
        const each = series.map((sample) => sample[name]);
        const [least, most] = [Math.min(...each), Math.max(...each)];
        const slope = (slopeOf(series, name) / 1024).toFixed(1);
        console.log(
          `${name}: ${series.length} samples, ${mb(least).trim()} to ${mb(most).trim()}, slope ${slope} MB an hour`,
        );
      }
      console.log(
        `seconds: daemon, models (MB): ${series.map((s) => `${s.atSeconds.toFixed(0)}: ${(s.daemon / 1024).toFixed(0)}, ${(s.models / 1024).toFixed(0)}`).join('; ')}`,
      );
    }
    console.log(`CPU since the start: ${table.map(({ name, cpuMs }) => `${name} ${cpuMs} ms`).join(', ')}`);
    if (result.enrolPeakKiB) console.log(`${'peak while enrolling a photo'.padEnd(54)}${mb(result.enrolPeakKiB)}`);
  }
} finally {
  if (daemon && daemon.exitCode === null) {
    daemon.kill('SIGTERM');
    await new Promise((done) => daemon.once('exit', done));
  }
  broker.close();
  aedes.close();
  rmSync(folder, { recursive: true, force: true });
}
process.exit(0);
