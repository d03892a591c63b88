// What one room tells the others about a person, and whose word counts. Invariant: the order of two claims is computed from
// exact values that both rooms hold (grade, confidence, turn, id), never from times, so that both come to the same answer.
import type { PersonId } from './gallery.js';
import type { PresenceEvent } from './presence-types.js';

export type RoomId = string;

/**
 * `seen`: on a live track with a fresh look. `fading`: on a live track without one. `assumed`: present, not on a track.
 * `gone`: was present here, is no longer.
 */
export type Grade = 'seen' | 'fading' | 'assumed' | 'gone';

export const grades: readonly Grade[] = ['seen', 'fading', 'assumed', 'gone'];

/** A room's evidence for one person. */
export interface Claim {
  readonly as: Grade;
  /** Whether the room's own state says that the person is there; false with evidence means that it yields to another room. */
  readonly says: boolean;
  /** The best of this visit. */
  readonly confidence: PresenceEvent['confidence'];
  /** Logical time of the visit: each new one is above every turn heard of before. Of two equals the lower, older one stays. */
  readonly turn: number;
  /** Time since the last look at the moment of sending: rooms exchange ages, since their clocks differ. */
  readonly ageMs: number;
}

/** Everything one room tells the others. */
export interface RoomClaims {
  /** Grows whenever a claim changes in more than its age. */
  readonly version: number;
  /** The last version that this room has heard of each other one. */
  readonly heard: ReadonlyMap<RoomId, number>;
  readonly people: ReadonlyMap<PersonId, Claim>;
}

/** What the order depends on. */
export type Rank = Pick<Claim, 'as' | 'confidence' | 'turn'> & { readonly room: RoomId };

/** Whether the claim needs a track. */
export function isLive(grade: Grade): boolean {
  return grade === 'seen' || grade === 'fading';
}

/** Whether claim `a` counts more than `b`: newer, then stronger, then longer there, then by the room's id. A total order. */
export function outranks(a: Rank, b: Rank): boolean {
  const [newerA, newerB] = [grades.indexOf(a.as), grades.indexOf(b.as)];
  if (newerA !== newerB) return newerA < newerB;
  if (a.confidence !== b.confidence) return a.confidence === 'high';
  return a.turn === b.turn ? a.room < b.room : a.turn < b.turn;
}
