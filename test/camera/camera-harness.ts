// Opens a camera on the scripted rpicam-vid, with short timeouts and small frames, and checks that no process is left.
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../src/base/clock.js';
import { type Log, silentLog } from '../../src/base/log.js';
import type { Camera, CameraStatus, Frame } from '../../src/camera/camera.js';
import { openCamera } from '../../src/camera/open.js';
import { type CameraOptions, defaultCameraOptions } from '../../src/camera/options.js';

const fake = fileURLToPath(new URL('./fake-rpicam.js', import.meta.url));

/** Frames of 18 KB, ten a second. Only a program that hangs reaches the limits `stallMs` and `openMs`. */
export const quickOptions: CameraOptions = {
  ...defaultCameraOptions,
  width: 128,
  height: 96,
  framerate: 10,
  stallMs: 20_000,
  timings: { openMs: 20_000, graceMs: 250, reopenMs: 100, reopenMostMs: 400, steadyMs: 1000 },
};

/** `directives` as in fake-rpicam.ts. */
export const fakeCommand = (...directives: string[]): readonly string[] => [
  process.execPath,
  fake,
  ...directives,
  '--',
];

export function openFake(
  directives: readonly string[],
  options: Partial<CameraOptions> = {},
  log: Log = silentLog,
): Camera {
  return openCamera({ ...quickOptions, command: fakeCommand(...directives), ...options }, systemClock, log);
}

/** Copies of the next `count` frames: the camera overwrites the memory of a frame after the next one. */
export async function take(camera: Camera, count: number): Promise<Frame[]> {
  const frames: Frame[] = [];
  while (frames.length < count) {
    const frame = await camera.next();
    if (!frame) throw new Error(`the camera ended after ${frames.length} frames: ${camera.status.reason}`);
    frames.push({ ...frame, data: frame.data.slice() });
  }
  return frames;
}

/** Resolves with the first status that `wanted` accepts. Throws after `durationMs`. */
export async function until(
  camera: Camera,
  wanted: (status: CameraStatus) => boolean,
  durationMs = 60_000,
): Promise<CameraStatus> {
  for (const startedAt = performance.now(); ; await new Promise((resolve) => setTimeout(resolve, 10))) {
    const status = camera.status;
    if (wanted(status)) return status;
    if (performance.now() - startedAt > durationMs) throw new Error(`the camera stays ${JSON.stringify(status)}`);
  }
}

/** Ids of running processes that have `argument` among their arguments. */
export function processesWith(argument: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(argument);
      } catch {
        return false; // it ended meanwhile
      }
    })
    .map(Number);
}
