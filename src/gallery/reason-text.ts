// Puts reasons into words, for `why`, `identify`, `replay` and the self-test of an enrolment. No other file does this.

import type { Face } from '../vision/face.js';
import { refusal, strangerGate } from '../vision/quality-gate.js';
import type { NotYetStranger } from './identify.js';
import type { PersonId } from './person.js';
import type { Reason } from './reason.js';

/** One line with units. `names` maps the id of every person in the gallery to the name; an unknown id is shown as it is. */
export function reasonText(reason: Reason, names: ReadonlyMap<PersonId, string>): string {
  const name = (person: PersonId): string => names.get(person) ?? person;
  switch (reason.kind) {
    case 'too-small':
      return `${whole(reason.eyesPx)} px between the eyes, ${whole(reason.neededPx)} px needed`;
    case 'low-score':
      return `detector score ${percent(reason.score)}, ${percent(reason.needed)} needed`;
    case 'turned-aside':
      return `turned ${whole(reason.degrees)}° aside, ${whole(reason.mostDegrees)}° at most`;
    case 'turned-up-or-down':
      return `turned ${whole(reason.degrees)}° up or down, ${whole(reason.mostDegrees)}° at most`;
    case 'too-dark':
      return `light ${percent(reason.light)}, ${percent(reason.needed)} needed`;
    case 'low-contrast':
      return `contrast ${percent(reason.contrast)}, ${percent(reason.needed)} needed`;
    case 'blurred':
      return `sharpness ${percent(reason.sharpness)}, ${percent(reason.needed)} needed`;
    case 'rolled':
      return `tilted by ${whole(reason.degrees)}°, ${whole(reason.mostDegrees)}° at most`;
    case 'implausible':
      return `eyes, nose and mouth are ${percent(reason.misfit)} out of place, ${percent(reason.most)} at most`;
    case 'overexposed':
      return `${percent(reason.glare)} overexposed, ${percent(reason.most)} at most`;
    case 'unclear-face':
      return `hidden in part or not upright: clarity ${percent(reason.clarity)}, ${percent(reason.needed)} needed`;
    case 'not-embedded':
      return 'too poor to be compared';
    case 'nobody-enrolled':
      return 'nobody is enrolled';
    case 'unlike-everybody':
      return `similarity ${fine(reason.similarity)}, below ${fine(reason.below)}: nobody enrolled`;
    case 'below-threshold':
      return `similarity ${fine(reason.similarity)}, ${fine(reason.needed)} needed`;
    case 'nearer-to-cohort':
      return `similarity ${fine(reason.similarity)}, closer to a face given as unknown`;
    case 'nearer-to-negative':
      return `similarity ${fine(reason.similarity)}, closer to a face that is not ${name(reason.best)}`;
    case 'too-close': {
      const pair = `${name(reason.best)} and ${name(reason.second)}`;
      return `${pair} are ${fine(reason.margin)} apart, ${fine(reason.needed)} needed`;
    }
    case 'match': {
      const { margin } = reason;
      const lead = margin === null ? '' : `, margin ${fine(margin.value)} reaches ${fine(margin.needed)}`;
      return `similarity ${fine(reason.similarity)} reaches ${fine(reason.needed)}${lead}`;
    }
    case 'nothing-compared':
      return 'no observation was good enough yet';
    case 'name-given-elsewhere':
      return `another face in the picture is closer to ${name(reason.best)}`;
    case 'person-changed':
      return `no longer ${name(reason.before)}`;
    case 'few-agreeing': {
      const observations = reason.agreeing === 1 ? 'observation' : 'observations';
      return `${reason.agreeing} agreeing ${observations}, ${reason.needed} needed`;
    }
    case 'short-span':
      return `observations over ${whole(reason.spanMs)} ms, ${whole(reason.neededMs)} ms needed`;
    case 'not-yet-stranger':
      return `${reasonText(reason.compared, names)}; ${notYetText(reason.because, names)}`;
    case 'name-kept':
      return `still ${name(reason.person)}: ${reasonText(reason.because, names)}`;
    case 'static-face':
      return `has not moved for ${longTime(reason.stillMs)}: treated as a picture`;
    case 'in-other-room':
      return `is in ${reason.room}: ${reasonText(reason.decided, names)}`;
  }
}

/**
 * The reason of an observation in one line. Where good observations are missing for an unknown person, it also says why this one is
 * not good.
 */
export function observationText(
  { reason, ...face }: Pick<Face, 'score' | 'quality' | 'embedding'> & { readonly reason: Reason },
  names: ReadonlyMap<PersonId, string>,
): string {
  const text = reasonText(reason, names);
  const poor =
    reason.kind === 'not-yet-stranger' && reason.because.kind === 'few-good' ? refusal(face, strangerGate) : null;
  return poor === null ? text : `${text}; this one is not good: ${reasonText(poor, names)}`;
}

/** A time in minutes, hours or days: `45 min`, `3 h`, `2 d`. */
export function longTime(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 60) return `${minutes} min`;
  return minutes < 48 * 60 ? `${Math.floor(minutes / 60)} h` : `${Math.floor(minutes / 1440)} d`;
}

function notYetText(because: NotYetStranger, names: ReadonlyMap<PersonId, string>): string {
  switch (because.kind) {
    case 'poor':
      return `too poor for an unknown person: ${reasonText(because.because, names)}`;
    case 'strangers-off':
      return 'strangers are switched off';
    case 'few-good':
      return `${because.good} good observations, ${because.needed} over ${because.overMs / 1000} s needed`;
    case 'just-named':
      return 'somebody was just named here';
  }
}

function whole(value: number): string {
  return value.toFixed(0);
}

function fine(value: number): string {
  return value.toFixed(2);
}

/** With a decimal below 10 %, because the values needed are small. */
function percent(share: number): string {
  return `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;
}
