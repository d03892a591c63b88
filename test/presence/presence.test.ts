import t from 'tap';
import type { PresenceEvent } from '../../src/presence/presence.js';
import {
  emptyRoom,
  type PresenceInput,
  type PresenceOptions,
  type PresenceState,
  presence,
} from '../../src/presence/presence.js';

const options: PresenceOptions = { leaveAfterMs: 10_000, gapMs: 2000 };
const names = new Map([
  ['ada', 'Ada'],
  ['ben', 'Ben'],
]);

const keys = (...all: string[]) => all.map((key) => ({ key, agoMs: 0 }));

/** A room that gets the people on its tracks, frame by frame. */
function room(roomOptions: PresenceOptions = options) {
  let state: PresenceState = emptyRoom(0);
  const events: PresenceEvent[] = [];
  return {
    events,
    get snapshot() {
      return state.snapshot;
    },
    at(atMs: number, people: string[] = [], more: Partial<PresenceInput> = {}) {
      const seen = people.map((person) => ({ person, confidence: 'high' as const, agoMs: 0 }));
      const step = presence(
        state,
        { atMs, people: seen, unknownPeople: [], someone: false, names, ...more },
        roomOptions,
      );
      state = step.state;
      events.push(...step.events);
      return step.events.map((event) => `${event.type} ${event.person ?? ''}`.trim());
    },
    empty(fromMs: number, toMs: number, more: Partial<PresenceInput> = {}) {
      const changes: string[] = [];
      for (let atMs = fromMs; atMs <= toMs; atMs += 1000) changes.push(...this.at(atMs, [], more));
      return changes;
    },
  };
}

t.test('a person arrives once, is assumed when not seen, and leaves after the configured time', async (t) => {
  const r = room();
  t.strictSame(r.at(1000, ['ada']), ['arrived ada']);
  t.strictSame(r.at(2000, ['ada']), []);
  t.match(r.snapshot, {
    occupied: true,
    people: [{ person: 'ada', name: 'Ada', sinceMs: 1000, as: 'seen' }],
    sinceMs: 1000,
  });
  t.strictSame(r.empty(3000, 11_000), []);
  t.match(r.snapshot.people, [{ as: 'assumed' }]);
  t.strictSame(r.at(12_000), ['left ada'], 'ten seconds of absence were observed');
  t.match(r.snapshot, { occupied: false, people: [], sinceMs: 12_000 });
});

t.test('a return before the time has passed is no event', async (t) => {
  const r = room();
  r.at(0, ['ada']);
  t.strictSame(r.empty(1000, 9000), []);
  t.strictSame(r.at(9500, ['ada']), []);
  t.strictSame(r.empty(10_000, 19_000), []);
  t.equal(r.events.length, 1);
});

t.test('a longer leaving time keeps her longer', async (t) => {
  const r = room({ ...options, leaveAfterMs: 20_000 });
  r.at(0, ['ada']);
  t.strictSame(r.empty(1000, 19_000), []);
  t.strictSame(r.at(20_000), ['left ada']);
});

t.test('the time of a blind camera does not count as absence', async (t) => {
  const r = room();
  r.at(0, ['ada']);
  t.strictSame(r.at(3_600_000), [], 'an hour without a frame counts as gapMs');
  t.match(r.snapshot.people, [{ as: 'assumed' }]);
  t.strictSame(r.empty(3_601_000, 3_607_000), []);
  t.strictSame(r.at(3_608_000), ['left ada']);
});

t.test('an external sensor keeps a sleeper present', async (t) => {
  const r = room();
  r.at(0, ['ada']);
  t.strictSame(r.empty(1000, 100_000, { held: true }), []);
  t.match(r.snapshot.people, [{ person: 'ada', as: 'assumed' }]);
  t.strictSame(r.empty(101_000, 110_000), ['left ada']);
});

t.test('an external sensor makes nobody arrive', async (t) => {
  const r = room();
  t.strictSame(r.empty(0, 10_000, { held: true }), []);
  t.equal(r.snapshot.occupied, false);
});

t.test('a person who belongs to another room leaves at once and does not arrive', async (t) => {
  const r = room();
  r.at(0, ['ben']);
  const elsewhere = new Map([
    ['ada', 'hall'],
    ['ben', 'study'],
  ]);
  t.strictSame(r.at(1000, ['ada', 'ben'], { elsewhere }), ['left ben']);
  t.equal(r.events.at(-1)?.movedTo, 'study');
  t.strictSame(r.at(2000, ['ada']), ['arrived ada']);
  t.equal(r.events.at(-1)?.movedTo, null);
  r.empty(3000, 20_000);
  t.match(r.events.at(-1), { type: 'left', person: 'ada', movedTo: null }, 'merely left');
});

