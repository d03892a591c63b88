// Measures the CPU time of the daemon and its engine together: for each analysed frame with 0, 1, 3 and 12 faces at 1280x960, and as a
// share of a core in a room where nothing moves. Portraits of ../shared/eval/people are pasted into a photo of ../shared/eval/rooms.
// Everybody is enrolled, moves by some pixels, and is named after a few frames.
//
//   npx tsc -p tsconfig.test.json && node .test-build/test/bars/frame-cost.js [--before FOLDER] [--only 0,1,3,12,still] [--frames N] [--seconds N] [--warm N]
//
// FOLDER holds the compiled code of another checkout (its `dist`): both are then measured in turn on the same frames, three times each.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { photoFrame, readPhoto } from '../../src/camera/photo.js';
import { createEngine } from '../../src/engine/supervisor.js';
import { primaryFace } from '../../src/gallery/enrolment.js';
import { toI420 } from '../vision/made-picture.js';
import type { AnalysedCost, StillCost } from './frame-cost-run.js';
import { evaluationFolder } from './recall.js';

export const frameWidth = 1280;
export const frameHeight = 960;
/** Different frames of a scene. They repeat. */
const differentFrames = 10;
const eyesPx = 36;
const rounds = 3;

interface Portrait {
  readonly pixels: Buffer;
  readonly width: number;
  readonly height: number;
}

/** The first `count` people, each with the eyes `eyesPx` apart. */
async function portraits(folder: string, count: number): Promise<Portrait[]> {
  await using engine = createEngine();
  await engine.start();
  const found: Portrait[] = [];
  for (const person of readdirSync(join(folder, 'people')).sort()) {
    if (found.length === count) break;
    const file = join(folder, 'people', person, readdirSync(join(folder, 'people', person)).sort()[0]!);
    const photo = await readPhoto(file);
    const { faces } = await engine.analyze(photoFrame(photo), { search: 'all', embed: false });
    const face = primaryFace(faces, photo.width, photo.height);
    if (face === null) continue;
    // The head alone, so that twelve fit into a frame.
    const [x, y, w, h] = face.box;
    const left = Math.max(0, Math.round(x - 0.3 * w));
    const top = Math.max(0, Math.round(y - 0.5 * h));
    const region = {
      left,
      top,
      width: Math.min(photo.width - left, Math.round(1.6 * w)),
      height: Math.min(photo.height - top, Math.round(1.8 * h)),
    };
    const scale = eyesPx / face.quality.eyesPx;
    const width = Math.round(region.width * scale);
    const pixels = await sharp(file)
      .rotate()
      .extract(region)
      .resize(width)
      .removeAlpha()
      .toColourspace('srgb')
      .raw()
      .toBuffer({ resolveWithObject: true });
    found.push({ pixels: pixels.data, width: pixels.info.width, height: pixels.info.height });
  }
  return found;
}

/** `faces` portraits in a room, each some pixels aside in every frame; a corner flickers, so that no frame passes for unchanged. */
async function movingScene(room: Buffer, people: readonly Portrait[]): Promise<Buffer> {
  const columns = Math.max(1, Math.ceil(Math.sqrt(people.length * 1.4)));
  const rows = Math.max(1, Math.ceil(people.length / columns));
  const raw = { width: frameWidth, height: frameHeight, channels: 3 } as const;
  const frames: Uint8Array[] = [];
  for (let k = 0; k < differentFrames; k++) {
    const layers = people.map(({ pixels, width, height }, index) => ({
      input: pixels,
      raw: { width, height, channels: 3 as const },
      left: Math.round(((index % columns) + 0.5) * (frameWidth / columns) - width / 2 + 3 * Math.sin(k + index)),
      top: Math.round(
        (Math.floor(index / columns) + 0.5) * (frameHeight / rows) - height / 2 + 2 * Math.cos(k + index),
      ),
    }));
    const grey = k % 2 === 0 ? 90 : 120;
    const flicker = sharp({
      create: { width: 96, height: 96, channels: 3, background: { r: grey, g: grey, b: grey } },
    });
    const corner = { input: await flicker.png().toBuffer(), left: 0, top: frameHeight - 96 };
    const data = await sharp(room, { raw })
      .composite([...layers, corner])
      .removeAlpha()
      .raw()
      .toBuffer();
    frames.push(toI420({ width: frameWidth, height: frameHeight, format: 'rgb', stride: frameWidth * 3, data }).data);
  }
  return Buffer.concat(frames);
}

