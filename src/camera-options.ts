// From the configuration to what the camera is told.
import { type CameraOptions, defaultCameraOptions } from './capture/camera-options.js';
import type { Config } from './config.js';

export function cameraOptions({ camera }: Config): CameraOptions {
  return { ...defaultCameraOptions, ...camera };
}
