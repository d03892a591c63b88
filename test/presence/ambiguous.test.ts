import t from 'tap';
import type { Pair } from '../../src/gallery/identify.js';
import {
  ambiguousFaces,
  emptyRoom,
  noAmbiguousPairs,
  type PresenceState,
  presence,
  stepAmbiguous,
} from '../../src/presence/presence.js';

const names = new Map([
  ['ada', 'Ada'],
  ['bea', 'Bea'],
  ['cleo', 'Cleo'],
]);
const pair: Pair = ['ada', 'bea'];
const face = (between: Pair, agoMs = 0) => ({ between, agoMs });
const nobody: ReadonlySet<string> = new Set();

t.test('a pair is published once, and ends when the face was gone for long enough', async (t) => {
  const time = (atMs: number) => ({ atMs, absenceMs: 1000, limitMs: 3000 });
  let state = stepAmbiguous(noAmbiguousPairs, [face(pair), face(pair)], nobody, names, time(5000));
  t.strictSame(ambiguousFaces(state, names), [{ people: pair, names: ['Ada', 'Bea'], sinceMs: 5000 }]);
  state = stepAmbiguous(state, [], nobody, names, time(6000));
  state = stepAmbiguous(state, [], nobody, names, time(7000));
  t.equal(state.size, 1);
  t.equal(stepAmbiguous(state, [face(pair)], nobody, names, time(8000)).get('ada,bea')?.sinceMs, 5000);
  t.equal(stepAmbiguous(state, [], nobody, names, time(8000)).size, 0);
});

t.test('a pair ends when one of the two was named since, or was forgotten', async (t) => {
  const time = { atMs: 5000, absenceMs: 100, limitMs: 60_000 };
  const state = stepAmbiguous(noAmbiguousPairs, [face(pair), face(['bea', 'cleo'])], nobody, names, time);
  t.strictSame([...stepAmbiguous(state, [], new Set(['cleo']), names, time).keys()], ['ada,bea']);
  const withOtherFace = stepAmbiguous(state, [face(pair)], new Set(['ada']), names, time);
  t.strictSame(
    [...withOtherFace.keys()].sort(),
    ['ada,bea', 'bea,cleo'],
    'Ada is here, and another face is still ambiguous',
  );
  t.equal(stepAmbiguous(state, [face(pair)], nobody, new Map([['ada', 'Ada']]), time).size, 0);
});

t.test('an ambiguous face makes neither of the two arrive, keeps a present one, and occupies the room', async (t) => {
  const options = { leaveAfterMs: 10_000, gapMs: 2000 };
  let state: PresenceState = emptyRoom(0);
  const events: string[] = [];
  const at = (atMs: number, people: string[], ambiguous = [face(pair)]) => {
    const seen = people.map((person) => ({ person, confidence: 'high' as const, agoMs: 0 }));
    const step = presence(state, { atMs, people: seen, ambiguous, unknownPeople: [], someone: false, names }, options);
    state = step.state;
    events.push(...step.events.map(({ type, person }) => `${type} ${person}`));
    return step.snapshot;
  };
  t.match(at(1000, []), { occupied: true, people: [], ambiguous: [{ people: pair, sinceMs: 1000 }] });
  t.match(at(2000, ['ada'], []), { people: [{ person: 'ada' }], ambiguous: [] }, 'it was Ada');
  for (let atMs = 3000; atMs < 30_000; atMs += 1000) {
    t.match(at(atMs, []), { people: [{ person: 'ada', as: 'assumed' }], ambiguous: [{ names: ['Ada', 'Bea'] }] });
  }
  for (let atMs = 30_000; atMs < 45_000; atMs += 1000) at(atMs, [], []);
  t.strictSame(events, ['arrived ada', 'left ada']);
  t.match(state.snapshot, { occupied: false, ambiguous: [] });
});

t.test('the oldest pair is published first, whatever the order of the tracks', async (t) => {
  const at = (sinceMs: number, between: Pair) => ({ between, sinceMs, unseenMs: 0 });
  const pairs = new Map([
    ['bea,cleo', at(3000, ['bea', 'cleo'])],
    ['ada,bea', at(1000, pair)],
    ['ada,cleo', at(2000, ['ada', 'cleo'])],
  ]);
  t.strictSame(
    ambiguousFaces(pairs, names).map(({ sinceMs }) => sinceMs),
    [1000, 2000, 3000],
  );
});
