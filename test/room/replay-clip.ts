// Replays a sequence of analyses through the decision step, as the pipeline does with live frames.

import type { Gallery } from '../../src/gallery/person.js';
import type { PresenceEvent } from '../../src/presence/presence.js';
import { noStaticFaces } from '../../src/recognition/static-faces.js';
import type { RoomOptions } from '../../src/room/options.js';
import { asScheduled, type RoomStep, startRoom, step } from '../../src/room/step.js';
import type { Observation } from '../../src/vision/face.js';

export interface Replayed {
  readonly events: readonly PresenceEvent[];
  readonly steps: readonly RoomStep[];
}

/**
 * `staticFaces`: the static faces known before the first frame. `isScheduled`: without the embeddings that were not due, as the engine
 * reports live frames.
 */
export function replay(
  frames: readonly Observation[],
  gallery: Gallery,
  options: RoomOptions,
  staticFaces = noStaticFaces,
  isScheduled = false,
): Replayed {
  let state = startRoom(frames[0]?.capturedAt ?? 0, '', staticFaces);
  const steps = frames.map((frame) => {
    const result = step(state, isScheduled ? asScheduled(state, frame) : frame, gallery, options);
    state = result.state;
    return result;
  });
  return { events: steps.flatMap(({ events }) => events), steps };
}

/** One line per event: `1300 arrived ada high [ada]`. */
export function eventLines(events: readonly PresenceEvent[]): string[] {
  return events.map(
    ({ atMs, type, person, confidence, present }) =>
      `${atMs.toFixed(0)} ${type} ${person ?? '-'} ${confidence} [${present.join(' ')}]`,
  );
}
