// Options for clips. Clips are short, so a person not seen for ten seconds has left. The thresholds are fixed, so that a newly
// measured embedder does not change the recorded events.
import { defaultRoomOptions, type RoomOptions } from '../../src/room/options.js';

export const clipOptions: RoomOptions = {
  ...defaultRoomOptions,
  single: { ...defaultRoomOptions.single, threshold: 0.51 },
  pooled: { ...defaultRoomOptions.pooled, threshold: 0.56 },
  presence: { ...defaultRoomOptions.presence, leaveAfterMs: 10_000 },
};
