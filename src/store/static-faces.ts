// Stores the positions of static faces across restarts. Without them a portrait of Ada would count as Ada for an hour after each start.
// Only positions are stored, no embeddings, so the setting holds no personal data.
import { z } from 'zod';
import type { Log } from '../base/log.js';
import { longTime } from '../gallery/reason-text.js';
import { noStaticFaces, restoreStaticFaces, type StaticFace, type StaticFaces } from '../recognition/static-faces.js';
import type { Box } from '../vision/face.js';
import type { Settings } from './settings.js';

const key = 'fixed_faces';

const number = z.number();
const schema = z.object({
  size: z.tuple([number.positive(), number.positive()]),
  faces: z.array(
    z.object({ box: z.tuple([number, number, number.positive(), number]), stillMs: number.nonnegative() }),
  ),
});

/** The positions that `rememberStaticFaces` stored; empty if there are none or they cannot be read. */
export function readStaticFaces(settings: Pick<Settings, 'get'>): StaticFaces {
  try {
    const { size, faces } = schema.parse(JSON.parse(settings.get(key) ?? ''));
    return restoreStaticFaces(size, faces);
  } catch {
    return noStaticFaces;
  }
}

/** The position of a face in words: the centre of its box. */
export function positionText([x, y, width, height]: Box): string {
  return `${Math.round(x + width / 2)},${Math.round(y + height / 2)} px`;
}

/**
 * Returns a function to call after each analysed frame with the frame's size. It stores changed positions and logs each change once. A
 * disk fault costs a warning.
 */
export function rememberStaticFaces(
  room: { readonly staticFaces: readonly StaticFace[] },
  settings: Pick<Settings, 'remember'>,
  log: Log,
): (width: number, height: number) => void {
  let stored: readonly StaticFace[] = room.staticFaces;
  // Long times are compared in hours, so that the card is not written every minute.
  const textOf = (faces: readonly StaticFace[]) => faces.map(({ id, stillMs }) => `${id} ${longTime(stillMs)}`).join();
  return (width, height) => {
    const faces = room.staticFaces;
    if (textOf(faces) === textOf(stored)) return;
    const storedIds = new Set(stored.map(({ id }) => id));
    const presentIds = new Set(faces.map(({ id }) => id));
    for (const { box, stillMs } of faces.filter(({ id }) => !storedIds.has(id))) {
      const sentence = `has not moved for ${longTime(stillMs)}: it is treated as a picture and gets no name`;
      log('notice', `a face at ${positionText(box)} ${sentence}`);
    }
    for (const { box } of stored.filter(({ id }) => !presentIds.has(id)))
      log('notice', `the static face at ${positionText(box)} moved or was removed: faces there count again`);
    stored = faces;
    const positions = faces.map(({ box, stillMs }) => ({ box: box.map(Math.round), stillMs: Math.round(stillMs) }));
    void settings.remember(key, JSON.stringify({ size: [width, height], faces: positions }));
  };
}
