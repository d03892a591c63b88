// The rule of a decision in plain words, for people who do not know the terms of the program.
import type { PersonId } from '../gallery/person.js';
import type { Reason } from '../gallery/reason.js';
import type { QualityRefusal } from '../vision/quality-gate.js';
import { type Language, say } from './texts.js';

/** The end of a sentence. `names`: by the id of a person. */
export function reasonWords(reason: Reason, names: ReadonlyMap<PersonId, string>, language: Language): string {
  const nameOf = (person: PersonId): string => names.get(person) ?? say(language, 'somebody');
  const figures = (similarity: number, needed: number) => ({
    similarity: similarity.toFixed(2),
    needed: needed.toFixed(2),
  });
  switch (reason.kind) {
    case 'nothing-compared':
      return say(language, 'unclear');
    case 'nobody-enrolled':
      return say(language, 'nobodyEnrolled');
    case 'unlike-everybody':
    case 'nearer-to-cohort':
      return say(language, 'whyNobody');
    case 'below-threshold':
      return say(language, 'whyBelow', { name: nameOf(reason.best), ...figures(reason.similarity, reason.needed) });
    case 'nearer-to-negative':
      return say(language, 'whyNotPerson', { name: nameOf(reason.best) });
    case 'too-close':
      return say(language, 'whyTooClose', { name: nameOf(reason.best), other: nameOf(reason.second) });
    case 'match':
      return say(language, 'whyMatch', { name: nameOf(reason.best), ...figures(reason.similarity, reason.needed) });
    case 'name-given-elsewhere':
      return say(language, 'whyElsewhere', { name: nameOf(reason.best) });
    case 'person-changed':
      return say(language, 'whyChanged', { name: nameOf(reason.before) });
    case 'few-agreeing':
    case 'short-span':
      return say(language, 'whyShort');
    case 'not-yet-stranger':
      return reasonWords(reason.compared, names, language);
    case 'name-kept':
      return reasonWords(reason.because, names, language);
    case 'static-face':
      return say(language, 'whyStill');
    case 'in-other-room':
      return reasonWords(reason.decided, names, language);
    default:
      return qualityWords(reason, language);
  }
}

/** The end of a sentence: what is not good enough about a face. */
export function qualityWords(refusal: QualityRefusal, language: Language): string {
  const whole = (value: number): string => value.toFixed(0);
  switch (refusal.kind) {
    case 'too-small':
      return say(language, 'small', { px: whole(refusal.eyesPx), least: whole(refusal.neededPx) });
    case 'turned-aside':
    case 'turned-up-or-down':
      return say(language, 'turned', { degrees: whole(refusal.degrees) });
    case 'rolled':
      return say(language, 'rolled', { degrees: whole(refusal.degrees) });
    case 'overexposed':
      return say(language, 'bright');
    case 'too-dark':
      return say(language, 'dark');
    case 'low-contrast':
      return say(language, 'flat');
    case 'blurred':
      return say(language, 'blurred');
    case 'low-score':
    case 'implausible':
    case 'unclear-face':
    case 'not-embedded':
      return say(language, 'unclear');
  }
}
