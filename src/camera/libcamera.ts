// A Pi camera through rpicam-vid. The facts come from the sources of rpicam-apps 1.12 and libcamera 0.7, or from test runs.
import { explainLibcamera, explainLibcameraStall } from './faults.js';
import type { CameraOptions, CameraProgram } from './options.js';
import { libcameraSettings } from './settings.js';

/** The rpicam-vid command for `options`. */
export function libcameraProgram(options: CameraOptions): CameraProgram {
  return {
    // rpicam-apps before 1.4 had the second name; 1.8 dropped it.
    commands: options.command ? [options.command] : [['rpicam-vid'], ['libcamera-vid']],
    args: libcameraArgs(options),
    env: { LIBCAMERA_LOG_NO_COLOR: '1' },
    stdin: null,
    // A Pi 4 and older pad rows to 64 bytes, a Pi 5 to 128. Other kernels may use other values.
    rowAlignments: [64, 128, 1, 32, 256],
    ends: false,
    turn: options.rotation,
    snapshots: null,
    sizeIn(line) {
      // This line is libcamera's. rpicam-vid's "Stream configuration adjusted" also appears for the raw stream.
      const groups = /configuring streams: \(0\) (\d{2,4})x(\d{2,4})-YUV420\b/.exec(line);
      return groups ? { width: Number(groups[1]), height: Number(groups[2]) } : null;
    },
    redact: (line) => line,
    explain: explainLibcamera,
    explainStall: explainLibcameraStall,
  };
}

function libcameraArgs(options: CameraOptions): readonly string[] {
  const option = (name: string, value: string | number | null): string[] =>
    value === null ? [] : [name, String(value)];
  return [
    '-n', // no preview and no text per frame
    ...['-t', '0'], // no time limit; without a unit, so that old versions read it too
    ...['--codec', 'yuv420'],
    ...option('--width', options.width),
    ...option('--height', options.height),
    ...option('--framerate', options.framerate),
    ...libcameraSettings(options.options),
    '--flush', // otherwise the end of a frame stays in stdio's buffer until the next frame
    ...option('--camera', options.index),
    ...(options.hflip ? ['--hflip'] : []),
    ...(options.vflip ? ['--vflip'] : []),
    ...option('--rotation', options.rotation === 180 ? 180 : null),
    ...option('--mode', options.mode),
    ...option('--tuning-file', options.tuningFile),
    ...option('--roi', options.roi?.join(',') ?? null),
    ...['-o', '-'],
  ];
}
