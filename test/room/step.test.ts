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

/** A room that is shown faces, one frame each 100 ms unless told otherwise. */
function room(options = clipOptions) {
  let state: RoomState = startRoom(0);
  let atMs = 0;
  let sequence = 0;
  const said: string[] = [];
  const take = (result: RoomStep) => {
    state = result.state;
    said.push(...result.events.map((event) => `${event.type} ${event.person ?? ''}`.trim()));
    return result;
  };
  return {
    said,
    get state() {
      return state;
    },
    get atMs() {
      return atMs;
    },
    frame(faces: Face[], gallery: Gallery = household, afterMs = 100, hints = {}) {
      atMs += afterMs;
      const analysis: Analysis = { capturedAt: atMs, sequence: sequence++, width: 1280, height: 960, faces };
      return take(step(state, analysis, gallery, options, hints));
    },
    still(afterMs: number, gallery: Gallery = household) {
      atMs += afterMs;
      return take(stepUnchanged(state, atMs, gallery, options));
    },
  };
}

const names = new Map(household.people.map(({ id, name }) => [id, name]));

t.test('three good looks name a person within half a second', async (t) => {
  const r = room();
  const reasons = Array.from({ length: 3 }, () => r.frame([face(here, ada)]).observations[0]!.reason);
  t.strictSame(reasons.slice(0, 2), [
    { kind: 'few-agreeing', best: 'ada', agreeing: 1, needed: 3 },
    { kind: 'few-agreeing', best: 'ada', agreeing: 2, needed: 3 },
  ]);
  t.strictSame(r.said, ['arrived ada']);
  t.equal(r.atMs, 300);
});

t.test('forty bad looks name nobody', async (t) => {
  const r = room();
  for (let i = 0; i < 40; i++) r.frame([face(here, ada, { eyesPx: 9 })]);
  t.strictSame(r.said, []);
  const { observations: looks, snapshot } = r.frame([face(here, ada, { eyesPx: 9 })]);
  t.match(looks[0], {
    person: null,
    state: 'unclear',
    weight: 0,
    reason: { kind: 'too-small', eyesPx: 9, neededPx: 12 },
  });
  t.match(snapshot, { occupied: true, people: [], strangers: 0 }, 'somebody is there all the same');
});

t.test('a look explains itself with the best two names', async (t) => {
  const r = room();
  const { observations: looks } = r.frame([face(here, ada)]);
  t.match(looks[0], { best: 'ada', runnerUp: 'ben', person: null, state: 'unclear', track: 1 });
  t.ok(Math.abs(looks[0]!.similarity! - 0.8) < 1e-6);
});

t.test('a stranger is announced only after good looks for some time, and once', async (t) => {
  const r = room();
  for (let i = 0; i < 15; i++) r.frame([face(here, zoe)]);
  t.strictSame(r.said, []);
  for (let i = 0; i < 5; i++) r.frame([face(here, zoe)]);
  t.strictSame(r.said, ['stranger_arrived']);
  for (let i = 0; i < 40; i++) r.frame([]);
  for (let i = 0; i < 40; i++) r.frame([face(there, zoe)]);
  t.strictSame(r.said, ['stranger_arrived'], 'the same one on another track');
});

t.test('blurred faces near nobody are not strangers', async (t) => {
  const r = room();
  for (let i = 0; i < 100; i++) r.frame([face(here, zoe, { sharpness: 0.15 })]);
  t.strictSame(r.said, []);
  t.match(r.frame([face(here, zoe, { sharpness: 0.15 })]).observations[0]!.reason, {
    kind: 'not-yet-stranger',
    because: { kind: 'few-good', good: 0, needed: 6, overMs: 1500 },
  });
});

t.test('a named track is not called a stranger by a few poor resemblances', async (t) => {
  const r = room();
  for (let i = 0; i < 20; i++) r.frame([face(here, ada)]);
  for (let i = 0; i < 10; i++) r.frame([face(here, vector(0.35, 0.1, 0.5))]);
  t.strictSame(r.said, ['arrived ada']);
});

t.test('a few looks name nobody whom somebody else resembles; more of them do', async (t) => {
  const r = room();
  const between = vector(0.7, 0.59);
  for (let i = 0; i < 3; i++) r.frame([face(here, between)]);
  t.strictSame(r.said, []);
  const { reason } = r.frame([face(here, between)]).observations[0]!;
  t.match(reason, { kind: 'too-close', best: 'ada', second: 'ben' });
  t.match(reasonText(reason, names), /^Ada and Ben are 0.11 apart, 0.12 needed$/);
  for (let i = 0; i < 30; i++) r.frame([face(here, between)]);
  t.strictSame(r.said, ['arrived ada']);
});

t.test('two faces never share a name', async (t) => {
  const r = room();
  for (let i = 0; i < 10; i++) {
    const { observations: looks } = r.frame([face(here, ada), face(there, vector(0.9))]);
    t.ok(looks.filter((look) => look.person === 'ada').length <= 1);
  }
  t.strictSame(r.said, ['arrived ada']);
});

t.test('another face in the same place does not inherit the name', async (t) => {
  const r = room();
  for (let i = 0; i < 100; i++) r.frame([face(here, ada)]);
  const { observations: looks } = r.frame([face(here, vector(0, 0.95))]);
  t.not(looks[0]!.track, 1);
  t.equal(looks[0]!.person, null);
  for (let i = 0; i < 3; i++) r.frame([face(here, vector(0, 0.95))]);
  t.strictSame(r.said, ['arrived ada', 'arrived ben']);
});

