// Faces as pictures for the page of `roomkin open`, where the configuration allows them. They are in memory only, and only while a page
// is open: one small JPEG of each of the last tracks. Nothing of them is written or published.
import { faceJpeg } from '../camera/face-picture.js';
import type { EngineAnalysis } from '../engine/engine.js';
import type { PersonId } from '../gallery/person.js';
import type { DecidedObservation } from '../recognition/observation.js';
import type { PictureUpdate } from './protocol.js';

/** The most pictures; one takes about 4 kB. */
export const mostPictures = 50;
/** A picture is replaced by one of the same track with so much more weight, or with so many times the pixels between the eyes. */
const better = { weight: 0.1, eyes: 1.25 };

/** The picture of a track. It stands for the observation with the most weight. */
interface FacePicture {
  /** Of the JPEG. */
  id: number;
  /** Whose face it is, as far as is known: the name of the track. */
  readonly person: PersonId | null;
  /** The nearest person of a face without a name. */
  readonly nearest: PersonId | null;
  readonly weight: number;
  readonly eyesPx: number;
  /** null while it is being encoded. */
  jpeg: Uint8Array | null;
}

export interface PagePictures {
  /** A page is open, and pictures are allowed: the analyses must carry the aligned faces. */
  readonly isOpen: boolean;
  /** A page opens. Calls `send` with the pictures that there are, now and after each change, until the returned function is called. */
  follow(send: (update: PictureUpdate) => void): () => void;
  /** The JPEG of a track of this run; null where there is none. */
  jpeg(track: number): Uint8Array | null;
  /** The analysis of a frame with its aligned faces, and what the room decided about each face, in the same order. */
  frame(analysis: Pick<EngineAnalysis, 'crops'>, observations: readonly DecidedObservation[]): void;
  /**
   * Erases the pictures of everybody who was forgotten, also of faces without a name that were nearest to them. Their tracks get no picture
   * any more.
   */
  keepOnly(people: ReadonlySet<PersonId>): void;
  /** Erases every picture. */
  clear(): void;
}

/** `isAllowed`: `[privacy] page_pictures`. */
export function createPagePictures(isAllowed: boolean): PagePictures {
  const followers = new Set<(update: PictureUpdate) => void>();
  /** By track, the oldest first. */
  const pictures = new Map<number, FacePicture>();
  /** Tracks of people who were forgotten. */
  const forgotten = new Set<number>();
  let lastId = 0;

  function tell(): void {
    const list = [...pictures].flatMap(([track, { id, jpeg }]) => (jpeg === null ? [] : [{ track, id }]));
    for (const send of followers) send({ type: 'pictures', pictures: list });
  }

  function clear(): void {
    if (pictures.size === 0) return;
    pictures.clear();
    tell();
  }

  function take(observation: DecidedObservation, rgb: Uint8Array): void {
    const { track, person, best, weight, quality, isContinued } = observation;
    const { eyesPx } = quality;
    // Without an embedding it is not known to whom a face without a name is nearest, so nothing could erase its picture.
    if (isContinued && person === null) return;
    const before = pictures.get(track);
    const isBetter =
      before === undefined ||
      before.person !== person ||
      weight > before.weight + better.weight ||
      (weight >= before.weight && eyesPx > before.eyesPx * better.eyes);
    if (!isBetter || forgotten.has(track)) return;
    // A picture of the same person stays until the better one is encoded.
    const { id, jpeg: shown } = before?.person === person ? before : { id: 0, jpeg: null };
    const picture: FacePicture = { id, person, nearest: best, weight, eyesPx, jpeg: shown };
    pictures.delete(track);
    pictures.set(track, picture);
    const [oldest] = pictures.keys();
    if (pictures.size > mostPictures) pictures.delete(oldest!);
    void faceJpeg(rgb).then((jpeg) => {
      // It was erased, or replaced, meanwhile.
      if (pictures.get(track) !== picture) return;
      if (jpeg === null) return void pictures.delete(track);
      picture.jpeg = jpeg;
      picture.id = ++lastId;
      tell();
    });
  }

  return {
    get isOpen() {
      return followers.size > 0;
    },
    follow(send) {
      if (isAllowed) followers.add(send);
      send({ type: 'pictures', pictures: [] });
      if (isAllowed) tell();
      return () => {
        followers.delete(send);
        if (followers.size > 0) return;
        pictures.clear();
        forgotten.clear();
      };
    },
    jpeg: (track) => pictures.get(track)?.jpeg ?? null,
    frame({ crops = [] }, observations) {
      if (followers.size === 0) return;
      for (const [index, observation] of observations.entries()) {
        const rgb = crops[index];
        if (rgb !== undefined) take(observation, rgb);
      }
    },
    keepOnly(people) {
      const before = pictures.size;
      for (const [track, { person, nearest }] of pictures) {
        const whose = person ?? nearest;
        if (whose === null || people.has(whose)) continue;
        pictures.delete(track);
        forgotten.add(track);
      }
      if (pictures.size < before) tell();
    },
    clear,
  };
}
