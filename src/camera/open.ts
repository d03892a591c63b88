// Chooses the camera for the options; callers know only `Camera`.
import type { Clock } from '../base/clock.js';
import type { Log } from '../base/log.js';
import type { Camera } from './camera.js';
import { ffmpegProgram } from './ffmpeg.js';
import { libcameraProgram } from './libcamera.js';
import type { CameraOptions } from './options.js';
import { createProcessCamera } from './process.js';
import { createReplayCamera } from './replay.js';

/** A camera that is not started yet. Opens no device and starts no process. */
export function openCamera(options: CameraOptions, clock: Clock, log: Log): Camera {
  switch (options.source) {
    case 'libcamera':
      return createProcessCamera(libcameraProgram(options), options, clock, log);
    case 'ffmpeg':
      return createProcessCamera(ffmpegProgram(options), options, clock, log);
    case 'replay':
      return createReplayCamera(options, clock, log);
  }
}
