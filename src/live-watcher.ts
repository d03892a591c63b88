// What an enrolment before the camera is told: every look, its embedding too, over the control socket and nowhere else. No pictures.
import type { Camera } from './capture/camera.js';
import type { HandlerParts } from './daemon-handlers.js';
import type { LookExplained } from './domain/look.js';
import { overlap } from './domain/tracker.js';
import type { RoomListener } from './room.js';
import { encodeEmbedding, type LiveFace, type LiveUpdate } from './service/control-protocol.js';

export type LiveParts = Pick<HandlerParts, 'currentGallery'> & {
  readonly room: Pick<HandlerParts['room'], 'fixedFaces'>;
  readonly model: Pick<HandlerParts['model'], 'space'>;
  readonly camera: Pick<Camera, 'status'>;
  readonly privacy: Pick<HandlerParts['privacy'], 'on'>;
};

/** Overlap (intersection over union) of a face with the place where a picture hangs. */
const samePlace = 0.3;

/** Hands the faces of each analysed frame to `send`, and why there are none when the room goes blind. */
export function createLiveWatcher(parts: LiveParts, send: (update: LiveUpdate) => void): RoomListener {
  const { model, camera, room, privacy, currentGallery } = parts;
  /** A picture on the wall that was found out is nobody who could be enrolled, and in nobody's way. */
  const isPicture = ({ box, weight }: LookExplained): boolean =>
    weight === 0 && room.fixedFaces.some((fixed) => overlap(fixed.box, box) >= samePlace);
  return {
    state(snapshot) {
      if (snapshot !== null) return;
      const { state, reason } = camera.status;
      const why = reason ?? (state === 'starting' ? 'the camera is starting' : 'no frame was looked at yet');
      send({ type: 'blind', paused: !privacy.on, reason: privacy.on ? why : 'recognition is switched off' });
    },
    event: () => {},
    looks(looks) {
      const faces = looks.filter((look) => !isPicture(look)).map(liveFace);
      send({ type: 'frame', space: model.space, gallery: currentGallery().version, faces });
    },
  };
}

function liveFace({ score, quality, embedding, weight, best, similarity, person, rule }: LookExplained): LiveFace {
  const encoded = embedding === null ? null : encodeEmbedding(embedding);
  return { score, quality, embedding: encoded, weight, best, similarity, person, rule };
}
