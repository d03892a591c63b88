// A program called rpicam-vid that shows what a test says: scenes of a room, drawn beforehand, as raw frames at five a second.
import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import sharp, { type Sharp } from 'sharp';

const background = '#8a8478';
const samples = join(dirname(createRequire(import.meta.url).resolve('@vladmandic/face-api/package.json')), 'demo');

/** `back`: the person of `ada` has turned away and moves. */
export type Scene = 'empty' | 'ada' | 'back' | 'visitor';

export interface ScriptedCamera {
  /** A folder to put in front of PATH. */
  readonly programs: string;
  readonly width: number;
  readonly height: number;
  /** A photo of the person of the scene `ada`. */
  readonly portrait: string;
  show(scene: Scene): void;
  /** When the last byte of the newest frame was written, milliseconds since 1970. */
  writtenMs(): number;
}

export interface FrameSize {
  readonly width: number;
  readonly height: number;
}

/** The scenes are drawn at this size. */
const drawnSize = { width: 384, height: 256 } as const;

/**
 * Draws the scenes into `folder`, which the user of the daemon must be able to read. It begins with `empty`. `size`: of the frames, pixels;
 * even numbers.
 */
export async function scriptedCamera(folder: string, size: FrameSize = drawnSize): Promise<ScriptedCamera> {
  const [programs, scenes] = [join(folder, 'programs'), join(folder, 'scenes')];
  for (const path of [programs, scenes]) mkdirSync(path, { recursive: true });
  const ada = sharp(join(samples, 'sample3.jpg')).extract({ left: 900, top: 150, width: 480, height: 480 });
  const visitor = sharp(join(samples, 'sample2.jpg')).extract({ left: 1290, top: 60, width: 460, height: 460 });
  const portrait = join(folder, 'portrait.jpg');
  await ada.clone().jpeg().toFile(portrait);
  const wall = () => sharp({ create: { ...drawnSize, channels: 3, background } });
  const block = (width: number, height: number, colour: string) =>
    sharp({ create: { width, height, channels: 3, background: colour } })
      .png()
      .toBuffer();
  const person = async (face: Sharp, step: number): Promise<Sharp> => {
    const small = await face
      .clone()
      .resize(150, 150)
      .modulate({ brightness: 1 - 0.05 * step })
      .png()
      .toBuffer();
    return wall().composite([{ input: small, left: 100 + 6 * step, top: 20 }]);
  };
  const turned = async (step: number): Promise<Sharp> =>
    wall().composite([
      { input: await block(70, 90, '#2c2420'), left: 140 + 4 * step, top: 50 },
      { input: await block(130, 116, step % 2 === 0 ? '#35506e' : '#7d3b3b'), left: 104 + 8 * step, top: 140 },
    ]);
  const drawn: Readonly<Record<Scene, readonly Sharp[]>> = {
    empty: [wall()],
    ada: [await person(ada, 0), await person(ada, 1)],
    back: [await turned(0), await turned(1), await turned(2), await turned(3)],
    visitor: [await person(visitor, 0), await person(visitor, 1)],
  };
  for (const [scene, pictures] of Object.entries(drawn))
    for (const [index, picture] of pictures.entries())
      writeFileSync(join(scenes, `${scene}-${index}.i420`), i420(await pixelsOf(picture, size), size));
  // The program may run as another user.
  const written = join(scenes, 'written');
  writeFileSync(written, '');
  chmodSync(written, 0o666);
  const program = join(programs, 'rpicam-vid');
  writeFileSync(program, `#!${process.execPath}\n${source(scenes)}`);
  chmodSync(program, 0o755);
  const show = (scene: Scene): void => {
    writeFileSync(join(scenes, 'next'), scene);
    renameSync(join(scenes, 'next'), join(scenes, 'scene'));
  };
  show('empty');
  const writtenMs = (): number => readFileSync(written).readDoubleLE();
  return { programs, ...size, portrait, show, writtenMs };
}

/** RGB of the whole picture, with more of the wall around it where its shape is another one. */
async function pixelsOf(picture: Sharp, { width, height }: FrameSize): Promise<Buffer> {
  const drawn = await picture.removeAlpha().png().toBuffer();
  return sharp(drawn).resize(width, height, { fit: 'contain', background }).removeAlpha().raw().toBuffer();
}

/** Full range BT.601, as the camera of a Pi gives it. */
function i420(rgb: Buffer, { width, height }: FrameSize): Buffer {
  const out = Buffer.alloc((width * height * 3) / 2);
  const clamp = (value: number): number => Math.max(0, Math.min(255, Math.round(value)));
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const [r, g, b] = rgb.subarray((y * width + x) * 3) as unknown as [number, number, number];
      out[y * width + x] = clamp(0.299 * r + 0.587 * g + 0.114 * b);
      if (x % 2 === 1 || y % 2 === 1) continue;
      const at = width * height + (y / 2) * (width / 2) + x / 2;
      out[at] = clamp(128 - 0.168736 * r - 0.331264 * g + 0.5 * b);
      out[at + (width * height) / 4] = clamp(128 + 0.5 * r - 0.418688 * g - 0.081312 * b);
    }
  return out;
}

const source = (scenes: string): string => `
const { openSync, readFileSync, readdirSync, writeSync } = require('node:fs');
const folder = ${JSON.stringify(scenes)};
if (process.argv.includes('--list-cameras')) process.exit(0);
process.on('SIGINT', () => process.exit(0));
const frames = {};
for (const name of readdirSync(folder)) {
  const [, scene] = /^([a-z]+)-\\d+\\.i420$/.exec(name) ?? [];
  if (scene) (frames[scene] ??= []).push(readFileSync(folder + '/' + name));
}
const written = openSync(folder + '/written', 'r+');
const time = Buffer.alloc(8);
let count = 0;
setInterval(() => {
  const list = frames[readFileSync(folder + '/scene', 'utf8')];
  const frame = list[count++ % list.length];
  let at = 0;
  while (at < frame.length) {
    try {
      at += writeSync(1, frame, at);
    } catch (error) {
      if (error.code === 'EPIPE') process.exit(0);
      if (error.code !== 'EAGAIN') throw error;
    }
  }
  time.writeDoubleLE(performance.timeOrigin + performance.now());
  writeSync(written, time, 0, 8, 0);
}, 200);
`;
