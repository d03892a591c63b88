// Frames with noise, tears and pasted faces through the real models and one room: nobody gets a wrong name, and the people who are
// enrolled are still named. ROOMKIN_FRAMES sets how many frames are tried.
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import t from 'tap';
import { silentLog } from '../../src/base/log.js';
import { shippedConfig } from '../../src/config/load.js';
import { createCalibrator, engineOptions, recognitionOptions } from '../../src/config/parts.js';
import type { Engine } from '../../src/engine/engine.js';
import { createEngine } from '../../src/engine/supervisor.js';
import type { Gallery } from '../../src/gallery/person.js';
import { createRoom } from '../../src/room/room.js';
import type { Face } from '../../src/vision/face.js';
import type { Frame } from '../../src/vision/picture.js';

const frameCount = Number(process.env['ROOMKIN_FRAMES'] ?? 120);
const sceneFrames = 30;
const frameMs = 200;
const [width, height] = [384, 256];
const samples = join(dirname(createRequire(import.meta.url).resolve('@vladmandic/face-api/package.json')), 'demo');
t.setTimeout(1_800_000);

/** Repeatable numbers from 0 to 1 (mulberry32). */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

interface Portrait {
  /** RGB, `sizePx` squared. */
  readonly pixels: Buffer;
  readonly sizePx: number;
  readonly embedding: Float32Array;
}

async function rgb(path: string): Promise<Frame> {
  const { data, info } = await sharp(path).autoOrient().removeAlpha().raw().toBuffer({ resolveWithObject: true });
  return {
    capturedAt: 0,
    sequence: 0,
    width: info.width,
    height: info.height,
    format: 'rgb',
    stride: 3 * info.width,
    data,
  };
}

/** Every face of the sample photos that is large enough, with its surroundings. */
async function portraits(engine: Engine): Promise<Portrait[]> {
  const found: Portrait[] = [];
  for (const name of readdirSync(samples)
    .filter((file) => /^sample\d\.jpg$/.test(file))
    .sort()) {
    const photo = await rgb(join(samples, name));
    const { faces } = await engine.analyze(photo, { search: 'all' });
    for (const { box, embedding, quality } of faces as readonly Face[]) {
      if (embedding === null || quality.eyesPx < 30) continue;
      const side = Math.round(Math.min(2 * box[2], photo.width, photo.height));
      const left = Math.round(Math.min(Math.max(0, box[0] + box[2] / 2 - side / 2), photo.width - side));
      const top = Math.round(Math.min(Math.max(0, box[1] + box[3] / 2 - side / 2), photo.height - side));
      const sizePx = 120;
      const pixels = await sharp(Buffer.from(photo.data), {
        raw: { width: photo.width, height: photo.height, channels: 3 },
      })
        .extract({ left, top, width: side, height: side })
        .resize(sizePx, sizePx)
        .raw()
        .toBuffer();
      found.push({ pixels, sizePx, embedding });
    }
  }
  return found;
}

const similarity = (a: Float32Array, b: Float32Array): number => a.reduce((sum, value, i) => sum + value * b[i]!, 0);

t.test('no wrong names over noise, tears and pasted faces, and known people are named', async (t) => {
  const config = shippedConfig();
  await using engine = createEngine(engineOptions(config, silentLog));
  const { space } = await engine.start();
  const faces = await portraits(engine);
  t.ok(faces.length >= 8, `${faces.length} faces`);
  // Two people of the household; everybody else who is not one of them in another photo is a stranger.
  const residents = [faces[0]!, faces.find((face) => similarity(face.embedding, faces[0]!.embedding) < 0.2)!] as const;
  const strangers = faces.filter((face) => residents.every((one) => similarity(face.embedding, one.embedding) < 0.25));
  t.ok(strangers.length >= 4, `${strangers.length} of them are strangers`);
  const people = residents.map(({ embedding }, index) => ({
    id: ['ada', 'ben'][index]!,
    name: ['Ada', 'Ben'][index]!,
    templates: [{ id: index + 1, vector: embedding }],
    negativeTemplates: [],
  }));
  const options = recognitionOptions(config);
  const bare: Gallery = { space, version: 1, people, cohort: [] };
  const gallery = createCalibrator(config, space, options).calibrated(bare);

  const random = createRandom(20_261_128);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  let previous = Buffer.alloc(3 * width * height, 128);
  const count = { scenes: 0, clean: 0, named: 0, wrong: 0, decisions: 0 };

  for (let scene = 0; scene * sceneFrames < frameCount; scene += 1) {
    const events: string[] = [];
    const room = createRoom(
      () => gallery,
      options,
      { state() {}, event: ({ type, person }) => void (type === 'arrived' && person !== null && events.push(person)) },
      0,
    );
    const isResident = random() < 0.5;
    const resident = isResident ? Math.floor(random() * 2) : null;
    const shown = resident === null ? pick(strangers) : residents[resident]!;
    const companion = random() < 0.3 ? pick(strangers) : null;
    const isClean = random() < 0.5;
    const grey = 60 + Math.floor(random() * 130);
    let [x, y] = [random() * (width - 130), random() * (height - 125)];
    for (let n = 0; n < sceneFrames; n += 1) {
      const pixels = Buffer.alloc(3 * width * height, grey);
      const paste = (portrait: Portrait, left: number, top: number): void => {
        for (let row = 0; row < portrait.sizePx; row += 1)
          portrait.pixels.copy(
            pixels,
            3 * ((Math.floor(top) + row) * width + Math.floor(left)),
            3 * row * portrait.sizePx,
            3 * (row + 1) * portrait.sizePx,
          );
      };
      if (companion !== null) paste(companion, x < width / 2 ? width - 125 : 0, 60);
      paste(shown, x, y);
      x = Math.min(width - 121, Math.max(0, x + 8 * random() - 4));
      y = Math.min(height - 121, Math.max(0, y + 6 * random() - 3));
      const noise = isClean ? 6 : 60 * random();
      for (let i = 0; i < pixels.length; i += 1) {
        const value = pixels[i]! + noise * (random() - 0.5);
        pixels[i] = value < 0 ? 0 : value > 255 ? 255 : value;
      }
      if (!isClean && random() < 0.3) {
        // A torn frame: the lower part is of the frame before, or shifted.
        const from = 3 * width * Math.floor(random() * height);
        if (random() < 0.5) previous.copy(pixels, from, from);
        else pixels.copyWithin(from, from - Math.min(from, 3 * Math.floor(random() * width)));
      }
      previous = pixels;
      const frame: Frame = {
        capturedAt: n * frameMs,
        sequence: n,
        width,
        height,
        format: 'rgb',
        stride: 3 * width,
        data: pixels,
      };
      const analysis = await engine.analyze(frame, { search: 'auto' });
      room.see(analysis);
      count.decisions += room.observations.length;
    }
    const expected = resident === null ? null : people[resident]!.id;
    count.scenes += 1;
    count.wrong += events.filter((person) => person !== expected).length;
    if (isClean && expected !== null) {
      count.clean += 1;
      if (events.includes(expected)) count.named += 1;
    }
  }
  t.comment(JSON.stringify({ frames: count.scenes * sceneFrames, ...count }));
  t.equal(count.wrong, 0, 'no wrong name');
  t.ok(
    count.clean > 0 && count.named >= 0.9 * count.clean,
    `${count.named} of ${count.clean} clean scenes with a resident have the name`,
  );
  t.ok(count.decisions > 0.5 * count.scenes * sceneFrames, 'faces were decided on');
});