t.test('a forgotten person leaves at once, even while seen', async (t) => {
  const r = room();
  r.at(0, ['ada', 'ben']);
  t.strictSame(r.at(1000, ['ada', 'ben'], { names: new Map([['ben', 'Ben']]) }), ['left ada']);
  t.match(r.snapshot.people, [{ person: 'ben' }]);
});

t.test('a changed name is published without an event', async (t) => {
  const r = room();
  r.at(0, ['ada']);
  t.strictSame(r.at(1000, ['ada'], { names: new Map([['ada', 'Ada L.']]) }), []);
  t.match(r.snapshot.people, [{ person: 'ada', name: 'Ada L.' }]);
});

t.test('unknown people arrive and leave by their key; a mistaken one leaves at once', async (t) => {
  const r = room();
  t.strictSame(r.at(0, [], { unknownPeople: keys('a', 'b') }), ['stranger_arrived', 'stranger_arrived']);
  t.equal(r.snapshot.strangers, 2);
  t.strictSame(r.at(1000, ['ada'], { unknownPeople: keys('b'), mistaken: ['a'] }), ['stranger_left', 'arrived ada']);
  t.strictSame(r.empty(2000, 10_000), []);
  t.strictSame(r.at(11_000), ['left ada', 'stranger_left']);
});

t.test('an unnamed face occupies the room without a person or a stranger', async (t) => {
  const r = room();
  t.strictSame(r.at(0, [], { someone: true }), []);
  t.match(r.snapshot, { occupied: true, people: [], strangers: 0 });
  r.empty(1000, 9000);
  t.equal(r.snapshot.occupied, true);
  r.at(10_000);
  t.equal(r.snapshot.occupied, false);
});

t.test('each event has the people present after it', async (t) => {
  const r = room();
  r.at(0, ['ada', 'ben']);
  r.at(1000, ['ben'], { elsewhere: new Map([['ada', 'hall']]) });
  t.strictSame(
    r.events.map(({ type, person, name, present, confidence }) => ({ type, person, name, present, confidence })),
    [
      { type: 'arrived', person: 'ada', name: 'Ada', present: ['ada'], confidence: 'high' },
      { type: 'arrived', person: 'ben', name: 'Ben', present: ['ada', 'ben'], confidence: 'high' },
      { type: 'left', person: 'ada', name: 'Ada', present: ['ben'], confidence: 'high' },
    ],
  );
});

t.test('a clock that goes back changes nothing', async (t) => {
  const r = room();
  r.at(10_000, ['ada']);
  t.strictSame(r.at(0), []);
  t.match(r.snapshot.people, [{ person: 'ada', as: 'assumed' }]);
});

t.test('absence counts from the last observation, not from the end of the track', async (t) => {
  const r = room();
  r.at(0, ['ada']);
  const people = [{ person: 'ada', confidence: 'high' as const, agoMs: 1500 }];
  t.strictSame(r.at(1500, [], { people }), []);
  t.match(r.snapshot.people, [{ as: 'seen' }], 'the track lives');
  t.strictSame(r.empty(2000, 9000), []);
  t.strictSame(r.at(10_000), ['left ada']);
});

t.test('motion support slows the absence of its person only', async (t) => {
  const r = room();
  r.at(0, ['ada', 'ben']);
  const motionSupport = new Map([['ada', 0.75]]);
  t.strictSame(r.empty(1000, 9000, { motionSupport }), []);
  t.strictSame(r.at(10_000, [], { motionSupport }), ['left ben']);
  t.strictSame(r.empty(11_000, 39_000, { motionSupport }), []);
  t.match(r.snapshot.people, [{ person: 'ada', as: 'assumed' }]);
  t.strictSame(r.at(40_000, [], { motionSupport }), ['left ada'], 'a quarter of the time counted');
});

t.test('motion support makes nobody arrive, and keeps nobody who is elsewhere or forgotten', async (t) => {
  const r = room();
  const motionSupport = new Map([
    ['ada', 1],
    ['ben', 1],
  ]);
  t.strictSame(r.empty(0, 10_000, { motionSupport }), []);
  r.at(11_000, ['ada', 'ben']);
  t.strictSame(r.at(12_000, [], { motionSupport, elsewhere: new Map([['ada', 'hall']]) }), ['left ada']);
  t.strictSame(r.at(13_000, [], { motionSupport, names: new Map() }), ['left ben']);
});
