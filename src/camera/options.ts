// What a camera can be asked for. The configuration is checked before it gets here; nothing is checked twice.
import type { ProgramExit } from './child.js';

export interface CameraOptions {
  /** `libcamera`: rpicam-vid. `ffmpeg`: a file, a V4L2 device or an address. `replay`: a folder of pictures. */
  readonly source: 'libcamera' | 'ffmpeg' | 'replay';
  /** File, device, address or folder; null for libcamera. */
  readonly input: string | null;
  /** Pixels, both even. A multiple of 128 is never padded by a Pi, so that no byte is moved in vain. */
  readonly width: number;
  readonly height: number;
  /** Frames a second. */
  readonly framerate: number;
  readonly hflip: boolean;
  readonly vflip: boolean;
  /** Degrees clockwise. The sensor cannot turn by a quarter. */
  readonly rotation: 0 | 180;
  /** Number in `rpicam-vid --list-cameras`; null: the first. */
  readonly index: number | null;
  /** Sensor mode `W:H:BITS:P`; null: rpicam-vid chooses, which can be a cropped mode at small sizes. */
  readonly mode: string | null;
  readonly tuningFile: string | null;
  /** Digital zoom: left, top, width and height as fractions of the sensor; null: all of it. */
  readonly roi: readonly [number, number, number, number] | null;
  /** Begin a file or a folder again at its end. */
  readonly loop: boolean;
  /** A camera without a whole frame for so long (and for three frame periods) is closed and opened again. */
  readonly stallMs: number;
  /** Replay only: the next picture waits until the last one was taken, so that none is ever dropped. */
  readonly lossless: boolean;
  /** Program and first arguments instead of `rpicam-vid` or `ffmpeg`; the usual arguments follow. */
  readonly command: readonly string[] | null;
  readonly timings: CameraTimings;
}

/** How patient a camera is. Durations in milliseconds. */
export interface CameraTimings {
  /** The first frame of a newly opened camera may take so long (a Pi Zero 2 needs about 3 s). */
  readonly openMs: number;
  /** Between SIGINT, SIGTERM and SIGKILL. */
  readonly graceMs: number;
  /** Before the first reopening; doubles with each failure. */
  readonly reopenMs: number;
  readonly reopenMostMs: number;
  /** A camera that ran so long counts as sound: its next reopening begins at `reopenMs` again. */
  readonly steadyMs: number;
}

/**
 * 1280x960 shows a face 3 m from a 66 degree lens with about 20 px between the eyes, the least that is found nearly
 * always in tiles; five a second give several looks at somebody who walks through the room.
 */
export const defaultCameraOptions: CameraOptions = {
  source: 'libcamera',
  input: null,
  width: 1280,
  height: 960,
  framerate: 5,
  hflip: false,
  vflip: false,
  rotation: 0,
  index: null,
  mode: null,
  tuningFile: null,
  roi: null,
  loop: false,
  stallMs: 5000,
  lossless: false,
  command: null,
  timings: { openMs: 15_000, graceMs: 1500, reopenMs: 1000, reopenMostMs: 60_000, steadyMs: 30_000 },
};

// What the supervisor has to know about a program that writes raw video. Data and pure functions only.

export interface CameraProgram {
  /** Names to try, each a program and its first arguments; the next is tried where one is not installed. */
  readonly commands: readonly (readonly string[])[];
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly stdin: string | null;
  /** What rows may be padded to, the likeliest first; 1 is no padding. */
  readonly rowAlignments: readonly number[];
  /** Whether status 0 means that the input is over, not that the camera failed. */
  readonly ends: boolean;
  /** The true picture size, if this line of stderr names it. */
  sizeIn(line: string): { readonly width: number; readonly height: number } | null;
  /** A line of stderr without secrets. */
  redact(line: string): string;
  /** Why it ended, in one sentence that says what to do. `lines` are the last of stderr, redacted. */
  explain(exit: ProgramExit, lines: readonly string[]): string;
  /** What stderr says about a program that runs and gives no frames; null if nothing helps. */
  explainStall(lines: readonly string[]): string | null;
}