/** The room with the noise of a sensor (deviation 3), in which nothing moves. */
function stillScene(room: Buffer): Buffer {
  let state = 7;
  const random = () => {
    state = (Math.imul(1664525, state) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const frames = Array.from({ length: differentFrames }, () => {
    const data = Uint8ClampedArray.from(room, (value) => value + 6 * (random() + random() + random() - 1.5));
    const pixels = new Uint8Array(data.buffer);
    return toI420({ width: frameWidth, height: frameHeight, format: 'rgb', stride: frameWidth * 3, data: pixels }).data;
  });
  return Buffer.concat(frames);
}

const runner = fileURLToPath(new URL('./frame-cost-run.js', import.meta.url));

function run<T>(code: string, ...args: readonly string[]): T {
  const { stdout, stderr, status } = spawnSync(process.execPath, [runner, code, ...args], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`the run of ${code} failed: ${stderr}`);
  return JSON.parse(stdout) as T;
}

const ms = (value: number): string => `${value.toFixed(1)} ms`;
const percent = (value: number): string => `${(100 * value).toFixed(2)} %`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      before: { type: 'string' },
      only: { type: 'string', default: '0,1,3,12,still' },
      frames: { type: 'string', default: '68' },
      seconds: { type: 'string', default: '20' },
      warm: { type: 'string', default: '30' },
    },
  });
  const folder = evaluationFolder();
  if (folder === null) return void process.stdout.write('skipped: the folder ../shared/eval does not exist\n');
  const kinds = values.only.split(',');
  const here = fileURLToPath(new URL('../../src', import.meta.url));
  const codes = values.before === undefined ? [here] : [values.before, here];
  const temporary = mkdtempSync(join(tmpdir(), 'roomkin-frame-cost-'));
  try {
    const roomFile = join(folder, 'rooms', readdirSync(join(folder, 'rooms')).sort()[0]!);
    const room = await sharp(roomFile)
      .resize(frameWidth, frameHeight, { fit: 'cover' })
      .removeAlpha()
      .toColourspace('srgb')
      .raw()
      .toBuffer();
    const people = await portraits(folder, Math.max(0, ...kinds.filter((kind) => kind !== 'still').map(Number)));
    for (const kind of kinds) {
      const file = join(temporary, `${kind}.yuv`);
      writeFileSync(file, kind === 'still' ? stillScene(room) : await movingScene(room, people.slice(0, Number(kind))));
      for (let round = 0; round < rounds; round++) {
        for (const code of codes) {
          const label = codes.length === 1 ? '' : code === here ? 'after:  ' : 'before: ';
          if (kind === 'still') {
            const { frames, analysed, share, daemonShare, collectionMs } = run<StillCost>(
              code,
              file,
              kind,
              values.seconds,
              values.warm,
            );
            process.stdout.write(
              `${label}still room: ${percent(share)} of a core, the daemon ${percent(daemonShare)}, ` +
                `${collectionMs.toFixed(2)} ms of garbage collection a second; ` +
                `${analysed} of ${frames} frames analysed\n`,
            );
          } else {
            const cost = run<AnalysedCost>(code, file, kind, values.frames);
            process.stdout.write(
              `${label}${kind} faces (${cost.faces} found, ${cost.named} named): ${ms(cost.settledMs)} a frame, ` +
                `the daemon ${ms(cost.daemonMs)}; while they arrive ${ms(cost.arrivingMs)}\n`,
            );
          }
        }
      }
    }
  } finally {
    rmSync(temporary, { recursive: true });
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main();
