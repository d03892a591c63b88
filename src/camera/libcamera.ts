// A Pi camera through rpicam-vid. Facts about it were read in rpicam-apps 1.12 and libcamera 0.7 or seen in a run.
import { explainLibcamera, explainLibcameraStall } from './faults.js';
import type { CameraOptions, CameraProgram } from './options.js';

/** How rpicam-vid is run for `options`. */
export function libcameraProgram(options: CameraOptions): CameraProgram {
  return {
    // The second name is that of rpicam-apps before 1.4; 1.8 dropped it.
    commands: options.command ? [options.command] : [['rpicam-vid'], ['libcamera-vid']],
    args: libcameraArgs(options),
    env: { LIBCAMERA_LOG_NO_COLOR: '1' },
    stdin: null,
    // Rows are padded to 64 bytes by a Pi 4 and older, to 128 by a Pi 5; other kernels may choose otherwise.
    rowAlignments: [64, 128, 1, 32, 256],
    ends: false,
    sizeIn(line) {
      // libcamera's own line; rpicam-vid's "Stream configuration adjusted" also comes for the raw stream.
      const found = /configuring streams: \(0\) (\d{2,4})x(\d{2,4})-YUV420\b/.exec(line);
      return found ? { width: Number(found[1]), height: Number(found[2]) } : null;
    },
    redact: (line) => line,
    explain: explainLibcamera,
    explainStall: explainLibcameraStall,
  };
}

function libcameraArgs(options: CameraOptions): readonly string[] {
  const value = (name: string, of: string | number | null): string[] => (of === null ? [] : [name, String(of)]);
  return [
    '-n', // no preview, and no text per frame
    ...['-t', '0'], // for ever; 0 has no unit, so that old versions read it too
    ...['--codec', 'yuv420'],
    ...value('--width', options.width),
    ...value('--height', options.height),
    ...value('--framerate', options.framerate),
    ...['--denoise', 'cdn_off'], // lightens the ISP of a Pi 4 and older
    '--flush', // else the tail of a frame waits in stdio for the next one
    ...value('--camera', options.index),
    ...(options.hflip ? ['--hflip'] : []),
    ...(options.vflip ? ['--vflip'] : []),
    ...value('--rotation', options.rotation === 0 ? null : options.rotation),
    ...value('--mode', options.mode),
    ...value('--tuning-file', options.tuningFile),
    ...value('--roi', options.roi?.join(',') ?? null),
    ...['-o', '-'],
  ];
}
