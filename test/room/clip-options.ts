// Clips are short: who is not seen for ten seconds has left. Thresholds are the clips' own, so that a newly measured embedder
// does not change what was recorded.
import { defaultRoomOptions, type RoomOptions } from '../../src/room/options.js';

export const clipOptions: RoomOptions = {
  ...defaultRoomOptions,
  single: { ...defaultRoomOptions.single, threshold: 0.51 },
  pooled: { ...defaultRoomOptions.pooled, threshold: 0.56 },
  presence: { ...defaultRoomOptions.presence, leaveAfterMs: 10_000 },
};
