// The files of a room for the real daemon: photos to enrol, scenes for the scripted camera, a configuration. The people are
// those of the demo.
import { copyFileSync, mkdirSync, mkdtempSync, renameSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { silentLog } from '../../src/base/log.js';
import { drawCast } from '../../src/commands/demo/portraits.js';
import { framerate } from '../../src/commands/demo/script.js';
import { type Cutout, drawFrames, heightPx, widthPx } from '../../src/commands/demo/stage.js';
import { parseConfig } from '../../src/config/load.js';
import { engineOptions } from '../../src/config/parts.js';
import { createEngine } from '../../src/engine/supervisor.js';
import type { RoomLogin } from './guarded-broker.js';

/** The scenes that the camera can show, as start and end in seconds of the demo. */
const scenes = {
  empty: [0, 0.8],
  ada: [2.6, 3.8],
  adaAndGrace: [5.6, 6.8],
  adaAndStranger: [15.2, 17],
} as const;
export type Scene = keyof typeof scenes;

export interface Household {
  readonly config: string;
  readonly photos: string;
  /** For the daemon: PATH with the scripted camera first. */
  readonly env: NodeJS.ProcessEnv;
  /** Sets the scene that the camera shows from its next frame on. */
  show(scene: Scene): void;
  /** File with the process id of the camera that was started last. */
  readonly cameraPid: string;
}

/** Writes everything to a new folder, in about ten seconds. The room is `kitchen`. */
export async function makeHousehold({ url, mqtt }: RoomLogin): Promise<Household> {
  const folder = mkdtempSync(join(tmpdir(), 'roomkin-household-'));
  const settings = [
    ['protocol', mqtt.protocol],
    ['username', mqtt.username],
    ['password_file', mqtt.passwordFile],
    ['ca_file', mqtt.caFile],
  ].filter(([, value]) => value !== undefined);
  const text = `
    [room]
    id = "kitchen"
    [camera]
    source = "libcamera"
    width = ${widthPx}
    height = ${heightPx}
    framerate = 10
    [presence]
    leave_after_seconds = 2
    [mqtt]
    url = "${url}"
${settings.map(([name, value]) => `    ${name} = ${JSON.stringify(value)}`).join('\n')}
    [privacy]
    snapshots = true
    [store]
    directory = ${JSON.stringify(join(folder, 'state'))}`;
  const config = join(folder, 'config.toml');
  writeFileSync(config, text);

  const photos = join(folder, 'photos');
  let cutouts: ReadonlyMap<string, Cutout>;
  {
    await using engine = createEngine(engineOptions(parseConfig(text, config), silentLog));
    await engine.start();
    cutouts = await drawCast(engine, folder);
  }
  const drawn = join(folder, 'drawn');
  mkdirSync(drawn);
  await drawFrames(drawn, cutouts, () => {});
  for (const [name, [from, to]] of Object.entries(scenes)) {
    const frames: Buffer[] = [];
    for (let n = Math.ceil(from * framerate); n <= to * framerate; n += 1) {
      frames.push(await planar(join(drawn, `frame-${String(n).padStart(4, '0')}.jpg`)));
    }
    writeFileSync(join(folder, name), Buffer.concat(frames));
  }

  const programs = join(folder, 'bin');
  mkdirSync(programs);
  const camera = fileURLToPath(new URL('./scripted-camera.js', import.meta.url));
  writeFileSync(join(programs, 'rpicam-vid'), `#!/bin/sh\nexec '${process.execPath}' '${camera}' "$@"\n`, {
    mode: 0o755,
  });
  const scene = join(folder, 'scene');
  /** Atomic, so that the camera never reads half a scene. */
  const show = (next: Scene): void => {
    copyFileSync(join(folder, next), `${scene}.next`);
    renameSync(`${scene}.next`, scene);
  };
  show('empty');
  return {
    config,
    photos,
    env: { PATH: `${programs}:${process.env['PATH']}`, ROOMKIN_SCENE: scene },
    show,
    cameraPid: `${scene}.pid`,
  };
}

/** A picture as raw yuv420, full range BT.601, the format of rpicam-vid. */
async function planar(path: string): Promise<Buffer> {
  const { data } = await sharp(path).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const out = Buffer.alloc((widthPx * heightPx * 3) / 2);
  const pixel = (x: number, y: number): readonly [number, number, number] => {
    const at = (y * widthPx + x) * 3;
    return [data[at] ?? 0, data[at + 1] ?? 0, data[at + 2] ?? 0];
  };
  const [blueAt, redAt] = [widthPx * heightPx, (widthPx * heightPx * 5) / 4];
  for (let y = 0; y < heightPx; y += 1) {
    for (let x = 0; x < widthPx; x += 1) {
      const [r, g, b] = pixel(x, y);
      const luma = 0.299 * r + 0.587 * g + 0.114 * b;
      out[y * widthPx + x] = Math.round(luma);
      if (x % 2 || y % 2) continue;
      const half = (y / 2) * (widthPx / 2) + x / 2;
      out[blueAt + half] = Math.min(255, Math.round(128 + (b - luma) / 1.772));
      out[redAt + half] = Math.min(255, Math.round(128 + (r - luma) / 1.402));
    }
  }
  return out;
}
