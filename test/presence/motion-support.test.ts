import t from 'tap';
import {
  type BodyRegions,
  bodyRegions,
  motionSupport,
  noBodyRegions,
  type Occupant,
} from '../../src/presence/motion-support.js';
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
  return { box, velocity: [0, 0], lastMs, person: null, best: null, unknownPerson: null, ...more };
};

/** The body regions after Ada was tracked at 0 ms and Ben at `benMs`, before both turned away. */
function turnedAway(benMs: number | null = null, benFace: Box = ben!): BodyRegions {
  const tracked = [occupant(ada!, 0, { person: 'ada' })];
  if (benMs !== null) tracked.push(occupant(benFace, benMs, { person: 'ben' }));
  return bodyRegions(noBodyRegions, frame(1000, []), 100, tracked, new Set());
}
const both = new Set(['ada', 'ben']);
const supported = (regions: BodyRegions, atMs: number) =>
  [...motionSupport(regions, atMs, options, 60_000).keys()].sort();
/** The people supported by the motion `moved` while the faces `others` were tracked. */
const supportedBy = (regions: BodyRegions, moved: readonly Box[], others: readonly Occupant[] = []) =>
  supported(bodyRegions(regions, frame(3000, moved), 100, others, both), 3000);

t.test('motion below the last face supports its person for five seconds', async (t) => {
  const regions = bodyRegions(turnedAway(), frame(3000, [back]), 100, [], both);
  t.strictSame(supported(regions, 3000), ['ada']);
  t.strictSame(supported(regions, 8000), ['ada']);
  t.strictSame(supported(regions, 8001), []);
  t.strictSame(supportedBy(turnedAway(), []), []);
});

t.test('motion while the face was visible does not count', async (t) => {
  const facing = [occupant(ada!, 3000, { person: 'ada' })];
  const regions = bodyRegions(turnedAway(), frame(3000, [back]), 100, facing, both);
  t.equal(regions.get('ada')!.movedMs, 3000);
  t.strictSame(supported(regions, 3000), []);
  t.strictSame(supported(bodyRegions(regions, frame(3100, [back]), 100, facing, both), 3100), ['ada']);
});

t.test('motion support decreases with the time since the face', async (t) => {
  for (const [atMs, expected] of [
    [900_000, 0.5],
    [1_800_000, 0.25],
  ] as const) {
    const regions = bodyRegions(turnedAway(), frame(atMs, [back]), 100, [], both);
    t.equal(motionSupport(regions, atMs, options, 60_000).get('ada'), expected);
  }
});

t.test('a half-life of 0 switches it off, and a short leave time shortens it', async (t) => {
  const regions = bodyRegions(turnedAway(), frame(3000, [back]), 100, [], both);
  t.equal(motionSupport(regions, 3000, { ...options, halfLifeMs: 0 }, 60_000).size, 0);
  // A third of a minute: a ninth of 5 s.
  t.equal(motionSupport(regions, 3555, options, 20_000).size, 1);
  t.equal(motionSupport(regions, 3556, options, 20_000).size, 0);
});

t.test('motion outside the region, or too little of it, does not count', async (t) => {
  t.strictSame(supportedBy(turnedAway(), [[600, 100, 96, 32]]), [], 'above the head');
  t.strictSame(supportedBy(turnedAway(), [[600, 576, 96, 32]]), [], 'below the seat');
  t.strictSame(supportedBy(turnedAway(), [[736, 320, 96, 32]]), [], 'beside');
  t.strictSame(supportedBy(turnedAway(), [[712, 320, 256, 32]]), [], 'only touching the region');
});

t.test('motion of the whole picture does not count', async (t) => {
  t.strictSame(supportedBy(turnedAway(), [[0, 0, 1280, 960]]), []);
  const rows = (count: number) => Array.from({ length: count }, (_, row): Box => [0, row * 32, 1280, 32]);
  t.strictSame(supportedBy(turnedAway(), rows(15)), [], 'half of the picture');
  t.strictSame(supportedBy(turnedAway(), rows(14)), ['ada']);
});

t.test('the tracked face of another person explains the motion', async (t) => {
  const withFace = (box: Box, more: Partial<Occupant>) =>
    supportedBy(turnedAway(), [back], [occupant(box, 3000, more)]);
  const near: Box = [640, 180, 60, 60];
  t.strictSame(withFace(near, { person: 'ben' }), []);
  t.strictSame(withFace(near, { unknownPerson: 'a' }), []);
  t.strictSame(withFace([640, 60, 120, 120], {}), [], 'an unnamed face, nearer to the camera than Ada was');
  t.strictSame(withFace([300, 180, 60, 60], { person: 'ben' }), ['ada'], 'elsewhere he explains nothing');
  t.strictSame(withFace([300, 180, 60, 60], { person: 'ben', velocity: [-0.3, 0] }), ['ada']);
  t.strictSame(supportedBy(turnedAway(), [[540, 320, 480, 32]], [occupant(ben!, 3000, { person: 'ben' })]), ['ada']);
  const passed = bodyRegions(
    turnedAway(),
    frame(3000, [back]),
    1000,
    [occupant([300, 180, 60, 60], 3000, { person: 'ben', velocity: [-0.4, 0] })],
    both,
  );
  t.strictSame(supported(passed, 3000), [], 'he came from there');
});

t.test('an unnamed face near her last face may be hers', async (t) => {
  const withProfile = (more: Partial<Occupant>) =>
    supportedBy(turnedAway(), [back], [occupant([620, 205, 55, 55], 3000, more)]);
  t.strictSame(withProfile({}), ['ada']);
  t.strictSame(withProfile({ best: 'ada' }), ['ada']);
  t.strictSame(withProfile({ best: 'ben' }), [], 'it is nearer to Ben');
});

