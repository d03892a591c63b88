// One look at one face: what was seen, and what was made of it. No pixels.

import type { IdentificationState } from '../gallery/identify.js';
import type { PersonId } from '../gallery/person.js';
import type { Box, Quality } from '../vision/face.js';
import { peopleIn, type Reason } from './reason.js';

/** One face of one frame explained, for `why`. */
export interface DecidedObservation {
  readonly atMs: number;
  readonly track: number;
  readonly box: Box;
  readonly score: number;
  readonly quality: Quality;
  /** Unit length; null where the face was too poor to be embedded. */
  readonly embedding: Float32Array | null;
  /** How much it counted, 0 to 1; 0 when it was left out. */
  readonly weight: number;
  /** This look alone. */
  readonly best: PersonId | null;
  readonly runnerUp: PersonId | null;
  readonly similarity: number | null;
  readonly second: number | null;
  readonly margin: number | null;
  /** What its track is taken for after this look, and the rule that decided. */
  readonly person: PersonId | null;
  readonly state: IdentificationState;
  readonly reason: Reason;
}

/** Whether a look says anything about `person`: named, nearest, second, or mentioned by the reason. */
export function isAbout(look: DecidedObservation, person: PersonId): boolean {
  return [look.person, look.best, look.runnerUp, ...peopleIn(look.reason)].includes(person);
}
