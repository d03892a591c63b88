// Portraits, posters and other false faces: after an hour without movement they are ignored, until they move.
import t from 'tap';
import { gaussian, seededRandom } from '../../src/commands/evaluate/random.js';
import { reasonText } from '../../src/gallery/reason-text.js';
import {
  noStaticFaces,
  restoreStaticFaces,
  staticFaces,
  withoutEmbeddings,
} from '../../src/recognition/static-faces.js';
import type { RoomOptions } from '../../src/room/options.js';
import { type RoomState, startRoom, step, stepUnchanged, suspend } from '../../src/room/step.js';
import type { Analysis, Box, Face } from '../../src/vision/face.js';
import { household, vector } from '../helpers/people.js';
import { clipOptions } from '../room/clip-options.js';
import { face } from '../room/simulator.js';

const ada = vector(0.8);
const ben = vector(0, 0.99);
const zoe = vector(0.1, 0.1, 0.9);
const wall: Box = [100, 100, 90, 90];
const sofa: Box = [600, 300, 110, 110];
const hourMs = 3_600_000;

/** A room whose face boxes jitter as those of the real detector do in a lit room. */
function room(options: RoomOptions = clipOptions, known = noStaticFaces) {
  const random = seededRandom(7);
  let state: RoomState = startRoom(0, '', known);
  let atMs = 0;
  const events: string[] = [];
  const jittered = (face: Face): Face => {
    const [x, y, w, h] = face.box;
    const size = 1 + 0.02 * gaussian(random);
    const shifted = (value: number) => value + 0.01 * w * gaussian(random);
    return { ...face, box: [shifted(x + (w * (1 - size)) / 2), shifted(y + (h * (1 - size)) / 2), w * size, h * size] };
  };
  const r = {
    events,
    get state() {
      return state;
    },
    get atMs() {
      return atMs;
    },
    get staticFaces() {
      return staticFaces(state.staticFaces, options.staticFaces);
    },
    frame(faces: readonly Face[], afterMs = 200) {
      atMs += afterMs;
      const analysis: Analysis = {
        capturedAt: atMs,
        sequence: atMs,
        width: 1280,
        height: 960,
        faces: faces.map(jittered),
      };
      const result = step(state, analysis, household, options);
      state = result.state;
      events.push(...result.events.map((event) => `${event.type} ${event.person ?? ''}`.trim()));
      return result;
    },
    /** Shows the same faces for `ms`, in one frame per second by default. Gives the last step. */
    pass(ms: number, faces: readonly Face[], everyMs = 1000) {
      let last = r.frame(faces, everyMs);
      for (let passed = everyMs; passed < ms; passed += everyMs) last = r.frame(faces, everyMs);
      return last;
    },
    still(ms: number) {
      for (let passed = 0; passed < ms; passed += 200) {
        atMs += 200;
        const result = stepUnchanged(state, atMs, household, options);
        state = result.state;
      }
    },
    blind(ms: number) {
      state = suspend(state);
      atMs += ms;
    },
  };
  return r;
}

const portrait = face(wall, ada);

t.test('a portrait has its name for an hour, and no name from then on', async (t) => {
  const r = room();
  r.pass(4000, [portrait], 200);
  t.strictSame(r.events, ['arrived ada']);
  r.pass(hourMs - 10_000, [portrait]);
  t.strictSame(r.staticFaces, []);
  const { observations, snapshot } = r.pass(10_000, [portrait]);
  t.match(observations[0], { person: null, weight: 0, state: 'unclear', reason: { kind: 'static-face' } });
  t.match(r.staticFaces, [{ box: { length: 4 } }]);
  t.ok(Math.hypot(r.staticFaces[0]!.box[0] - wall[0], r.staticFaces[0]!.box[1] - wall[1]) < 3);
  t.match(snapshot, { occupied: true, people: [{ person: 'ada', as: 'assumed' }] }, 'as if the face had turned away');
  t.strictSame(r.events, ['arrived ada']);
  const later = r.pass(60_000, [portrait]);
  t.strictSame(r.events, ['arrived ada', 'left ada']);
  t.match(later.snapshot, { occupied: false, people: [], strangers: 0 });
  r.pass(3 * hourMs, [portrait], 5000);
  t.strictSame(r.events, ['arrived ada', 'left ada']);
  const { reason } = r.frame([portrait]).observations[0]!;
  t.match(reasonText(reason, new Map()), /^has not moved for 4 h: treated as a picture$/);
});

