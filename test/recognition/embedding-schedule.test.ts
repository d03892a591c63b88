// When a face is embedded again, with the decision step of a room and the faces of one simulated person.
import t from 'tap';
import { seededRandom } from '../../src/commands/evaluate/random.js';
import type { Gallery } from '../../src/gallery/person.js';
import { asScheduled, expectedFaces, type RoomState, startRoom, step, stepUnchanged } from '../../src/room/step.js';
import type { Box, Face, ObservedFace } from '../../src/vision/face.js';
import { clipOptions } from '../room/clip-options.js';
import { direction, face, near } from '../room/simulator.js';

const random = seededRandom(12);
const [ada, ben] = [direction(64, random), direction(64, random)];
const gallery: Gallery = {
  space: 'simulated',
  version: 1,
  cohort: [],
  people: [
    { id: 'ada', name: 'Ada', templates: [{ id: 0, vector: ada }] },
    { id: 'ben', name: 'Ben', templates: [{ id: 0, vector: ben }] },
  ],
};
const seen = (who: Float32Array): Float32Array => near(who, 0.9, direction(64, random));
const at = (x: number): Box => [x, 300, 100, 100];

interface Shown {
  readonly box?: Box;
  readonly who?: Float32Array;
  readonly quality?: Partial<Face['quality']>;
}

/** A room whose camera shows one frame per call; `embedded` tells of each face whether it was embedded. */
function room(household: Gallery = gallery) {
  let state: RoomState = startRoom(0);
  let atMs = 0;
  const show = (faces: readonly Shown[], stepMs = 200) => {
    atMs += stepMs;
    const observed = faces.map(
      ({ box = at(300), who = ada, quality = {} }): ObservedFace => face(box, seen(who), quality),
    );
    const frame = { capturedAt: atMs, sequence: atMs, width: 1280, height: 960, faces: observed };
    const scheduled = asScheduled(state, frame);
    const result = step(state, scheduled, household, clipOptions);
    state = result.state;
    return { embedded: scheduled.faces.map(({ embedding }) => embedding !== null), result };
  };
  return {
    show,
    /** When the only face is embedded within `count` frames, in milliseconds from now. */
    times(count: number, shown: Shown = {}): number[] {
      const fromMs = atMs;
      return Array.from({ length: count }, () => (show([shown]).embedded[0] ? atMs - fromMs : -1)).filter(
        (ms) => ms >= 0,
      );
    },
    unchanged(stepMs: number): void {
      atMs += stepMs;
      state = stepUnchanged(state, atMs, household, clipOptions).state;
    },
    get expected(): readonly Box[] {
      return expectedFaces(state, atMs + 200);
    },
  };
}

/** A room that knows Ada, who was embedded in the last frame, or in one of the last second. */
function knownRoom() {
  const made = room();
  made.times(10);
  return made;
}

/** Shows frames until one is embedded, and one more. */
function justEmbedded(made: ReturnType<typeof room>, shown: Shown = {}): void {
  while (!made.show([shown]).embedded[0]);
  made.show([shown]);
}

t.test('an undecided face is embedded in each frame, a known one once a second, then less often', async (t) => {
  const made = room();
  const times = made.times(80);
  t.strictSame(times.slice(0, 3), [200, 400, 600], 'until the name is sure');
  const gaps = times.slice(1).map((ms, i) => ms - times[i]!);
  t.ok(gaps.includes(1000), `once a second at first: ${gaps.join(' ')}`);
  t.equal(gaps.at(-1), 3000, `every three seconds in the end: ${gaps.join(' ')}`);
  t.ok(gaps.every((gap) => gap <= 3000));
});

t.test('the reason of a face that was left out is that of its track', async (t) => {
  const made = knownRoom();
  let [observation] = made.show([{}]).result.observations;
  for (let i = 0; i < 5 && observation?.embedding !== null; i++) [observation] = made.show([{}]).result.observations;
  t.match(observation, { embedding: null, isContinued: true, person: 'ada', state: 'known', weight: 0 });
  t.not(observation?.reason.kind, 'not-embedded');
  const [dark] = made.show([{ quality: { light: 0 } }]).result.observations;
  t.match(dark, { person: 'ada', reason: { kind: 'too-dark' } }, 'a low quality is still said');
});

