// The options of a camera. The configuration is validated before; nothing is validated twice.
import type { ProgramExit } from './child.js';
import type { CameraSettings } from './settings.js';
import type { SnapshotAddress } from './snapshot-address.js';
import type { Turn } from './turn.js';

export interface CameraOptions {
  /** `libcamera`: rpicam-vid. `ffmpeg`: a file, a V4L2 device or an address. `replay`: a folder of pictures. */
  readonly source: 'libcamera' | 'ffmpeg' | 'replay';
  /** File, device, address or folder; null for libcamera. */
  readonly input: string | null;
  /** Pixels, both even. A Pi never pads rows of a multiple of 128, which saves a copy. */
  readonly width: number;
  readonly height: number;
  /** Frames a second. */
  readonly framerate: number;
  readonly hflip: boolean;
  readonly vflip: boolean;
  /** Degrees clockwise. Quarter turns give frames of `height` x `width` pixels. */
  readonly rotation: Turn;
  /** Width by height of the picture as it should be, for a camera that stretches it without saying so; null: as the camera says. */
  readonly aspect: number | null;
  /** Settings that are passed to rpicam-vid or ffmpeg, by their keys in `[camera.options]`. */
  readonly options: CameraSettings;
  /** Time between two requests to an address that gives one picture for each, milliseconds. */
  readonly snapshotMs: number;
  /** Number in `rpicam-vid --list-cameras`; null: the first. */
  readonly index: number | null;
  /** Sensor mode `W:H:BITS:P`; null: rpicam-vid chooses, which can be a cropped mode at small sizes. */
  readonly mode: string | null;
  readonly tuningFile: string | null;
  /** Digital zoom: left, top, width and height as fractions of the sensor; null: all of it. */
  readonly roi: readonly [number, number, number, number] | null;
  /** Begin a file or a folder again at its end. */
  readonly loop: boolean;
  /** A camera that gives no whole frame for this long (and for three frame periods) is closed and opened again. */
  readonly stallMs: number;
  /** Replay only: the next picture waits until the last one was taken, so that no frame is dropped. */
  readonly lossless: boolean;
  /** Program and first arguments instead of `rpicam-vid` or `ffmpeg`. The usual arguments follow. */
  readonly command: readonly string[] | null;
  readonly timings: CameraTimings;
}

/** Timeouts of a camera, milliseconds. */
export interface CameraTimings {
  /** How long the first frame of a newly opened camera may take: a Pi Zero 2 needs about 3 s, a stream may send a keyframe every 10 s. */
  readonly openMs: number;
  /** Between SIGINT, SIGTERM and SIGKILL. */
  readonly graceMs: number;
  /** Delay before the first reopening; doubles with each failure, up to `reopenMostMs`. */
  readonly reopenMs: number;
  readonly reopenMostMs: number;
  /** After a run of this length the next reopening starts at `reopenMs` again. */
  readonly steadyMs: number;
}

/**
 * At 1280x960 a face 3 m from a 66 degree lens has about 20 px between the eyes, the smallest size that tiles find nearly
 * always. Five frames a second give several observations of somebody who walks through the room.
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
  aspect: null,
  options: {},
  snapshotMs: 1000,
  index: null,
  mode: null,
  tuningFile: null,
  roi: null,
  loop: false,
  stallMs: 5000,
  lossless: false,
  command: null,
  timings: { openMs: 20_000, graceMs: 1500, reopenMs: 1000, reopenMostMs: 60_000, steadyMs: 30_000 },
};

// The description of a program that writes raw video, as data and pure functions.

export interface CameraProgram {
  /** Commands to try in order, each a program and its first arguments. The next is tried if a program is not installed. */
  readonly commands: readonly (readonly string[])[];
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly stdin: string | null;
  /** Multiples of bytes that rows may be padded to, the likeliest first; 1 is no padding. */
  readonly rowAlignments: readonly number[];
  /** Whether exit status 0 means the end of the input and no failure. */
  readonly ends: boolean;
  /** Degrees by which the frames have to be turned, because the program does not. */
  readonly turn: Turn;
  /** What to poll for single pictures if the program gets no video from its input; null: nothing. */
  readonly snapshots: SnapshotAddress | null;
  /** The actual frame size, if this line of stderr states it. */
  sizeIn(line: string): { readonly width: number; readonly height: number } | null;
  /** A line of stderr without secrets. */
  redact(line: string): string;
  /** Why it ended, in one sentence that says what to do. `lines`: the last lines of stderr, redacted. */
  explain(exit: ProgramExit, lines: readonly string[]): string;
  /** Why a running program gives no frames, from its stderr; null if stderr does not tell. */
  explainStall(lines: readonly string[]): string | null;
}
