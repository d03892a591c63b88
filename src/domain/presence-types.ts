// What a room says about its people. Times are monotonic milliseconds; publishing turns them into wall time.
import type { PersonId } from './gallery.js';

/** `seen`: a face or its live track shows them. `assumed`: they were seen, the face turned away, and nothing says they left. */
export type PresentAs = 'seen' | 'assumed';

export interface PresentPerson {
  readonly person: PersonId;
  readonly name: string;
  /** When they arrived, monotonic milliseconds. */
  readonly sinceMs: number;
  readonly as: PresentAs;
}

/** A face that is one of two people too much alike to tell. */
export interface AmbiguousFace {
  readonly people: readonly PersonId[];
  /** Their names, in the same order. */
  readonly names: readonly string[];
  readonly sinceMs: number;
}

/** What is true now. */
export interface PresenceSnapshot {
  /** Anyone, known or not. */
  readonly occupied: boolean;
  readonly people: readonly PresentPerson[];
  readonly ambiguous: readonly AmbiguousFace[];
  readonly strangers: number;
  /** When `occupied` last changed, monotonic milliseconds. */
  readonly sinceMs: number;
}

/** What changed, once per change. */
export interface PresenceEvent {
  readonly type: 'arrived' | 'left' | 'stranger_arrived' | 'stranger_left';
  /** null for strangers. */
  readonly person: PersonId | null;
  readonly name: string | null;
  readonly confidence: 'high' | 'medium';
  /** Who is present after the change. */
  readonly present: readonly PersonId[];
  readonly atMs: number;
  /** Only with `left`: the room in which they were just seen; null where they merely left. */
  readonly movedTo: string | null;
}
