// Distance estimates for Home Assistant's `mqtt_room`: how far from this camera each person is, published while they are seen.
// The distance is that of a pinhole camera with eyes 63 mm apart (mean of adults; Dodgson 2004, "Variation and extrema of human
// interpupillary distance").
import type { DecidedObservation } from '../recognition/observation.js';
import type { Room } from '../room/room.js';

const eyesMetres = 0.063;
/** Horizontal field of view of the Pi's cameras. With a wider lens the estimates are too large, in every room with that lens. */
const viewDegrees = 66;
/** `mqtt_room` drops a room after 5 s by default. */
const everyMs = 2_000;

export interface DistanceEstimate {
  readonly person: string;
  readonly name: string;
  readonly distanceMetres: number;
}

/** Distance of a face whose eyes are `eyesPx` apart in a picture of `widthPx`, turned by `yawDegrees`, in metres. */
export function distanceMetres(eyesPx: number, yawDegrees: number, widthPx: number): number {
  const focalPx = widthPx / 2 / Math.tan((viewDegrees * Math.PI) / 360);
  // The eyes of a turned face appear closer together.
  const cosine = Math.max(0.5, Math.cos((yawDegrees * Math.PI) / 180));
  return (eyesMetres * focalPx * cosine) / eyesPx;
}

/**
 * Call the result after each analysed frame, with the frame's width in pixels. It calls `publish` for each person whom the room
 * reports as `seen`, at most every 2 s.
 */
export function createDistanceEstimates(
  room: Pick<Room, 'snapshot' | 'observations'>,
  publish: (estimate: DistanceEstimate) => void,
): (capturedAt: number, widthPx: number) => void {
  const publishedMs = new Map<string, number>();
  return (capturedAt, widthPx) => {
    const observations = room.observations.filter((observation) => observation.atMs === capturedAt);
    for (const { person, name, as } of room.snapshot?.people ?? []) {
      const face: DecidedObservation | undefined = observations.find((observation) => observation.person === person);
      if (as !== 'seen' || face === undefined) continue;
      if (capturedAt - (publishedMs.get(person) ?? Number.NEGATIVE_INFINITY) < everyMs) continue;
      publishedMs.set(person, capturedAt);
      const { eyesPx, yawDegrees } = face.quality;
      publish({ person, name, distanceMetres: distanceMetres(eyesPx, yawDegrees, widthPx) });
    }
  };
}
