import t from 'tap';
import { seededRandom } from '../../src/commands/evaluate/random.js';
import type { Gallery } from '../../src/gallery/person.js';
import { reasonText } from '../../src/gallery/reason-text.js';
import { defaultRoomOptions } from '../../src/room/options.js';
import { type RoomState, type RoomStep, startRoom, step, stepUnchanged } from '../../src/room/step.js';
import type { Analysis, Box, Face } from '../../src/vision/face.js';
import { household, vector } from '../helpers/people.js';
import { clipOptions } from './clip-options.js';
import { direction, face, near } from './simulator.js';

const ada = vector(0.8);
const ben = vector(0, 0.8);
const zoe = vector(0.1, 0.1, 0.9);
const here: Box = [100, 100, 90, 90];
const there: Box = [600, 100, 90, 90];

/** A room that is shown faces, one frame every 100 ms by default. */
function room(options = clipOptions) {
  let state: RoomState = startRoom(0);
  let atMs = 0;
  let sequence = 0;
  const events: string[] = [];
  const apply = (result: RoomStep) => {
    state = result.state;
    events.push(...result.events.map((event) => `${event.type} ${event.person ?? ''}`.trim()));
    return result;
  };
  return {
    events,
    get state() {
      return state;
    },
    get atMs() {
      return atMs;
    },
    frame(faces: Face[], gallery: Gallery = household, afterMs = 100, hints = {}) {
      atMs += afterMs;
      const analysis: Analysis = { capturedAt: atMs, sequence: sequence++, width: 1280, height: 960, faces };
      return apply(step(state, analysis, gallery, options, hints));
    },
    still(afterMs: number, gallery: Gallery = household) {
      atMs += afterMs;
      return apply(stepUnchanged(state, atMs, gallery, options));
    },
  };
}

const names = new Map(household.people.map(({ id, name }) => [id, name]));

t.test('three good observations name a person within half a second', async (t) => {
  const r = room();
  const reasons = Array.from({ length: 3 }, () => r.frame([face(here, ada)]).observations[0]!.reason);
  t.strictSame(reasons.slice(0, 2), [
    { kind: 'few-agreeing', best: 'ada', agreeing: 1, needed: 3 },
    { kind: 'few-agreeing', best: 'ada', agreeing: 2, needed: 3 },
  ]);
  t.strictSame(r.events, ['arrived ada']);
  t.equal(r.atMs, 300);
});

t.test('forty unusable observations name nobody', async (t) => {
  const r = room();
  for (let i = 0; i < 40; i++) r.frame([face(here, ada, { eyesPx: 9 })]);
  t.strictSame(r.events, []);
  const { observations, snapshot } = r.frame([face(here, ada, { eyesPx: 9 })]);
  t.match(observations[0], {
    person: null,
    state: 'unclear',
    weight: 0,
    reason: { kind: 'too-small', eyesPx: 9, neededPx: 12 },
  });
  t.match(snapshot, { occupied: true, people: [], strangers: 0 }, 'the room is occupied nevertheless');
});

t.test('an observation has the two nearest people', async (t) => {
  const r = room();
  const { observations } = r.frame([face(here, ada)]);
  t.match(observations[0], { best: 'ada', runnerUp: 'ben', person: null, state: 'unclear', track: 1 });
  t.ok(Math.abs(observations[0]!.similarity! - 0.8) < 1e-6);
});

t.test('an unknown person arrives only after good observations over some time, and once', async (t) => {
  const r = room();
  for (let i = 0; i < 15; i++) r.frame([face(here, zoe)]);
  t.strictSame(r.events, []);
  for (let i = 0; i < 5; i++) r.frame([face(here, zoe)]);
  t.strictSame(r.events, ['stranger_arrived']);
  for (let i = 0; i < 40; i++) r.frame([]);
  for (let i = 0; i < 40; i++) r.frame([face(there, zoe)]);
  t.strictSame(r.events, ['stranger_arrived'], 'it is the same person on another track');
});

t.test('blurred faces that are near nobody are not strangers', async (t) => {
  const r = room();
  for (let i = 0; i < 100; i++) r.frame([face(here, zoe, { sharpness: 0.15 })]);
  t.strictSame(r.events, []);
  t.match(r.frame([face(here, zoe, { sharpness: 0.15 })]).observations[0]!.reason, {
    kind: 'not-yet-stranger',
    because: { kind: 'few-good', good: 0, needed: 6, overMs: 1500 },
  });
});

t.test('a few dissimilar observations do not make a named track a stranger', async (t) => {
  const r = room();
  for (let i = 0; i < 20; i++) r.frame([face(here, ada)]);
  for (let i = 0; i < 10; i++) r.frame([face(here, vector(0.35, 0.1, 0.5))]);
  t.strictSame(r.events, ['arrived ada']);
});

t.test('of two similar people nobody is named after a few observations, but one is after more', async (t) => {
  const r = room();
  const between = vector(0.7, 0.59);
  for (let i = 0; i < 3; i++) r.frame([face(here, between)]);
  t.strictSame(r.events, []);
  const { reason } = r.frame([face(here, between)]).observations[0]!;
  t.match(reason, { kind: 'too-close', best: 'ada', second: 'ben' });
  t.match(reasonText(reason, names), /^Ada and Ben are 0.11 apart, 0.12 needed$/);
  for (let i = 0; i < 30; i++) r.frame([face(here, between)]);
  t.strictSame(r.events, ['arrived ada']);
});

t.test('two faces never share a name', async (t) => {
  const r = room();
  for (let i = 0; i < 10; i++) {
    const { observations } = r.frame([face(here, ada), face(there, vector(0.9))]);
    t.ok(observations.filter(({ person }) => person === 'ada').length <= 1);
  }
  t.strictSame(r.events, ['arrived ada']);
});

