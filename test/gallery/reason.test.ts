import t from 'tap';
import { peopleIn, type Reason } from '../../src/gallery/reason.js';
import { longTime, observationText, reasonText } from '../../src/gallery/reason-text.js';
import { madeUpVector, quality } from '../sharing/household.js';

const names = new Map([
  ['ada', 'Ada'],
  ['min', 'Min'],
]);
const match: Reason = { kind: 'match', best: 'ada', similarity: 0.7, needed: 0.5, margin: { value: 0.4, needed: 0.1 } };
const close: Reason = { kind: 'too-close', best: 'ada', second: 'min', margin: 0.05, needed: 0.1 };

/** Every kind of reason with its sentence and the people it mentions. */
const all: readonly (readonly [Reason, string, readonly string[]])[] = [
  [{ kind: 'too-small', eyesPx: 9.2, neededPx: 12 }, '9 px between the eyes, 12 px needed', []],
  [{ kind: 'low-score', score: 0.41, needed: 0.5 }, 'detector score 41 %, 50 % needed', []],
  [{ kind: 'turned-aside', degrees: 70, mostDegrees: 60 }, 'turned 70° aside, 60° at most', []],
  [{ kind: 'turned-up-or-down', degrees: 55, mostDegrees: 50 }, 'turned 55° up or down, 50° at most', []],
  [{ kind: 'too-dark', light: 0.02, needed: 0.03 }, 'light 2.0 %, 3.0 % needed', []],
  [{ kind: 'low-contrast', contrast: 0.01, needed: 0.02 }, 'contrast 1.0 %, 2.0 % needed', []],
  [{ kind: 'blurred', sharpness: 0.02, needed: 0.06 }, 'sharpness 2.0 %, 6.0 % needed', []],
  [{ kind: 'not-embedded' }, 'too poor to be compared', []],
  [{ kind: 'nobody-enrolled' }, 'nobody is enrolled', []],
  [
    { kind: 'unlike-everybody', best: 'ada', similarity: 0.2, below: 0.35 },
    'similarity 0.20, below 0.35: nobody enrolled',
    ['ada'],
  ],
  [{ kind: 'below-threshold', best: 'min', similarity: 0.45, needed: 0.53 }, 'similarity 0.45, 0.53 needed', ['min']],
  [
    { kind: 'nearer-to-cohort', best: 'ada', similarity: 0.6 },
    'similarity 0.60, closer to a face given as unknown',
    ['ada'],
  ],
  [
    { kind: 'nearer-to-negative', best: 'ada', similarity: 0.6 },
    'similarity 0.60, closer to a face that is not Ada',
    ['ada'],
  ],
  [close, 'Ada and Min are 0.05 apart, 0.10 needed', ['ada', 'min']],
  [{ kind: 'rolled', degrees: 75, mostDegrees: 40 }, 'tilted by 75°, 40° at most', []],
  [{ kind: 'implausible', misfit: 0.21, most: 0.13 }, 'eyes, nose and mouth are 21 % out of place, 13 % at most', []],
  [{ kind: 'overexposed', glare: 0.3, most: 0.05 }, '30 % overexposed, 5.0 % at most', []],
  [
    { kind: 'unclear-face', clarity: 0.71, needed: 0.84 },
    'hidden in part or not upright: clarity 71 %, 84 % needed',
    [],
  ],
  [match, 'similarity 0.70 reaches 0.50, margin 0.40 reaches 0.10', ['ada']],
  [{ ...match, margin: null }, 'similarity 0.70 reaches 0.50', ['ada']],
  [{ kind: 'nothing-compared' }, 'no observation was good enough yet', []],
  [{ kind: 'name-given-elsewhere', best: 'ada' }, 'another face in the picture is closer to Ada', ['ada']],
  [{ kind: 'person-changed', before: 'cleo' }, 'no longer cleo', ['cleo']],
  [{ kind: 'few-agreeing', best: 'ada', agreeing: 1, needed: 3 }, '1 agreeing observation, 3 needed', ['ada']],
  [{ kind: 'few-agreeing', best: 'ada', agreeing: 2, needed: 3 }, '2 agreeing observations, 3 needed', ['ada']],
  [{ kind: 'short-span', best: 'ada', spanMs: 90, neededMs: 180 }, 'observations over 90 ms, 180 ms needed', ['ada']],
  [
    { kind: 'not-yet-stranger', because: { kind: 'strangers-off' }, compared: close },
    'Ada and Min are 0.05 apart, 0.10 needed; strangers are switched off',
    ['ada', 'min'],
  ],
  [
    {
      kind: 'not-yet-stranger',
      because: { kind: 'few-good', good: 2, needed: 6, overMs: 1500 },
      compared: { kind: 'nobody-enrolled' },
    },
    'nobody is enrolled; 2 good observations, 6 over 1.5 s needed',
    [],
  ],
  [
    {
      kind: 'not-yet-stranger',
      because: { kind: 'poor', because: { kind: 'rolled', degrees: 75, mostDegrees: 40 } },
      compared: { kind: 'nobody-enrolled' },
    },
    'nobody is enrolled; too poor for an unknown person: tilted by 75°, 40° at most',
    [],
  ],
  [
    { kind: 'not-yet-stranger', because: { kind: 'just-named' }, compared: { kind: 'nobody-enrolled' } },
    'nobody is enrolled; somebody was just named here',
    [],
  ],
  [
    {
      kind: 'name-kept',
      person: 'min',
      because: { kind: 'below-threshold', best: 'ada', similarity: 0.4, needed: 0.5 },
    },
    'still Min: similarity 0.40, 0.50 needed',
    ['min', 'ada'],
  ],
  [{ kind: 'static-face', stillMs: 45 * 60_000 }, 'has not moved for 45 min: treated as a picture', []],
  [
    { kind: 'in-other-room', room: 'hall', decided: match },
    'is in hall: similarity 0.70 reaches 0.50, margin 0.40 reaches 0.10',
    ['ada'],
  ],
];

t.test('each reason has one sentence and mentions people by id', async (t) => {
  for (const [reason, sentence, people] of all) {
    t.equal(reasonText(reason, names), sentence);
    t.strictSame(peopleIn(reason), people, sentence);
  }
});

t.test('an observation says what keeps it from counting for an unknown person', async (t) => {
  const reason: Reason = {
    kind: 'not-yet-stranger',
    because: { kind: 'few-good', good: 2, needed: 6, overMs: 1500 },
    compared: { kind: 'nobody-enrolled' },
  };
  const good = { score: 0.9, quality: { ...quality, glare: 0.01 }, embedding: madeUpVector('face'), reason };
  const waiting = 'nobody is enrolled; 2 good observations, 6 over 1.5 s needed';
  t.equal(observationText(good, names), waiting);
  const bright = { ...good, quality: { ...quality, glare: 0.3 } };
  t.equal(observationText(bright, names), `${waiting}; this one is not good: 30 % overexposed, 5.0 % at most`);
  t.equal(observationText({ ...bright, reason: match }, names), reasonText(match, names), 'a name needs no such face');
});

t.test('ids are not searched in sentences: "45 min" does not mention "min"', async (t) => {
  t.strictSame(peopleIn({ kind: 'static-face', stillMs: 45 * 60_000 }), []);
});

t.test('long times have one unit', async (t) => {
  const hourMs = 3_600_000;
  t.strictSame(
    [45 / 60, 1, 47, 48].map((hours) => longTime(hours * hourMs)),
    ['45 min', '1 h', '47 h', '2 d'],
  );
});