t.test(
  'a poster of an unknown face and a stain that the detector reports as a face leave the room empty',
  async (t) => {
    for (const staticFace of [face(wall, zoe), face(wall, null, { eyesPx: 8 })]) {
      const r = room();
      r.pass(4000, [staticFace], 200);
      t.equal(r.frame([staticFace]).snapshot.occupied, true);
      r.pass(hourMs + 80_000, [staticFace]);
      t.equal(r.frame([staticFace]).snapshot.occupied, false);
    }
  },
);

t.test('only observed time counts, and neither darkness nor a passer-by restarts it', async (t) => {
  const r = room();
  r.pass(hourMs / 2, [portrait]);
  r.pass(8 * hourMs, [], 5000);
  r.blind(8 * hourMs);
  r.pass(10_000, [portrait]);
  t.strictSame(r.staticFaces, [], 'the unobserved night does not count');
  for (let i = 0; i < 30; i++) r.frame([face([30 + 6 * i, 95, 100, 100], ben)]);
  r.pass(hourMs / 2 - 30_000, [portrait]);
  t.strictSame(r.staticFaces, []);
  r.pass(40_000, [portrait]);
  t.equal(r.staticFaces.length, 1);
});

t.test('an hour is an hour when the motion gate passes one frame per second', async (t) => {
  const r = room();
  while (r.atMs < hourMs + 5000) {
    r.frame([portrait]);
    r.still(800);
  }
  t.equal(r.staticFaces.length, 1);
});

t.test('a face that is detected only when its tile is searched counts as well', async (t) => {
  const r = room();
  /** A frame with the face, then frames of other tiles until `ms` later. */
  const searchTile = (ms: number): void => {
    r.frame([portrait], 500);
    for (let passedMs = 500; passedMs < ms; passedMs += 500) r.frame([], 500);
  };
  for (let i = 0; i < 301; i++) searchTile(12_000);
  t.strictSame(r.staticFaces, [], 'a gap of 12 s is longer than gapMs');
  for (let i = 0; i < 602; i++) searchTile(6000);
  t.equal(r.staticFaces.length, 1);
});

t.test('Ada is named beside her portrait, before and after it becomes a static face', async (t) => {
  const r = room();
  r.pass(400_000, [portrait]);
  t.strictSame(r.events, ['arrived ada']);
  const alive = (i: number) => face([600 + 20 * Math.sin(i), 300, 110, 110], vector(0.75));
  for (let i = 0; i < 20; i++) r.frame([portrait, alive(i)]);
  const names = r.frame([portrait, alive(0)]).observations.map((observation) => observation.person);
  t.strictSame(names, [null, 'ada'], 'the face that moves gets the name, although it is less similar');
  r.pass(hourMs, [portrait]);
  t.strictSame(r.events, ['arrived ada', 'left ada']);
  for (let i = 0; i < 20; i++) r.frame([portrait, alive(i)]);
  const { observations, snapshot } = r.frame([portrait, alive(0)]);
  t.strictSame(
    observations.map((observation) => observation.person),
    [null, 'ada'],
  );
  t.match(snapshot.people, [{ person: 'ada', as: 'seen' }]);
});

t.test('a person who sits still except for a nod never becomes a static face', async (t) => {
  const r = room();
  for (let second = 0; second < 3 * 3600; second++) {
    // Two centimetres forwards, every forty minutes, for ten seconds.
    const down = second % 2400 < 10 ? 20 : 0;
    r.frame([face([600, 300 + down, 110, 110], ada)], 1000);
  }
  t.strictSame(r.events, ['arrived ada']);
  t.strictSame(r.staticFaces, []);
});

t.test('a sleeper who became a static face is named again with the first movement', async (t) => {
  const r = room();
  r.pass(hourMs + 120_000, [face(sofa, ada)]);
  t.strictSame(r.events, ['arrived ada', 'left ada']);
  for (let i = 0; i < 8; i++) r.frame([face([sofa[0] + 40, sofa[1], 110, 110], ada)]);
  t.strictSame(r.events, ['arrived ada', 'left ada', 'arrived ada']);
  t.equal(r.staticFaces.length, 1, 'the position is not yet forgotten');
  r.pass(40_000, [face([sofa[0] + 40, sofa[1], 110, 110], ada)]);
  t.strictSame(r.staticFaces, [], 'no face was left at the position, so it was not static');
  r.pass(20_000, [face(sofa, ada)]);
  t.strictSame(r.events.slice(3), [], 'she is still Ada when she returns to the position');
});

