// The pictures of faces for the page of `roomkin open`. While it is followed, the daemon makes them; they stay there until the phone asks
// for one.
import { RoomkinError } from '../base/errors.js';
import { askDaemon, followDaemon } from '../control/client.js';
import type { FacePictureAnswer, FacePictureId, PictureUpdate } from '../control/protocol.js';
import type { CommandIo } from './command.js';
import { daemonSocket } from './parts.js';

/** The most pictures of one answer to the phone. */
const mostAtOnce = 20;
/** A daemon that has ended is asked again after this time, milliseconds. */
const againMs = 2000;

export interface FollowedPictures extends Disposable {
  /** By track, the id of its picture. */
  readonly list: Readonly<Record<string, number>>;
  /** The pictures of these tracks, in base64; those that are gone are left out. */
  jpegs(tracks: readonly string[]): Promise<Record<string, string>>;
}

/** `[privacy] page_pictures` is not set: there are none, and the daemon is not asked. */
export const noPictures: FollowedPictures = { list: {}, jpegs: async () => ({}), [Symbol.dispose]() {} };

/** Follows until it is disposed. */
export function followPictures(io: CommandIo): FollowedPictures {
  const place = daemonSocket(io.config());
  const end = new AbortController();
  let pictures: readonly FacePictureId[] = [];
  let timer: NodeJS.Timeout | undefined;

  async function follow(): Promise<void> {
    try {
      for await (const update of followDaemon<PictureUpdate>(place, { verb: 'pictures' }, end.signal))
        pictures = update.pictures;
    } catch {
      // The page says that the daemon does not run.
    }
    pictures = [];
    if (!end.signal.aborted) timer = setTimeout(follow, againMs);
  }
  void follow();

  return {
    get list() {
      return Object.fromEntries(pictures.map(({ track, id }) => [track, id]));
    },
    async jpegs(tracks) {
      const found: Record<string, string> = {};
      for (const track of tracks.slice(0, mostAtOnce)) {
        if (!pictures.some((picture) => String(picture.track) === track)) continue;
        try {
          const request = { verb: 'picture', track: Number(track) } as const;
          const { jpeg } = await askDaemon<FacePictureAnswer>(place, request, undefined, end.signal);
          if (jpeg !== null) found[track] = jpeg;
        } catch (error) {
          if (!(error instanceof RoomkinError)) throw error;
        }
      }
      return found;
    },
    [Symbol.dispose]() {
      clearTimeout(timer);
      end.abort();
    },
  };
}
