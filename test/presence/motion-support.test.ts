import t from 'tap';
import { type BodyRegions, bodyRegions, noBodyRegions, type Occupant, motionSupport } from '../../src/presence/motion-support.js';
import type { Box, Observation } from '../../src/vision/face.js';

const options = { halfLifeMs: 900_000, motionLastsMs: 5000 };
const [ada, ben]: Box[] = [
  [600, 200, 60, 60],
  [900, 200, 60, 60],
];
/** In the middle of Ada's back. */
const back: Box = [600, 320, 96, 32];

const frame = (capturedAt: number, moved: readonly Box[]): Observation => {
  return { capturedAt, sequence: 0, width: 1280, height: 960, faces: [], moved };
};
const occupant = (box: Box, lastMs: number, more: Partial<Occupant> = {}): Occupant => {
  return { box, velocity: [0, 0], lastMs, person: null, best: null, stranger: null, ...more };
};

/** Ada and Ben were followed, at 0 and at `benMs` ms, and turned away. */
function turnedAway(benMs: number | null = null, benFace: Box = ben!): BodyRegions {
  const followed = [occupant(ada!, 0, { person: 'ada' })];
  if (benMs !== null) followed.push(occupant(benFace, benMs, { person: 'ben' }));
  return bodyRegions(noBodyRegions, frame(1000, []), 100, followed, new Set());
}
const both = new Set(['ada', 'ben']);
const speaksFor = (places: BodyRegions, atMs: number) => [...motionSupport(places, atMs, options, 60_000).keys()].sort();
/** For whom it speaks that `moved` moved while these were followed. */
const moves = (places: BodyRegions, moved: readonly Box[], others: readonly Occupant[] = []) =>
  speaksFor(bodyRegions(places, frame(3000, moved), 100, others, both), 3000);

t.test('what moves below the last face speaks for its person, and for five seconds', async (t) => {
  const places = bodyRegions(turnedAway(), frame(3000, [back]), 100, [], both);
  t.strictSame(speaksFor(places, 3000), ['ada']);
  t.strictSame(speaksFor(places, 8000), ['ada']);
  t.strictSame(speaksFor(places, 8001), []);
  t.strictSame(moves(turnedAway(), []), []);
});

t.test('what moved while the face was there was the face', async (t) => {
  const facing = [occupant(ada!, 3000, { person: 'ada' })];
  const places = bodyRegions(turnedAway(), frame(3000, [back]), 100, facing, both);
  t.equal(places.get('ada')!.movedMs, 3000);
  t.strictSame(speaksFor(places, 3000), []);
  t.strictSame(speaksFor(bodyRegions(places, frame(3100, [back]), 100, facing, both), 3100), ['ada']);
});

t.test('it speaks the less the longer ago the face was', async (t) => {
  for (const [atMs, expected] of [
    [900_000, 0.5],
    [1_800_000, 0.25],
  ] as const) {
    const places = bodyRegions(turnedAway(), frame(atMs, [back]), 100, [], both);
    t.equal(motionSupport(places, atMs, options, 60_000).get('ada'), expected);
  }
});

t.test('a half-life of 0 switches it off; who leaves fast is let go fast', async (t) => {
  const places = bodyRegions(turnedAway(), frame(3000, [back]), 100, [], both);
  t.equal(motionSupport(places, 3000, { ...options, halfLifeMs: 0 }, 60_000).size, 0);
  t.equal(motionSupport(places, 3200, options, 2400).size, 1);
  t.equal(motionSupport(places, 3201, options, 2400).size, 0);
});

t.test('elsewhere, or hardly anything, is no motion in that place', async (t) => {
  t.strictSame(moves(turnedAway(), [[600, 100, 96, 32]]), [], 'above the head');
  t.strictSame(moves(turnedAway(), [[600, 576, 96, 32]]), [], 'below the seat');
  t.strictSame(moves(turnedAway(), [[736, 320, 96, 32]]), [], 'beside');
  t.strictSame(moves(turnedAway(), [[712, 320, 256, 32]]), [], 'touching the place');
});

t.test('when everything moves it was the light', async (t) => {
  t.strictSame(moves(turnedAway(), [[0, 0, 1280, 960]]), []);
  const rows = (count: number) => Array.from({ length: count }, (_, row): Box => [0, row * 32, 1280, 32]);
  t.strictSame(moves(turnedAway(), rows(15)), [], 'half of the picture');
  t.strictSame(moves(turnedAway(), rows(14)), ['ada']);
});

t.test('somebody who is seen to walk there explains what moves', async (t) => {
  const walks = (box: Box, more: Partial<Occupant>) => moves(turnedAway(), [back], [occupant(box, 3000, more)]);
  const near: Box = [640, 180, 60, 60];
  t.strictSame(walks(near, { person: 'ben' }), []);
  t.strictSame(walks(near, { stranger: 'a' }), []);
  t.strictSame(walks([640, 60, 120, 120], {}), [], 'a face without a name, nearer than Ada was');
  t.strictSame(walks([300, 180, 60, 60], { person: 'ben' }), ['ada'], 'elsewhere he explains nothing');
  t.strictSame(walks([300, 180, 60, 60], { person: 'ben', velocity: [-0.3, 0] }), ['ada']);
  t.strictSame(moves(turnedAway(), [[540, 320, 480, 32]], [occupant(ben!, 3000, { person: 'ben' })]), ['ada']);
  const passed = bodyRegions(
    turnedAway(),
    frame(3000, [back]),
    1000,
    [occupant([300, 180, 60, 60], 3000, { person: 'ben', velocity: [-0.4, 0] })],
    both,
  );
  t.strictSame(speaksFor(passed, 3000), [], 'he came from there');
});

t.test('a poor face where hers was may be hers', async (t) => {
  const turns = (more: Partial<Occupant>) => moves(turnedAway(), [back], [occupant([620, 205, 55, 55], 3000, more)]);
  t.strictSame(turns({}), ['ada']);
  t.strictSame(turns({ best: 'ada' }), ['ada']);
  t.strictSame(turns({ best: 'ben' }), [], 'it is rather like Ben');
});

t.test('one motion keeps one person: whose face was there last', async (t) => {
  t.strictSame(moves(turnedAway(500, ada), [back]), ['ben']);
  t.strictSame(moves(turnedAway(500), [back, [930, 320, 96, 32]]), ['ada', 'ben'], 'two places, two motions');
  const side = turnedAway(500, [700, 200, 60, 60]);
  t.strictSame(moves(side, [[640, 320, 96, 32]]), ['ben'], 'where the places meet');
  t.strictSame(moves(side, [[544, 320, 224, 32]]), ['ada', 'ben'], 'and each where they do not');
});

t.test('nobody has a place over a gap, but who is followed', async (t) => {
  const places = bodyRegions(
    turnedAway(500),
    frame(60_000, [back]),
    null,
    [occupant(ben!, 60_000, { person: 'ben' })],
    both,
  );
  t.strictSame([...places.keys()], ['ben']);
  t.equal(places.get('ben')!.movedMs, null);
});

t.test('who left has no place', async (t) => {
  t.strictSame([...bodyRegions(turnedAway(500), frame(3000, []), 100, [], new Set(['ben'])).keys()], ['ben']);
});
