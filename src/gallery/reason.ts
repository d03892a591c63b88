// The reason for a decision as data: the rule, its figures and the people it mentions by id. Only reason-text.ts turns reasons into
// sentences, and nothing parses these sentences.
import type { FaceReason } from './identify.js';
import type { PersonId } from './person.js';

/** The reason for a track decision. Times in milliseconds. */
export type Reason =
  | FaceReason
  /** No observation of the track was good enough to be compared. */
  | { readonly kind: 'nothing-compared' }
  /** Another face of the same frame is closer to the person. */
  | { readonly kind: 'name-given-elsewhere'; readonly best: PersonId }
  /** The newest observations of the track are of somebody else. */
  | { readonly kind: 'person-changed'; readonly before: PersonId }
  | { readonly kind: 'few-agreeing'; readonly best: PersonId; readonly agreeing: number; readonly needed: number }
  | { readonly kind: 'short-span'; readonly best: PersonId; readonly spanMs: number; readonly neededMs: number }
  /** The observation neither confirms nor contradicts the name of the track. */
  | { readonly kind: 'name-kept'; readonly person: PersonId; readonly because: Reason }
  | { readonly kind: 'static-face'; readonly stillMs: number }
  /** Another room of the household has this person. */
  | { readonly kind: 'in-other-room'; readonly room: string; readonly decided: Reason };

/** The similarity to the closest person that the deciding rule compared with; null where it names none. */
export function neededIn(reason: Reason): number | null {
  switch (reason.kind) {
    case 'match':
    case 'below-threshold':
      return reason.needed;
    case 'not-yet-stranger':
      return neededIn(reason.compared);
    case 'name-kept':
      return neededIn(reason.because);
    case 'in-other-room':
      return neededIn(reason.decided);
    default:
      return null;
  }
}

/** The ids of all people whom `reason` mentions. */
export function peopleIn(reason: Reason): readonly PersonId[] {
  switch (reason.kind) {
    case 'unlike-everybody':
    case 'below-threshold':
    case 'nearer-to-cohort':
    case 'nearer-to-negative':
    case 'match':
    case 'name-given-elsewhere':
    case 'few-agreeing':
    case 'short-span':
      return [reason.best];
    case 'too-close':
      return [reason.best, reason.second];
    case 'person-changed':
      return [reason.before];
    case 'not-yet-stranger':
      return peopleIn(reason.compared);
    case 'name-kept':
      return [reason.person, ...peopleIn(reason.because)];
    case 'in-other-room':
      return peopleIn(reason.decided);
    default:
      return [];
  }
}