t.test('a person in front of the portrait is named, and the portrait stays a static face', async (t) => {
  const r = room();
  r.pass(hourMs + 120_000, [portrait]);
  for (let i = 0; i < 20; i++) r.frame([face([20 + 4 * i, 100, 92, 92], ben)]);
  const { observations } = r.pass(5000, [face(wall, ben)], 200);
  t.equal(observations[0]!.person, 'ben');
  for (let i = 0; i < 20; i++) r.frame([face([100 + 10 * i, 100, 92, 92], ben)]);
  r.pass(60_000, [portrait]);
  t.equal(r.staticFaces.length, 1);
  t.strictSame(r.events, ['arrived ada', 'left ada', 'arrived ben', 'left ben']);
});

t.test('Ada walks past her own portrait', async (t) => {
  const r = room();
  r.pass(hourMs + 120_000, [portrait]);
  r.events.length = 0;
  for (let i = 0; i < 60; i++) {
    const x = 400 - 10 * i;
    const hidden = Math.abs(x - wall[0]) < 60;
    r.frame([...(hidden ? [] : [portrait]), ...(x > 0 ? [face([x, 104, 94, 94], ada)] : [])]);
  }
  r.pass(60_000, [portrait]);
  t.strictSame(r.events, ['arrived ada', 'left ada']);
  t.equal(r.staticFaces.length, 1, 'the portrait is still a static face');
});

t.test('moving the camera restarts the hour', async (t) => {
  const r = room();
  r.pass(hourMs + 120_000, [portrait]);
  r.pass(60_000, [face([160, 120, 90, 90], ada)]);
  t.strictSame(r.staticFaces, []);
  r.pass(hourMs, [face([160, 120, 90, 90], ada)]);
  t.equal(r.staticFaces.length, 1);
});

t.test('after a restart the portrait has no name from the first observation on', async (t) => {
  const before = room();
  before.pass(hourMs + 120_000, [portrait]);
  const restored = restoreStaticFaces([1280, 960], before.staticFaces);
  const r = room(clipOptions, restored);
  r.pass(30_000, [portrait], 200);
  t.strictSame(r.events, []);
  t.match(r.frame([portrait]), { snapshot: { occupied: false }, observations: [{ reason: { kind: 'static-face' } }] });
  r.pass(5000, [portrait, face(sofa, ben)], 200);
  t.strictSame(r.events, ['arrived ben']);

  const otherSize = restoreStaticFaces([640, 480], before.staticFaces);
  const other = room(clipOptions, otherSize);
  other.pass(2000, [portrait], 200);
  t.strictSame(other.events, ['arrived ada'], 'frames of another size reset the positions');
});

t.test('a person who is at the position of a static face at the start is named with the first movement', async (t) => {
  const before = room();
  before.pass(hourMs + 120_000, [portrait]);
  const r = room(clipOptions, restoreStaticFaces([1280, 960], before.staticFaces));
  r.pass(2000, [face(wall, ben)], 200);
  t.strictSame(r.events, []);
  for (let i = 0; i < 10; i++) r.frame([face([wall[0] + 40, wall[1], 90, 90], ben)]);
  t.strictSame(r.events, ['arrived ben']);
  r.pass(30_000, [portrait]);
  t.equal(r.staticFaces.length, 1, 'and the portrait behind becomes static again');
  t.strictSame(withoutEmbeddings(r.state.staticFaces).positions[0]!.direction, null);
});

t.test('memory stays bounded while people walk around for six hours', async (t) => {
  const r = room();
  for (let i = 0; i < 5400; i++) {
    r.frame([portrait, face([(i * 7) % 1100, 300 + ((i * 3) % 500), 90, 90], ben)], 4000);
  }
  t.ok(r.state.staticFaces.positions.length <= 32);
  t.ok(r.state.staticFaces.trackPositions.size <= 4);
  t.equal(r.staticFaces.length, 1, 'and the portrait is still found');
});

t.test('static faces can be switched off', async (t) => {
  const r = room({ ...clipOptions, staticFaces: { ...clipOptions.staticFaces, afterMs: Number.POSITIVE_INFINITY } });
  r.pass(4000, [portrait], 200);
  r.pass(4 * hourMs, [portrait], 2000);
  t.strictSame(r.events, ['arrived ada']);
});
