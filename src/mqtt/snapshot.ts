// The only pictures that may leave the process, and only if the user turned snapshots on: the face of somebody who arrives, sent
// before the event that tells of the arrival.
import { createInOrder } from '../base/in-order.js';
import { faceJpeg } from '../camera/face-picture.js';
import type { EngineAnalysis } from '../engine/engine.js';
import type { PresenceEvent } from '../presence/presence.js';
import type { DecidedObservation } from '../recognition/observation.js';

/** Width and height of the JPEG. A missing picture does not hold an event back. */
const shownPx = 224;
/**
 * The picture of an arrival is the best one of its track in this time before it, milliseconds. Longer ago, the track may have
 * shown somebody else: an arrival needs several agreeing observations, and those are newer.
 */
const windowMs = 2000;
/** Crops of a track in memory, 37 kB each. */
const cropsOfTrack = 4;

/** The observation that a picture shows. */
export interface PicturedObservation {
  readonly track: number;
  /** Capture time of its frame, monotonic, milliseconds. */
  readonly atMs: number;
}

interface Crop extends PicturedObservation {
  /** Until when its track certainly showed the same face, milliseconds: continued faces have no embedding, so they cannot be corrected. */
  readonly untilMs: number;
  readonly weight: number;
  readonly eyesPx: number;
  readonly rgb: Uint8Array;
}

export interface EventPictures {
  /** The analysis of a frame with its aligned faces, and what the room decided about each face, in the same order. */
  frame(analysis: Pick<EngineAnalysis, 'capturedAt' | 'crops'>, observations: readonly DecidedObservation[]): void;
  /** An event of the room. It is passed on in order, after the current frame, with the JPEG of its own face if there is one. */
  event(event: PresenceEvent): void;
}

/** `pictured` is the observation that `jpeg` shows. Both are null where the event has no face or its picture failed. */
export type PublishEvent = (
  event: PresenceEvent,
  jpeg: Uint8Array | null,
  pictured: PicturedObservation | null,
) => void;

/** What the journal does for observations that somebody may correct. */
export interface CorrectableObservations {
  keep(track: number, atMs: number): void;
  mergedUntilMs(track: number): number;
}

/**
 * `publish` receives every event in its order. `journal`: where corrections are allowed, it keeps the observation that a picture shows; a
 * picture shows one that can be kept. null: no corrections.
 */
export function createEventPictures(publish: PublishEvent, journal: CorrectableObservations | null): EventPictures {
  /** By track; only tracks of the last frames. */
  const crops = new Map<number, Crop[]>();
  const inOrder = createInOrder();

  function picture({ track, atMs }: PresenceEvent): Crop | null {
    const recent = (track === null ? [] : (crops.get(track) ?? [])).filter((crop) => atMs - crop.untilMs <= windowMs);
    const mergedMs = track === null || journal === null ? Number.NEGATIVE_INFINITY : journal.mergedUntilMs(track);
    const kept = recent.filter((crop) => crop.atMs > mergedMs);
    const shown = kept.length === 0 ? recent : kept;
    const best = shown.toSorted((a, b) => b.weight - a.weight || b.eyesPx - a.eyesPx)[0] ?? null;
    if (best !== null) journal?.keep(best.track, best.atMs);
    return best;
  }

  return {
    frame({ capturedAt, crops: pictures = [] }, observations) {
      for (const [track, own] of crops) if (capturedAt - own.at(-1)!.untilMs > windowMs) crops.delete(track);
      for (const [index, { track, weight, quality, isContinued }] of observations.entries()) {
        const own = crops.get(track) ?? [];
        const last = own.at(-1);
        if (isContinued) {
          if (last !== undefined) crops.set(track, [...own.slice(0, -1), { ...last, untilMs: capturedAt }]);
          continue;
        }
        const rgb = pictures[index];
        if (rgb === undefined) continue;
        const crop = { track, atMs: capturedAt, untilMs: capturedAt, weight, eyesPx: quality.eyesPx, rgb };
        crops.set(track, [...own, crop].slice(-cropsOfTrack));
      }
    },
    event(event) {
      // The event comes while its frame is processed. Its crop is known when the frame is finished, in the next microtask.
      const crop = Promise.resolve().then(() => picture(event));
      const encoded = crop.then((chosen) => (chosen === null ? null : faceJpeg(chosen.rgb, shownPx)));
      void inOrder(async () => {
        const [chosen, jpeg] = await Promise.all([crop, encoded]);
        publish(event, jpeg, jpeg === null || chosen === null ? null : { track: chosen.track, atMs: chosen.atMs });
      });
    },
  };
}
