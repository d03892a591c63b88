// The last faces and their positions for the page of `roomkin open`. They are put together here from what is new, so that the daemon does
// not read and send a day for each question.
import type { OverviewFace } from '../phone/overview-page.js';
import { mostPositions } from '../reports/faces.js';
import type { ReportAnswer, ReportGiven } from '../reports/reports.js';

type Faces = ReportAnswer<'faces'>;

export interface LastFaces extends Pick<Faces, 'positions' | 'width' | 'height'> {
  /** The newest face of each track, newest first. */
  readonly faces: readonly OverviewFace[];
}

/**
 * Returns a function that reads the `last` faces. Its argument is the people: after a change of theirs everything is read again, because
 * entries about who is forgotten are gone.
 */
export function createLastFaces(
  last: number,
  ask: (given: ReportGiven<'faces'>) => Promise<Faces>,
): (people: unknown) => Promise<LastFaces> {
  let newest = new Map<string, Faces['faces'][number]>();
  let positions: Faces['positions'] = [];
  let after: number | null = null;
  let peopleBefore: string | null = null;

  return async (people) => {
    const text = JSON.stringify(people);
    if (text !== peopleBefore) after = null;
    const answer = await ask(after === null ? { last } : { last, after });
    peopleBefore = text;
    after = answer.newest;
    if (answer.whole) {
      newest = new Map();
      positions = [];
    }
    positions = [...positions, ...answer.positions].slice(-mostPositions);
    for (const face of answer.faces.toReversed()) {
      const key = `${face.run} ${face.track}`;
      const before = newest.get(key);
      if (before?.counted && !face.counted && before.person === face.person) continue;
      newest.delete(key);
      newest.set(key, face);
    }
    newest = new Map([...newest].slice(-last));
    const { width, height, run } = answer;
    const faces = [...newest.values()]
      .reverse()
      .map(({ track, ...face }) => ({ ...face, track: face.run === run ? track : null }));
    return { faces, positions, width, height };
  };
}