t.test('one motion supports one person: the one whose face was seen last', async (t) => {
  t.strictSame(supportedBy(turnedAway(500, ada), [back]), ['ben']);
  t.strictSame(supportedBy(turnedAway(500), [back, [930, 320, 96, 32]]), ['ada', 'ben'], 'two regions, two motions');
  const side = turnedAway(500, [700, 200, 60, 60]);
  t.strictSame(supportedBy(side, [[640, 320, 96, 32]]), ['ben'], 'where the regions overlap');
  t.strictSame(supportedBy(side, [[544, 320, 224, 32]]), ['ada', 'ben'], 'and each where they do not');
});

t.test('over a gap only people on a live track keep a region', async (t) => {
  const regions = bodyRegions(
    turnedAway(500),
    frame(60_000, [back]),
    null,
    [occupant(ben!, 60_000, { person: 'ben' })],
    both,
  );
  t.strictSame([...regions.keys()], ['ben']);
  t.equal(regions.get('ben')!.movedMs, null);
});

t.test('a person who left has no region', async (t) => {
  t.strictSame([...bodyRegions(turnedAway(500), frame(3000, []), 100, [], new Set(['ben'])).keys()], ['ben']);
});

t.test('the least motion that counts is a quarter of the face', async (t) => {
  t.strictSame(supportedBy(turnedAway(), [[600, 320, 30, 30]]), ['ada']);
  t.strictSame(supportedBy(turnedAway(), [[600, 320, 30, 29]]), []);
});

t.test('motion support counts from the last face, not from the start', async (t) => {
  const face = occupant(ada!, 500_000, { person: 'ada' });
  const facing = bodyRegions(noBodyRegions, frame(500_000, []), 100, [face], new Set());
  const moved = bodyRegions(facing, frame(1_400_000, [back]), 100, [], both);
  t.equal(motionSupport(moved, 1_400_000, options, 60_000).get('ada'), 0.5);
});

t.test('the body of another face reaches half a face above it, nine faces down, and along its path', async (t) => {
  const [x, y] = [630, 320];
  /** Whether a face of Ben, seen there with this velocity, explains the motion of Ada's region at (630, 320) to (690, 350). */
  const explains = (box: Box, velocity: readonly [number, number] = [0, 0]) =>
    supportedBy(turnedAway(), [[x, y, 60, 30]], [occupant(box, 3000, { person: 'ben', velocity })]).length === 0;
  t.ok(explains([640, 364, 60, 60]), 'the middle of the motion is 29 px above the face');
  t.notOk(explains([640, 366, 60, 60]));
  t.ok(explains([640, -174, 60, 60]), 'and 8.5 faces below its top');
  t.notOk(explains([640, -176, 60, 60]));
  t.ok(explains([640, 464, 60, 60], [0, 1]), 'he moved down by 100 px since the last frame');
  t.notOk(explains([640, 466, 60, 60], [0, 1]));
  t.notOk(explains([640, 400, 60, 60], [0, -0.3]), 'and upwards by 30 px');
  t.ok(explains([640, -202, 60, 60], [0, -0.3]));
  t.notOk(explains([640, -207, 60, 60], [0, -0.3]));
  t.ok(explains([820, 200, 60, 60], [1, 0]), 'he moved to the right by 100 px');
  t.notOk(explains([820, 200, 60, 60]));
  t.ok(explains([450, 200, 60, 60], [-1, 0]));
  t.notOk(explains([450, 200, 60, 60]));
});

t.test('an unnamed face may be hers up to twice the size and one and a half faces away', async (t) => {
  const mayBeHers = (box: Box) => supportedBy(turnedAway(), [[610, 320, 40, 32]], [occupant(box, 3000)]).length > 0;
  const centred = (size: number, dx = 0, dy = 0): Box => [630 + dx - size / 2, 230 + dy - size / 2, size, size];
  t.ok(mayBeHers(centred(31)));
  t.notOk(mayBeHers(centred(30)), 'half her size');
  t.ok(mayBeHers(centred(119)));
  t.notOk(mayBeHers(centred(120)), 'twice her size');
  for (const [dx, dy] of [
    [1, 0],
    [-1, 0],
    [0, 1],
    [0, -1],
  ] as const) {
    t.ok(mayBeHers(centred(60, 90 * dx, 90 * dy)), `${dx}, ${dy}`);
    t.notOk(mayBeHers(centred(60, 91 * dx, 91 * dy)), `${dx}, ${dy}`);
  }
  t.ok(mayBeHers(centred(100, 80, 0)), 'measured between the centres');
  t.notOk(mayBeHers(centred(100, 95, 0)));
});

t.test('a box explains motion whose middle is at its top, not motion whose middle is at its end', async (t) => {
  const explains = (y: number) =>
    supportedBy(turnedAway(), [[630, 320, 60, 30]], [occupant([640, y, 60, 60], 3000, { person: 'ben' })]).length === 0;
  t.ok(explains(365), 'from half a face above 365');
  t.notOk(explains(-175), 'down to nine faces below that');
});

t.test('motion counts where two other people leave enough of it, whoever is first', async (t) => {
  const withGap = (px: number) => {
    const left = occupant([520, 200, 40, 40], 3000, { person: 'ben' });
    const right = occupant([680 + px, 200, 40, 40], 3000, { person: 'ben' });
    const wide: Box = [540, 320, 180, 32];
    return [supportedBy(turnedAway(), [wide], [left, right]), supportedBy(turnedAway(), [wide], [right, left])];
  };
  t.strictSame(withGap(20), [[], []]);
  t.strictSame(withGap(30), [['ada'], ['ada']]);
});
