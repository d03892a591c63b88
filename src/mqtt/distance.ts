// For Home Assistant's `mqtt_room`: how far from this camera each person is, told while they are seen. The distance is that of a
// pinhole camera: eyes are 63 mm apart (mean of adults; Dodgson 2004, "Variation and extrema of human interpupillary distance").
import type { DecidedObservation } from '../recognition/observation.js';
import type { Room } from '../room/room.js';

const eyesMetres = 0.063;
/** Horizontal view of the Pi's cameras; a wider lens makes people seem nearer than they are, in this room as in the others. */
const viewDegrees = 66;
/** `mqtt_room` forgets a room after 5 s by default. */
const everyMs = 2_000;

export interface DistanceEstimate {
  readonly person: string;
  readonly name: string;
  readonly distanceMetres: number;
}

/** Distance of a face whose eyes are `eyesPx` apart in a picture of `widthPx`, turned by `yawDegrees`, in metres. */
export function distanceMetres(eyesPx: number, yawDegrees: number, widthPx: number): number {
  const focalPx = widthPx / 2 / Math.tan((viewDegrees * Math.PI) / 360);
  // A turned face shows its eyes closer together than they are.
  const cosine = Math.max(0.5, Math.cos((yawDegrees * Math.PI) / 180));
  return (eyesMetres * focalPx * cosine) / eyesPx;
}

/** Call the result after each analysed frame, with the frame's width. Tells of whom the room says `seen`, each every 2 s. */
export function createDistanceEstimates(
  room: Pick<Room, 'snapshot' | 'observations'>,
  tell: (whereabouts: DistanceEstimate) => void,
): (capturedAt: number, widthPx: number) => void {
  const toldMs = new Map<string, number>();
  return (capturedAt, widthPx) => {
    const looks = room.observations.filter((look) => look.atMs === capturedAt);
    for (const { person, name, as } of room.snapshot?.people ?? []) {
      const look: DecidedObservation | undefined = looks.find((one) => one.person === person);
      if (
        as !== 'seen' ||
        look === undefined ||
        capturedAt - (toldMs.get(person) ?? Number.NEGATIVE_INFINITY) < everyMs
      )
        continue;
      toldMs.set(person, capturedAt);
      const { eyesPx, yawDegrees } = look.quality;
      tell({ person, name, distanceMetres: distanceMetres(eyesPx, yawDegrees, widthPx) });
    }
  };
}