t.test('another face in the same place does not inherit the name', async (t) => {
  const r = room();
  for (let i = 0; i < 100; i++) r.frame([face(here, ada)]);
  const { observations } = r.frame([face(here, vector(0, 0.95))]);
  t.not(observations[0]!.track, 1);
  t.equal(observations[0]!.person, null);
  for (let i = 0; i < 3; i++) r.frame([face(here, vector(0, 0.95))]);
  t.strictSame(r.events, ['arrived ada', 'arrived ben']);
});

t.test('a track that continues on another similar person changes its name after three sure observations', async (t) => {
  const r = room();
  for (let i = 0; i < 100; i++) r.frame([face(here, ada)]);
  const observations = Array.from({ length: 6 }, () => r.frame([face(here, ben)]).observations[0]!);
  t.strictSame(
    observations.map(({ track, person }) => [track, person]),
    [
      [1, 'ada'],
      [1, 'ada'],
      [1, null],
      [1, 'ben'],
      [1, 'ben'],
      [1, 'ben'],
    ],
  );
  t.strictSame(r.events, ['arrived ada', 'arrived ben']);
});

t.test('a track that had a name does not soon become a stranger', async (t) => {
  const r = room();
  for (let i = 0; i < 5; i++) r.frame([face(here, ada)]);
  for (let i = 0; i < 90; i++) r.frame([face(here, vector(0.3, 0.1, 0.5))]);
  t.strictSame(r.events, ['arrived ada']);
  for (let i = 0; i < 300; i++) r.frame([face(here, vector(0.3, 0.1, 0.5))]);
  t.strictSame(r.events, ['arrived ada', 'stranger_arrived', 'left ada']);
});

t.test('a forgotten person leaves with the next frame and is not named again', async (t) => {
  const r = room();
  for (let i = 0; i < 5; i++) r.frame([face(here, ada)]);
  const without = { ...household, version: 2, people: household.people.slice(1) };
  r.frame([face(here, ada)], without);
  t.strictSame(r.events, ['arrived ada', 'left ada']);
  for (let i = 0; i < 5; i++) t.equal(r.frame([face(here, ada)], without).observations[0]!.person, null);
});

t.test('a negative template removes the name from a face that is still there', async (t) => {
  const double = vector(0.7, 0, 0.3);
  const r = room();
  for (let i = 0; i < 5; i++) r.frame([face(here, double)]);
  t.strictSame(r.events, ['arrived ada']);
  const people = household.people.map((person) =>
    person.id === 'ada' ? { ...person, negativeTemplates: [{ id: 1, vector: double }] } : person,
  );
  const { observations } = r.frame([face(here, double)], { ...household, version: 2, people });
  t.match(observations, [{ person: null, state: 'unclear', reason: { kind: 'nearer-to-negative', best: 'ada' } }]);
});

t.test('a person who is enrolled while present is named on the same track', async (t) => {
  const r = room();
  const without = { ...household, people: household.people.slice(1) };
  for (let i = 0; i < 30; i++) r.frame([face(here, ada)], without);
  t.strictSame(r.events, ['stranger_arrived']);
  for (let i = 0; i < 5; i++) r.frame([face(here, ada)]);
  t.strictSame(r.events, ['stranger_arrived', 'stranger_left', 'arrived ada']);
});

t.test('an unchanged frame keeps everybody who was in it', async (t) => {
  const r = room();
  for (let i = 0; i < 5; i++) r.frame([face(here, ada)]);
  for (let i = 0; i < 100; i++) t.match(r.still(1000).snapshot.people, [{ person: 'ada', as: 'seen' }]);
  t.strictSame(r.events, ['arrived ada']);
});

t.test('people leave during unchanged empty frames', async (t) => {
  const r = room();
  for (let i = 0; i < 5; i++) r.frame([face(here, ada)]);
  for (let i = 0; i < 25; i++) r.frame([]);
  for (let i = 0; i < 20; i++) r.still(1000);
  t.strictSame(r.events, ['arrived ada', 'left ada']);
});

t.test('a person who walks out of an otherwise unchanged picture does not leave later than others', async (t) => {
  const r = room();
  for (let i = 0; i < 5; i++) r.frame([face(here, ada)]);
  const lastSeenMs = r.atMs;
  // The motion gate passes one frame per second, as it does for an empty room.
  while (!r.events.includes('left ada') && r.atMs - lastSeenMs < 600_000) {
    r.frame([]);
    for (let i = 0; i < 9; i++) r.still(100);
  }
  t.ok(
    r.atMs - lastSeenMs <= clipOptions.presence.leaveAfterMs + clipOptions.tracks.lostAfterMs + 1000,
    `${r.atMs - lastSeenMs} ms`,
  );
});

t.test('with nobody enrolled, faces are strangers', async (t) => {
  const r = room();
  const nobody = { ...household, people: [] };
  for (let i = 0; i < 30; i++) r.frame([face(here, ada), face(there, null)], nobody);
  t.strictSame(r.events, ['stranger_arrived']);
});

t.test('memory stays bounded over a day of unknown people', async (t) => {
  const r = room();
  const random = seededRandom(5);
  for (let i = 0; i < 400; i++) {
    const unknownPerson = direction(8, random);
    for (let n = 0; n < 20; n++)
      r.frame([face([(i * 97) % 1100, 100, 90, 90], near(unknownPerson, 0.9, direction(8, random)))]);
  }
  t.ok(r.state.tracks.tracks.length <= defaultRoomOptions.tracks.maxTracks);
  t.equal(r.state.decisions.size, r.state.tracks.tracks.length);
  t.ok(r.state.unknownPeople.known.length <= 32);
});