t.test('what may be news is embedded in the next frame', async (t) => {
  for (const [what, shown] of [
    ['a face that has moved', { box: at(400) }],
    ['a face that is larger', { box: [275, 275, 150, 150] as Box }],
  ] as const) {
    const made = knownRoom();
    made.show([{}]);
    t.strictSame(made.show([shown]).embedded, [true], what);
  }
  const made = knownRoom();
  justEmbedded(made);
  const turned = { quality: { yawDegrees: 40 } };
  t.strictSame(made.show([turned]).embedded, [false], 'the frame that shows it');
  t.strictSame(made.show([turned]).embedded, [true], 'a turned head');
  const dark = room();
  const dim = { quality: { light: 0.06 } };
  dark.times(12, dim);
  justEmbedded(dark, dim);
  t.strictSame(dark.show([{}]).embedded, [false], 'the frame that shows it');
  t.strictSame(dark.show([{}]).embedded, [true], 'a clearly better view');
});

t.test('a walk is embedded again and again', async (t) => {
  const made = knownRoom();
  const embedded = Array.from({ length: 20 }, (_, i) => made.show([{ box: at(300 + 25 * i) }]).embedded[0]);
  t.ok(embedded.filter(Boolean).length >= 4, `${embedded.filter(Boolean).length} of 20 frames`);
});

t.test('a face that was missing is embedded, whoever it is', async (t) => {
  const made = knownRoom();
  made.show([]);
  t.strictSame(made.show([{ who: ben }]).embedded, [true]);
  const again = knownRoom();
  t.strictSame(again.show([{}], 900).embedded, [true], 'a frame came late');
  const unusable = knownRoom();
  unusable.show([]);
  const poor = { quality: { sharpness: 0 } };
  t.strictSame(unusable.times(4, poor), [200, 400, 600, 800], 'until an embedding counts');
});

t.test('unchanged frames are no gap', async (t) => {
  const made = knownRoom();
  made.times(40);
  justEmbedded(made);
  for (let i = 0; i < 5; i++) made.unchanged(200);
  t.equal(made.expected.length, 1);
});

t.test(
  'somebody else in the same place is found by the next embedding, and embedded in each frame from then on',
  async (t) => {
    const made = knownRoom();
    made.times(20);
    const times = made.times(20, { who: ben });
    t.ok(times[0]! <= 3000, `after ${times[0]} ms`);
    t.equal(times[1]! - times[0]!, 200);
  },
);

t.test('two people near each other are both embedded in each frame', async (t) => {
  const made = room();
  const both = [{ box: at(300) }, { box: at(700), who: ben }];
  for (let i = 0; i < 12; i++) made.show(both);
  t.strictSame(made.show(both).embedded.includes(false), true, 'apart');
  const near = [{ box: at(450) }, { box: at(560), who: ben }];
  for (let i = 0; i < 5; i++) t.strictSame(made.show(near).embedded, [true, true]);
});

t.test('people who came together are not all embedded in one frame, and none waits for long', async (t) => {
  const people = [0, 1, 2, 3, 4, 5].map(() => direction(64, random));
  const household = {
    ...gallery,
    people: people.map((vector, id) => ({ id: `p${id}`, name: `P${id}`, templates: [{ id: 0, vector }] })),
  };
  const made = room(household);
  const all = people.map((who, i) => ({ box: at(20 + 205 * i), who }));
  for (let i = 0; i < 10; i++) made.show(all);
  const last = people.map(() => 0);
  const counts: number[] = [];
  for (let i = 1; i <= 60; i++) {
    const { embedded } = made.show(all);
    counts.push(embedded.filter(Boolean).length);
    for (const [index, is] of embedded.entries()) if (is) last[index] = i;
    t.ok(Math.min(...last) >= i - 20, 'within four seconds');
  }
  t.ok(Math.max(...counts) <= 2, counts.join(' '));
});
