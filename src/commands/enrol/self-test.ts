// The end of a guided enrolment: does the room itself name the person? Pure: it counts the daemon's decisions on observations.
import type { PersonId } from '../../gallery/person.js';
import type { Reason } from '../../gallery/reason.js';
import type { DecidedObservation } from '../../recognition/observation.js';

/** Observations that are counted, starting with the first one that has the name. */
export const testedObservations = 8;
/** The test fails after this many good observations without the name; a track needs about three of them. */
const patienceObservations = 24;

/** Immutable; starts as `noTest`. */
export interface SelfTest {
  /** Observations since the first one with the name, including it. */
  readonly observations: number;
  /** Those of them with the name. */
  readonly named: number;
  /** Good observations before the first one with the name. */
  readonly before: number;
  /** Lowest similarity of one observation to the person, where the person was the nearest; null before any. */
  readonly leastSimilarity: number | null;
  /** The reason for the last decision. */
  readonly reason: Reason | null;
}

export const noTest: SelfTest = { observations: 0, named: 0, before: 0, leastSimilarity: null, reason: null };

export type TestedObservation = Pick<DecidedObservation, 'weight' | 'best' | 'similarity' | 'person' | 'reason'>;

/** The test after one more observation. Observations with no weight (blurred, turned away) change nothing. */
export function tested(before: SelfTest, observation: TestedObservation, person: PersonId): SelfTest {
  if (!(observation.weight > 0)) return before;
  const { reason, similarity } = observation;
  const isNamed = observation.person === person;
  if (before.observations === 0 && !isNamed) return { ...before, before: before.before + 1, reason };
  const own = observation.best === person && similarity !== null ? similarity : null;
  const leastSimilarity = own === null ? before.leastSimilarity : Math.min(own, before.leastSimilarity ?? own);
  return {
    before: before.before,
    observations: before.observations + 1,
    named: before.named + (isNamed ? 1 : 0),
    leastSimilarity,
    reason,
  };
}

/** null while the test goes on. */
export function outcome(test: SelfTest): 'passed' | 'failed' | null {
  if (test.observations === 0) return test.before >= patienceObservations ? 'failed' : null;
  if (test.observations < testedObservations) return null;
  return test.named === test.observations ? 'passed' : 'failed';
}
