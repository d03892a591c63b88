// Portraits, posters and what is taken for a face: after an hour they are nobody, until they move.
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

/** A room with a camera that trembles as the real detector does in a lit room, or as it is told. */
function room(options: RoomOptions = clipOptions, fixed = noStaticFaces) {
  const random = seededRandom(7);
  let state: RoomState = startRoom(0, '', fixed);
  let atMs = 0;
  const said: string[] = [];
  const seen = (one: Face): Face => {
    const [x, y, w, h] = one.box;
    const size = 1 + 0.02 * gaussian(random);
    const moved = (value: number) => value + 0.01 * w * gaussian(random);
    return { ...one, box: [moved(x + (w * (1 - size)) / 2), moved(y + (h * (1 - size)) / 2), w * size, h * size] };
  };
  const r = {
    said,
    get state() {
      return state;
    },
    get atMs() {
      return atMs;
    },
    get fixed() {
      return staticFaces(state.staticFaces, options.staticFaces);
    },
    frame(faces: readonly Face[], afterMs = 200) {
      atMs += afterMs;
      const analysis: Analysis = { capturedAt: atMs, sequence: atMs, width: 1280, height: 960, faces: faces.map(seen) };
      const result = step(state, analysis, household, options);
      state = result.state;
      said.push(...result.events.map((event) => `${event.type} ${event.person ?? ''}`.trim()));
      return result;
    },
    /** Frames of the same faces, one a second unless told otherwise; the last step. */
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

t.test('a portrait has its name for an hour, and is nobody from then on', async (t) => {
  const r = room();
  r.pass(4000, [portrait], 200);
  t.strictSame(r.said, ['arrived ada']);
  r.pass(hourMs - 10_000, [portrait]);
  t.strictSame(r.fixed, []);
  const { observations: looks, snapshot } = r.pass(10_000, [portrait]);
  t.match(looks[0], { person: null, weight: 0, state: 'unclear', reason: { kind: 'static-face' } });
  t.match(r.fixed, [{ box: { length: 4 } }]);
  t.ok(Math.hypot(r.fixed[0]!.box[0] - wall[0], r.fixed[0]!.box[1] - wall[1]) < 3);
  t.match(snapshot, { occupied: true, people: [{ person: 'ada', as: 'assumed' }] }, 'as if the face had turned away');
  t.strictSame(r.said, ['arrived ada']);
  const later = r.pass(60_000, [portrait]);
  t.strictSame(r.said, ['arrived ada', 'left ada']);
  t.match(later.snapshot, { occupied: false, people: [], strangers: 0 });
  r.pass(3 * hourMs, [portrait], 2000);
  t.strictSame(r.said, ['arrived ada', 'left ada']);
  const { reason } = r.frame([portrait]).observations[0]!;
  t.match(reasonText(reason, new Map()), /^has not moved for 4 h: taken for a picture on a wall$/);
});

t.test('a poster of nobody, and a stain that the detector takes for a face, leave the room empty', async (t) => {
  for (const one of [face(wall, zoe), face(wall, null, { eyesPx: 8 })]) {
    const r = room();
    r.pass(4000, [one], 200);
    t.equal(r.frame([one]).snapshot.occupied, true);
    r.pass(hourMs + 80_000, [one]);
    t.equal(r.frame([one]).snapshot.occupied, false);
  }
});

t.test('only observed time counts, and darkness or a passer-by does not start it anew', async (t) => {
  const r = room();
  r.pass(hourMs / 2, [portrait]);
  r.pass(8 * hourMs, [], 5000);
  r.blind(8 * hourMs);
  r.pass(10_000, [portrait]);
  t.strictSame(r.fixed, [], 'a night is no hour of standing still');
  for (let i = 0; i < 30; i++) r.frame([face([30 + 6 * i, 95, 100, 100], ben)]);
  r.pass(hourMs / 2 - 30_000, [portrait]);
  t.strictSame(r.fixed, []);
  r.pass(40_000, [portrait]);
  t.equal(r.fixed.length, 1);
});

t.test('the motion gate lets one frame a second through: the hour is an hour', async (t) => {
  const r = room();
  while (r.atMs < hourMs + 5000) {
    r.frame([portrait]);
    r.still(800);
  }
  t.equal(r.fixed.length, 1);
});

t.test('a face found now and then, when its tile has its turn, counts as well', async (t) => {
  const r = room();
  for (let i = 0; i < 601; i++) r.pass(6000, i % 2 ? [] : [portrait], 6000);
  t.strictSame(r.fixed, [], 'seen each 12 s: nobody knows what it did in between');
  for (let i = 0; i < 602; i++) r.frame([portrait], 6000);
  t.equal(r.fixed.length, 1);
});

t.test('Ada is named beside her portrait, within the hour and after it', async (t) => {
  const r = room();
  r.pass(400_000, [portrait]);
  t.strictSame(r.said, ['arrived ada']);
  const alive = (i: number) => face([600 + 20 * Math.sin(i), 300, 110, 110], vector(0.75));
  for (let i = 0; i < 20; i++) r.frame([portrait, alive(i)]);
  const names = r.frame([portrait, alive(0)]).observations.map((look) => look.person);
  t.strictSame(names, [null, 'ada'], 'the one that moves has the better claim, though less like her');
  r.pass(hourMs, [portrait]);
  t.strictSame(r.said, ['arrived ada', 'left ada']);
  for (let i = 0; i < 20; i++) r.frame([portrait, alive(i)]);
  const { observations: looks, snapshot } = r.frame([portrait, alive(0)]);
  t.strictSame(
    looks.map((look) => look.person),
    [null, 'ada'],
  );
  t.match(snapshot.people, [{ person: 'ada', as: 'seen' }]);
});

t.test('who sits still but for a nod is never taken for a picture', async (t) => {
  const r = room();
  for (let second = 0; second < 3 * 3600; second++) {
    // Two centimetres forwards every forty minutes, for ten seconds.
    const down = second % 2400 < 10 ? 20 : 0;
    r.frame([face([600, 300 + down, 110, 110], ada)], 1000);
  }
  t.strictSame(r.said, ['arrived ada']);
  t.strictSame(r.fixed, []);
});

t.test('a sleeper taken for a picture is somebody again with the first movement', async (t) => {
  const r = room();
  r.pass(hourMs + 120_000, [face(sofa, ada)]);
  t.strictSame(r.said, ['arrived ada', 'left ada']);
  for (let i = 0; i < 8; i++) r.frame([face([sofa[0] + 40, sofa[1], 110, 110], ada)]);
  t.strictSame(r.said, ['arrived ada', 'left ada', 'arrived ada']);
  t.equal(r.fixed.length, 1, 'not yet forgotten');
  r.pass(40_000, [face([sofa[0] + 40, sofa[1], 110, 110], ada)]);
  t.strictSame(r.fixed, [], 'nothing was left behind: it was no picture');
  r.pass(20_000, [face(sofa, ada)]);
  t.strictSame(r.said.slice(3), [], 'back where she lay she is still Ada');
});

t.test('somebody before the portrait is who they are, and the portrait stays one', async (t) => {
  const r = room();
  r.pass(hourMs + 120_000, [portrait]);
  for (let i = 0; i < 20; i++) r.frame([face([20 + 4 * i, 100, 92, 92], ben)]);
  const { observations: looks } = r.pass(5000, [face(wall, ben)], 200);
  t.equal(looks[0]!.person, 'ben');
  for (let i = 0; i < 20; i++) r.frame([face([100 + 10 * i, 100, 92, 92], ben)]);
  r.pass(60_000, [portrait]);
  t.equal(r.fixed.length, 1);
  t.strictSame(r.said, ['arrived ada', 'left ada', 'arrived ben', 'left ben']);
});

t.test('Ada herself walks through before her portrait', async (t) => {
  const r = room();
  r.pass(hourMs + 120_000, [portrait]);
  r.said.length = 0;
  for (let i = 0; i < 60; i++) {
    const x = 400 - 10 * i;
    const hidden = Math.abs(x - wall[0]) < 60;
    r.frame([...(hidden ? [] : [portrait]), ...(x > 0 ? [face([x, 104, 94, 94], ada)] : [])]);
  }
  r.pass(60_000, [portrait]);
  t.strictSame(r.said, ['arrived ada', 'left ada']);
  t.equal(r.fixed.length, 1, 'the portrait is where it was');
});

t.test('a nudged camera starts the hour anew', async (t) => {
  const r = room();
  r.pass(hourMs + 120_000, [portrait]);
  r.pass(60_000, [face([160, 120, 90, 90], ada)]);
  t.strictSame(r.fixed, []);
  r.pass(hourMs, [face([160, 120, 90, 90], ada)]);
  t.equal(r.fixed.length, 1);
});

t.test('after a restart the portrait is nobody from the first look, whoever is shown', async (t) => {
  const before = room();
  before.pass(hourMs + 120_000, [portrait]);
  const again = restoreStaticFaces([1280, 960], before.fixed);
  const r = room(clipOptions, again);
  r.pass(30_000, [portrait], 200);
  t.strictSame(r.said, []);
  t.match(r.frame([portrait]), { snapshot: { occupied: false }, observations: [{ reason: { kind: 'static-face' } }] });
  r.pass(5000, [portrait, face(sofa, ben)], 200);
  t.strictSame(r.said, ['arrived ben']);

  const elsewhere = restoreStaticFaces([640, 480], before.fixed);
  const turned = room(clipOptions, elsewhere);
  turned.pass(2000, [portrait], 200);
  t.strictSame(turned.said, ['arrived ada'], 'frames of another size are another picture');
});

t.test('who is there at the start where a picture was is named with the first movement', async (t) => {
  const before = room();
  before.pass(hourMs + 120_000, [portrait]);
  const r = room(clipOptions, restoreStaticFaces([1280, 960], before.fixed));
  r.pass(2000, [face(wall, ben)], 200);
  t.strictSame(r.said, []);
  for (let i = 0; i < 10; i++) r.frame([face([wall[0] + 40, wall[1], 90, 90], ben)]);
  t.strictSame(r.said, ['arrived ben']);
  r.pass(30_000, [portrait]);
  t.equal(r.fixed.length, 1, 'and the picture behind is found again');
  t.strictSame(withoutEmbeddings(r.state.staticFaces).positions[0]!.direction, null);
});

t.test('memory stays bounded while people walk about for a day', async (t) => {
  const r = room();
  for (let i = 0; i < 20_000; i++) {
    r.frame([portrait, face([(i * 7) % 1100, 300 + ((i * 3) % 500), 90, 90], ben)], 4000);
  }
  t.ok(r.state.staticFaces.positions.length <= 32);
  t.ok(r.state.staticFaces.trackPositions.size <= 4);
  t.equal(r.fixed.length, 1, 'and the portrait was found among them');
});

t.test('it can be switched off', async (t) => {
  const r = room({ ...clipOptions, staticFaces: { ...clipOptions.staticFaces, afterMs: Number.POSITIVE_INFINITY } });
  r.pass(4 * hourMs, [portrait]);
  t.strictSame(r.said, ['arrived ada']);
});
