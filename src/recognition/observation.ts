// One face in one frame and what was decided about it. Holds no pixels.

import type { IdentificationState } from '../gallery/identify.js';
import type { PersonId } from '../gallery/person.js';
import { peopleIn, type Reason } from '../gallery/reason.js';
import type { Box, Quality } from '../vision/face.js';

/** One face of one frame with its explanation, for `why`. */
export interface DecidedObservation {
  readonly atMs: number;
  readonly track: number;
  readonly box: Box;
  readonly score: number;
  readonly quality: Quality;
  /** Unit length; null where the quality was too low for an embedding. */
  readonly embedding: Float32Array | null;
  /** It has no embedding because none was due. */
  readonly isContinued?: boolean;
  /** Weight of this observation in the track embedding, 0 to 1; 0 where it was not used. */
  readonly weight: number;
  /** The comparison of this observation alone. */
  readonly best: PersonId | null;
  readonly runnerUp: PersonId | null;
  readonly similarity: number | null;
  readonly second: number | null;
  readonly margin: number | null;
  /** The decision on its track after this observation, and the rule that decided. */
  readonly person: PersonId | null;
  readonly state: IdentificationState;
  readonly reason: Reason;
}

/** Whether an observation mentions `person`: as the name, as nearest or second person, or in the reason. */
export function isAbout(observation: DecidedObservation, person: PersonId): boolean {
  const { person: named, best, runnerUp, reason } = observation;
  return [named, best, runnerUp, ...peopleIn(reason)].includes(person);
}
