// The end of a guided enrolment: does the room itself name the person now? Pure: looks as the daemon explained them come in.
import type { PersonId } from '../../gallery/person.js';
import type { Reason } from '../../gallery/reason.js';
import type { DecidedObservation } from '../../recognition/observation.js';

/** Looks that are judged, from the first one that has a name on. */
export const testedObservations = 8;
/** Good looks without the name after which the test has failed: a track needs about three of them. */
const patienceLooks = 24;

/** Immutable; starts as `noTest`. */
export interface SelfTest {
  /** Looks since the first that was given the name; those among them that had it. */
  readonly observations: number;
  readonly named: number;
  /** Good looks before the first. */
  readonly before: number;
  /** Least similarity of one look to the person, as far as the person was nearest; null before any. */
  readonly leastSimilarity: number | null;
  /** The reason for the last decision. */
  readonly reason: Reason | null;
}

export const noTest: SelfTest = { observations: 0, named: 0, before: 0, leastSimilarity: null, reason: null };

export type TestedObservation = Pick<DecidedObservation, 'weight' | 'best' | 'similarity' | 'person' | 'reason'>;

/** One look further. Looks that do not count (blurred, turned away) change nothing. */
export function tested(before: SelfTest, look: TestedObservation, person: PersonId): SelfTest {
  if (!(look.weight > 0)) return before;
  const { reason, similarity } = look;
  const named = look.person === person;
  if (before.observations === 0 && !named) return { ...before, before: before.before + 1, reason };
  const own = look.best === person && similarity !== null ? similarity : null;
  const least = own === null ? before.leastSimilarity : Math.min(own, before.leastSimilarity ?? own);
  const counts = { observations: before.observations + 1, named: before.named + (named ? 1 : 0) };
  return { ...before, ...counts, leastSimilarity: least, reason };
}

/** null while it goes on. */
export function outcome(now: SelfTest): 'passed' | 'failed' | null {
  if (now.observations === 0) return now.before >= patienceLooks ? 'failed' : null;
  if (now.observations < testedObservations) return null;
  return now.named === now.observations ? 'passed' : 'failed';
}
