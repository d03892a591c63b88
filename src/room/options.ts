// All options of a room: recognition, presence and motion support, with their defaults.
import type { MotionSupportOptions } from '../presence/motion-support.js';
import type { PresenceOptions } from '../presence/presence.js';
import { defaultOptions, optionsFor, type RecognitionOptions } from '../recognition/options.js';

export interface RoomOptions extends RecognitionOptions {
  readonly presence: PresenceOptions;
  readonly motionSupport: MotionSupportOptions;
  /** Time between two frames of the camera, milliseconds: the pace until it is measured. */
  readonly frameIntervalMs: number;
}

const defaults: Pick<RoomOptions, 'presence' | 'motionSupport' | 'frameIntervalMs'> = {
  presence: { leaveAfterMs: 60_000, gapMs: 5000 },
  motionSupport: { halfLifeMs: 900_000, motionLastsMs: 5000 },
  frameIntervalMs: 200,
};

/** The default options for an embedder without measured thresholds. */
export const defaultRoomOptions: RoomOptions = { ...defaultOptions, ...defaults };

/** The default options with the thresholds of `embedder` (its id in the manifest). */
export function roomOptionsFor(embedder: string): RoomOptions {
  return { ...optionsFor(embedder), ...defaults };
}
