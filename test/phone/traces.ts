// Searches files for parts of pictures, which must never be written.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** A part of the middle of each JPEG, which no other file has. */
export function tracesOf(jpegs: readonly Buffer[]): Buffer[] {
  return jpegs.map((jpeg) => jpeg.subarray(jpeg.length >> 1, (jpeg.length >> 1) + 48));
}

/** What is in /tmp now and was not in `before`. The browser may keep its own files of pictures: it is not part of roomkin. */
export function newInTmp(before: ReadonlySet<string>): string[] {
  return readdirSync('/tmp')
    .filter((name) => !before.has(name) && !/playwright|chromium/i.test(name))
    .map((name) => join('/tmp', name));
}

/** Files under `places` that changed since `sinceMs` (wall time) and hold one of `traces`. */
export function filesWith(traces: readonly Buffer[], places: readonly string[], sinceMs: number): string[] {
  const isNew = (path: string): boolean => {
    const file = statSync(path, { throwIfNoEntry: false });
    return file?.isFile() === true && file.mtimeMs >= sinceMs - 1000 && file.size < 64 << 20;
  };
  return places.flatMap((place) => {
    try {
      const paths = readdirSync(place, { recursive: true, encoding: 'utf8' }).map((name) => join(place, name));
      return [place, ...paths].filter(
        (path) => isNew(path) && traces.some((trace) => readFileSync(path).includes(trace)),
      );
    } catch {
      return []; // it is gone meanwhile, or another user's
    }
  });
}