t.test('a track taken over by somebody similar changes its name after three sure looks', async (t) => {
  const r = room();
  for (let i = 0; i < 100; i++) r.frame([face(here, ada)]);
  const names = Array.from({ length: 6 }, () => r.frame([face(here, ben)]).observations[0]!);
  t.strictSame(
    names.map((look) => [look.track, look.person]),
    [
      [1, 'ada'],
      [1, 'ada'],
      [1, null],
      [1, 'ben'],
      [1, 'ben'],
      [1, 'ben'],
    ],
  );
  t.strictSame(r.said, ['arrived ada', 'arrived ben']);
});

t.test('a track that had a name is not soon called a stranger', async (t) => {
  const r = room();
  for (let i = 0; i < 5; i++) r.frame([face(here, ada)]);
  for (let i = 0; i < 90; i++) r.frame([face(here, vector(0.3, 0.1, 0.5))]);
  t.strictSame(r.said, ['arrived ada']);
  for (let i = 0; i < 300; i++) r.frame([face(here, vector(0.3, 0.1, 0.5))]);
  t.strictSame(r.said, ['arrived ada', 'stranger_arrived', 'left ada']);
});

t.test('who is forgotten leaves with the next frame and is not named again', async (t) => {
  const r = room();
  for (let i = 0; i < 5; i++) r.frame([face(here, ada)]);
  const without = { ...household, version: 2, people: household.people.slice(1) };
  r.frame([face(here, ada)], without);
  t.strictSame(r.said, ['arrived ada', 'left ada']);
  for (let i = 0; i < 5; i++) t.equal(r.frame([face(here, ada)], without).observations[0]!.person, null);
});

t.test('a face that is said not to be somebody loses the name while it is still there', async (t) => {
  const double = vector(0.7, 0, 0.3);
  const r = room();
  for (let i = 0; i < 5; i++) r.frame([face(here, double)]);
  t.strictSame(r.said, ['arrived ada']);
  const people = household.people.map((one) =>
    one.id === 'ada' ? { ...one, negativeTemplates: [{ id: 1, vector: double }] } : one,
  );
  const { observations: looks } = r.frame([face(here, double)], { ...household, version: 2, people });
  t.match(looks, [{ person: null, state: 'unclear', reason: { kind: 'nearer-to-negative', best: 'ada' } }]);
});

t.test('who is enrolled while there is named on the same track', async (t) => {
  const r = room();
  const without = { ...household, people: household.people.slice(1) };
  for (let i = 0; i < 30; i++) r.frame([face(here, ada)], without);
  t.strictSame(r.said, ['stranger_arrived']);
  for (let i = 0; i < 5; i++) r.frame([face(here, ada)]);
  t.strictSame(r.said, ['stranger_arrived', 'stranger_left', 'arrived ada']);
});

t.test('an unchanged picture keeps whoever was in it', async (t) => {
  const r = room();
  for (let i = 0; i < 5; i++) r.frame([face(here, ada)]);
  for (let i = 0; i < 100; i++) t.match(r.still(1000).snapshot.people, [{ person: 'ada', as: 'seen' }]);
  t.strictSame(r.said, ['arrived ada']);
});

t.test('an unchanged empty picture lets people leave', async (t) => {
  const r = room();
  for (let i = 0; i < 5; i++) r.frame([face(here, ada)]);
  for (let i = 0; i < 25; i++) r.frame([]);
  for (let i = 0; i < 20; i++) r.still(1000);
  t.strictSame(r.said, ['arrived ada', 'left ada']);
});

t.test('who walks out of an otherwise unchanged picture leaves as soon as anybody', async (t) => {
  const r = room();
  for (let i = 0; i < 5; i++) r.frame([face(here, ada)]);
  const gone = r.atMs;
  // The gate lets one frame a second through, as it does for an empty room.
  while (!r.said.includes('left ada') && r.atMs - gone < 600_000) {
    r.frame([]);
    for (let i = 0; i < 9; i++) r.still(100);
  }
  t.ok(
    r.atMs - gone <= clipOptions.presence.leaveAfterMs + clipOptions.tracks.lostAfterMs + 1000,
    `${r.atMs - gone} ms`,
  );
});

t.test('nobody enrolled: faces are strangers, nothing fails', async (t) => {
  const r = room();
  const nobody = { ...household, people: [] };
  for (let i = 0; i < 30; i++) r.frame([face(here, ada), face(there, null)], nobody);
  t.strictSame(r.said, ['stranger_arrived']);
});

t.test('memory stays bounded over a day of strangers', async (t) => {
  const r = room();
  const random = seededRandom(5);
  for (let i = 0; i < 400; i++) {
    const somebody = direction(8, random);
    for (let n = 0; n < 20; n++)
      r.frame([face([(i * 97) % 1100, 100, 90, 90], near(somebody, 0.9, direction(8, random)))]);
  }
  t.ok(r.state.tracks.tracks.length <= defaultRoomOptions.tracks.maxTracks);
  t.equal(r.state.decisions.size, r.state.tracks.tracks.length);
  t.ok(r.state.unknownPeople.known.length <= 32);
});
