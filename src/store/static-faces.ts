// What hangs on the walls outlives a restart: otherwise Ada's portrait would be Ada for an hour again. Only the places are kept,
// never what a face looks like, so that there is nothing of anybody to protect or to forget.
import { z } from 'zod';
import type { Log } from '../base/log.js';
import { longTime } from '../gallery/reason-text.js';
import { noStaticFaces, restoreStaticFaces, type StaticFace, type StaticFaces } from '../recognition/static-faces.js';
import type { Box } from '../vision/face.js';
import type { Settings } from './settings.js';
import type { Store } from './store.js';

const key = 'fixed_faces';

const number = z.number();
const kept = z.object({
  size: z.tuple([number.positive(), number.positive()]),
  faces: z.array(
    z.object({ box: z.tuple([number, number, number.positive(), number]), stillMs: number.nonnegative() }),
  ),
});

/** The places that `keepFixed` kept; none where there are none or they cannot be read. */
export function readStaticFaces(store: Pick<Store, 'setting'>): StaticFaces {
  try {
    const { size, faces } = kept.parse(JSON.parse(store.setting(key) ?? ''));
    return restoreStaticFaces(size, faces);
  } catch {
    return noStaticFaces;
  }
}

/** Where a face is, for people: the centre of its box. */
export function positionText([x, y, width, height]: Box): string {
  return `${Math.round(x + width / 2)},${Math.round(y + height / 2)} px`;
}

/**
 * Call the result after each analysed frame, with the frame's size. Keeps what changed and tells of it once; a disk that fails
 * costs a warning.
 */
export function rememberStaticFaces(
  room: { readonly staticFaces: readonly StaticFace[] },
  settings: Pick<Settings, 'remember'>,
  log: Log,
): (width: number, height: number) => void {
  let known: readonly StaticFace[] = room.staticFaces;
  // Times of many hours are kept in hours: the card is not written each minute.
  const worth = (faces: readonly StaticFace[]) => faces.map(({ id, stillMs }) => `${id} ${longTime(stillMs)}`).join();
  return (width, height) => {
    const faces = room.staticFaces;
    if (worth(faces) === worth(known)) return;
    const before = new Set(known.map(({ id }) => id));
    const now = new Set(faces.map(({ id }) => id));
    for (const { box, stillMs } of faces.filter(({ id }) => !before.has(id))) {
      const sentence = `has not moved for ${longTime(stillMs)}: taken for a picture, it names nobody`;
      log('notice', `a face at ${positionText(box)} ${sentence}`);
    }
    for (const { box } of known.filter(({ id }) => !now.has(id)))
      log('notice', `the face at ${positionText(box)} is no picture or was taken down: faces there count again`);
    known = faces;
    const places = faces.map(({ box, stillMs }) => ({ box: box.map(Math.round), stillMs: Math.round(stillMs) }));
    settings.remember(key, JSON.stringify({ size: [width, height], faces: places }));
  };
}
