// What the camera sees now, for `roomkin look`: the next analysed frame with its faces. One question, one picture; it is kept nowhere,
// and while the camera is switched off there is none.
import { setTimeout as wait } from 'node:timers/promises';
import type { WallTime } from '../base/clock.js';
import { fail } from '../base/errors.js';
import type { Camera, Frame } from '../camera/camera.js';
import { stillOf } from '../camera/still.js';
import type { Config } from '../config/load.js';
import type { EngineAnalysis } from '../engine/engine.js';
import type { Gallery } from '../gallery/person.js';
import { reasonText } from '../gallery/reason-text.js';
import type { PrivacySwitch } from '../room/privacy-switch.js';
import type { Room } from '../room/room.js';
import type { CameraView, FaceInView } from './protocol.js';

/** Called with each analysed frame, after the room has seen it. */
export type FrameListener = (frame: Frame, analysis: EngineAnalysis) => void;

export interface ViewParts {
  readonly config: Pick<Config, 'privacy' | 'detector'>;
  readonly camera: Pick<Camera, 'status'>;
  readonly privacy: Pick<PrivacySwitch, 'on' | 'waiting'>;
  readonly room: Pick<Room, 'observations'>;
  readonly frameListeners: Set<FrameListener>;
  readonly wallTime: WallTime;
  currentGallery(): Gallery;
}

/** A board may need some seconds for a frame. */
const withinMs = 15_000;
const switchCheckMs = 100;

/** Errors: CAMERA_FORBIDDEN ([privacy] look = false), CAMERA_BLIND (switched off, or no frame is analysed). */
export async function cameraView(parts: ViewParts, signal: AbortSignal): Promise<CameraView> {
  const { config, privacy, camera, frameListeners, room, wallTime, currentGallery } = parts;
  if (!config.privacy.look) throw pictureForbidden();
  const seen = { frame: null as Frame | null, analysis: null as EngineAnalysis | null, faces: [] as FaceInView[] };
  const listener: FrameListener = (frame, analysis) => {
    frameListeners.delete(listener);
    const names = new Map(currentGallery().people.map(({ id, name }) => [id, name]));
    const observations = [...room.observations];
    const faces = analysis.faces.map(({ box, landmarks, score, quality }): FaceInView => {
      const decided = observations.find((observation) => String(observation.box) === String(box));
      return {
        box,
        landmarks,
        score,
        quality,
        name: decided?.person == null ? null : (names.get(decided.person) ?? decided.person),
        rule: decided === undefined ? null : reasonText(decided.reason, names),
      };
    });
    // The camera overwrites the memory of a frame after the next one.
    Object.assign(seen, { frame: { ...frame, data: frame.data.slice() }, analysis, faces });
  };
  frameListeners.add(listener);
  try {
    for (let waitedMs = 0; seen.frame === null; waitedMs += switchCheckMs) {
      if (!privacy.on) throw cameraIsOff(privacy.waiting);
      if (waitedMs >= withinMs)
        throw fail(
          'CAMERA_BLIND',
          `no frame was analysed for ${withinMs / 1000} s (${camera.status.reason ?? 'see roomkin status'}): roomkin check says more`,
        );
      await wait(switchCheckMs, undefined, { signal });
    }
    const { width, height, capturedAt } = seen.frame;
    const { jpeg, ...size } = await stillOf(seen.frame);
    // The switch may have been turned while the picture was made.
    if (!privacy.on) throw cameraIsOff(privacy.waiting);
    return {
      at: wallTime(capturedAt),
      width,
      height,
      leastEyesPx: config.detector.minEyesPx,
      faces: seen.faces,
      picture: { ...size, jpeg: jpeg.toString('base64') },
    };
  } finally {
    frameListeners.delete(listener);
  }
}

export function pictureForbidden(): Error {
  return fail('CAMERA_FORBIDDEN', 'the configuration forbids pictures: [privacy] look = false');
}

/** `waiting`: why recognition is off although nobody switched it off. */
export function cameraIsOff(waiting: string | null = null): Error {
  const sentence = 'recognition is switched off, so no picture is taken: `roomkin resume` switches it on';
  return fail('CAMERA_BLIND', waiting === null ? sentence : `no picture is taken: ${waiting}`);
}
