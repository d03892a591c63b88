import t from 'tap';
import type { Candidate } from '../../src/vision/candidate.js';
import type { Box, Landmarks } from '../../src/vision/face.js';
import type { View } from '../../src/vision/picture.js';
import {
  type DetectorPass,
  type Detectors,
  defaultSearch,
  photoViews,
  searchFaces,
  tileGrid,
  tileSides,
} from '../../src/vision/search.js';

const frame = { width: 1280, height: 960 };
const wide = { width: 1920, height: 1080 };
const all = { search: 'all', turn: 0 } as const;
const video = { search: 'auto', turn: 0 } as const;

function face(box: Box, score = 0.8): Candidate {
  const [x, y, w, h] = box;
  const at = (fx: number, fy: number): [number, number] => [x + w * fx, y + h * fy];
  const landmarks: Landmarks = [at(0.3, 0.4), at(0.7, 0.4), at(0.5, 0.6), at(0.5, 0.8), at(0.1, 0.5), at(0.9, 0.5)];
  return { box, landmarks, score };
}

/** Detectors that find the faces that are wholly in view and at least `leastPx` wide in the first one's input. */
function detectors(faces: readonly Candidate[], leastPx = 15) {
  const [found, checked]: [View[], View[]] = [[], []];
  const pass =
    (views: View[], inputPx: number): DetectorPass =>
    (view, leastScore) => {
      views.push(view);
      return faces.filter(({ box: [x, y, w, h], score }) => {
        const inside = x >= view.x && y >= view.y && x + w <= view.x + view.width && y + h <= view.y + view.height;
        return inside && (w * inputPx) / view.width >= leastPx && score >= leastScore;
      });
    };
  const both: Detectors = { find: pass(found, 640), check: pass(checked, 192) };
  return { both, found, checked };
}

t.test('tiles have the shape of the detector, cover the frame and overlap by a quarter', async (t) => {
  for (const [width, height] of [
    [1280, 960],
    [640, 480],
    [4000, 500],
    [333, 1001],
  ] as const) {
    for (const side of [320, 480]) {
      const grid = tileGrid({ width, height }, side);
      const covered = (x: number, y: number) =>
        grid.some((v) => x >= v.x && x < v.x + v.width && y >= v.y && y < v.y + v.height);
      const points = Array.from({ length: 4000 }, (_, i) => [(i * 17) % width, Math.floor(i * 7.3) % height] as const);
      t.ok(
        points.every(([x, y]) => covered(x, y)),
        `${width}x${height} in tiles of ${side}`,
      );
      t.ok(grid.every((tile) => tile.width === side && tile.height === (side * 3) / 4));
    }
  }
  t.same(tileGrid({ width: 300, height: 200 }, 320), [], 'no tile larger than the frame');
});

t.test(
  'photos are searched from coarse to fine, huge photos with tiles of at least an eighth of their side',
  async (t) => {
    t.same(tileSides(frame, 640), [640]);
    t.same(tileSides({ width: 250, height: 250 }, 640), []);
    t.same(tileSides({ width: 8000, height: 6000 }, 640), [4000, 2000, 1000]);
  },
);

t.test('the usual video frame is searched in one pass, and a face in it is checked in one close-up', async (t) => {
  const { both, found, checked } = detectors([face([600, 400, 40, 40])]);
  const { faces, passes } = searchFaces(frame, both, video, defaultSearch);
  t.match(faces, [{ box: [600, 400, 40, 40], isPlaced: true }]);
  t.strictSame([found.length, checked.length, passes], [1, 1, 1]);
  t.same(found[0], { x: 0, y: 0, ...frame });
});

t.test('a face too far for the whole frame is found in a photo', async (t) => {
  const { both } = detectors([face([600, 400, 20, 20])]);
  t.equal(searchFaces(frame, both, all, defaultSearch).faces.length, 1);
  t.equal(searchFaces(frame, both, { ...all, search: 'whole' }, defaultSearch).faces.length, 0);
});

t.test('a larger or upright video frame is searched whole, and in a tile in turn', async (t) => {
  for (const size of [wide, { width: 960, height: 1280 }, { width: 2592, height: 1944 }]) {
    const grid = tileGrid(size, defaultSearch.videoTilePx);
    const { both, found } = detectors([]);
    for (const turn of grid.keys()) searchFaces(size, both, { ...video, turn }, defaultSearch);
    t.equal(found.length, 2 * grid.length);
    t.equal(new Set(found.map((view) => JSON.stringify(view))).size, 1 + grid.length, `${size.width}x${size.height}`);
  }
  const { both, found } = detectors([]);
  searchFaces(wide, both, video, { ...defaultSearch, tilesPerFrame: 0 });
  t.equal(found.length, 1);
});

t.test('a candidate that close-ups do not confirm is no face', async (t) => {
  const ghost = face([600, 400, 40, 40], 0.7);
  const find: DetectorPass = () => [ghost];
  t.same(searchFaces(frame, { find, check: () => [] }, all, defaultSearch).faces, []);
  t.same(searchFaces(frame, { find, check: () => [] }, video, defaultSearch).faces, []);
  const half: DetectorPass = (view) => (view.width === 80 ? [ghost] : []);
  t.same(searchFaces(frame, { find, check: half }, all, defaultSearch).faces, [], 'one of two close-ups is not enough');
  const elsewhere: DetectorPass = () => [face([640, 400, 40, 40])];
  t.same(searchFaces(frame, { find, check: elsewhere }, video, defaultSearch).faces, [], 'another face beside it');
});

t.test('one face in many views is one face; a small face inside it is another', async (t) => {
  const { both } = detectors([face([300, 300, 300, 300]), face([400, 420, 60, 60], 0.7)]);
  const { faces } = searchFaces(frame, both, all, defaultSearch);
  t.same(
    faces.map(({ box }) => Math.round(box[2])),
    [300, 60],
  );
});

t.test('a photo without a find is searched again, with a border', async (t) => {
  const { both, found } = detectors([]);
  const small = { width: 280, height: 210 };
  searchFaces(small, both, all, defaultSearch);
  t.same(
    found.map(({ width }) => width),
    [280, 280, 420],
  );
  found.length = 0;
  searchFaces(small, both, { ...all, search: 'whole' }, defaultSearch);
  t.equal(found.length, 1);
});

t.test(
  'a photo in which the first detector is unsure of the only face is searched again for less sure ones',
  async (t) => {
    const unsure = face([500, 400, 100, 100], 0.2);
    const sure = face([500, 400, 100, 100], 0.6);
    const atLeast = (leastScore: number, ...faces: Candidate[]) => faces.filter(({ score }) => score >= leastScore);
    const both: Detectors = {
      find: (_view, leastScore) => atLeast(leastScore, unsure),
      check: (_view, leastScore) => atLeast(leastScore, sure),
    };
    t.equal(searchFaces(frame, both, all, defaultSearch).faces.length, 1, 'the close-ups decide');
    t.same(searchFaces(frame, both, video, defaultSearch).faces, [], 'a video frame is not searched again');
    const tiny = (score: number): Candidate => face([500, 400, 30, 30], score);
    const withTiny: Detectors = {
      find: (_view, leastScore) => atLeast(leastScore, tiny(0.2)),
      check: (_view, leastScore) => atLeast(leastScore, tiny(0.6)),
    };
    t.same(searchFaces(frame, withTiny, all, defaultSearch).faces, [], 'a small one is a pattern of noise');
    const clear = face([10, 10, 90, 90]);
    const withClear: Detectors = {
      find: (_view, leastScore) => atLeast(leastScore, unsure, clear),
      check: (_view, leastScore) => atLeast(leastScore, sure, clear),
    };
    const { faces } = searchFaces(frame, withClear, all, defaultSearch);
    t.same(
      faces.map(({ box }) => box[0]),
      [10],
      'where a face was found, the scores stay',
    );
  },
);

t.test('a board that cannot keep up leaves out tiles and close-ups, and every face gets its turn', async (t) => {
  const far = [face([100, 100, 80, 80]), face([600, 400, 80, 80]), face([1100, 800, 80, 80])];
  const { both, found, checked } = detectors(far);
  const placed = new Set<number>();
  for (let turn = 0; turn < 3; turn++) {
    found.length = 0;
    checked.length = 0;
    const { faces } = searchFaces(wide, both, { ...video, turn, limits: { tiles: 0, closeUps: 1 } }, defaultSearch);
    t.strictSame([found.length, checked.length], [1, 1], 'the whole frame and one close-up');
    t.equal(faces.length, 3, 'every face is seen in each frame');
    for (const { box } of faces.filter(({ isPlaced }) => isPlaced)) placed.add(box[0]);
  }
  t.equal(placed.size, 3);
});

t.test('a doubtful candidate whose close-up is left out is no face in this frame', async (t) => {
  const { both } = detectors([face([100, 100, 200, 200], 0.45), face([600, 400, 200, 200], 0.4)]);
  const limits = { tiles: 0, closeUps: 0 };
  t.same(searchFaces(frame, both, { ...video, limits }, defaultSearch).faces, []);
});

t.test('a portrait is searched no finer than its subject needs', async (t) => {
  const photo = { width: 2560, height: 1707 };
  const portrait = { ...all, search: 'portrait' } as const;
  const count = (faces: readonly Candidate[]) => {
    const { both, found } = detectors(faces);
    const result = searchFaces(photo, both, portrait, defaultSearch);
    return { found: result.faces.map(({ box }) => box[2]), views: found.length };
  };
  const every = photoViews(photo);
  const large = count([face([900, 500, 900, 900])]);
  t.strictSame(large.found, [900]);
  t.equal(large.views, 1, 'the whole shows everything that is not in its background');
  const middle = count([face([900, 500, 300, 300])]);
  t.strictSame(middle.found, [300]);
  t.ok(middle.views > 1 && middle.views < every, `${middle.views} views`);
  t.ok(count([face([900, 500, 60, 60])]).views >= every, 'a far face needs every tile');
  t.strictSame(count([face([300, 300, 500, 500]), face([2000, 300, 170, 170])]).found, [500, 170], 'a second person');
});

t.test('a large ghost does not end the search of a portrait', async (t) => {
  const photo = { width: 2560, height: 1707 };
  const { both } = detectors([face([900, 500, 60, 60])]);
  const haunted: DetectorPass = (view, leastScore) =>
    view.width === 2560 ? [face([100, 100, 1000, 1000], 0.9)] : both.find(view, leastScore);
  const { faces } = searchFaces(photo, { ...both, find: haunted }, { ...all, search: 'portrait' }, defaultSearch);
  t.strictSame(
    faces.map(({ box }) => box[2]),
    [60],
  );
});

t.test('a face that is expected without an embedding has no close-up', async (t) => {
  const { both, checked } = detectors([face([600, 400, 80, 80]), face([200, 400, 80, 80])]);
  const request = { ...video, expected: [[604, 398, 80, 80]] as const };
  const { faces } = searchFaces(frame, both, request, defaultSearch);
  t.strictSame(
    faces.map(({ box, isPlaced, isContinued }) => ({ box, isPlaced, isContinued })).sort((a, b) => a.box[0] - b.box[0]),
    [
      { box: [200, 400, 80, 80], isPlaced: true, isContinued: false },
      { box: [600, 400, 80, 80], isPlaced: false, isContinued: true },
    ],
  );
  t.equal(checked.length, 1);
  const doubtful = detectors([face([600, 400, 80, 80], 0.4)]);
  searchFaces(frame, doubtful.both, request, defaultSearch);
  t.equal(doubtful.checked.length, 1, 'a candidate that may be no face has one');
  const photo = detectors([face([600, 400, 80, 80])]);
  t.notOk(
    searchFaces(frame, photo.both, { ...request, search: 'all' }, defaultSearch).faces[0]!.isContinued,
    'a photo',
  );
});

t.test('where close-ups are limited, faces that need one get them', async (t) => {
  const faces = [100, 400, 700, 1000].map((x) => face([x, 400, 80, 80]));
  const { both, checked } = detectors(faces);
  const expected = faces.slice(0, 3).map(({ box }) => box);
  searchFaces(frame, both, { ...video, turn: 1, expected, limits: { tiles: 0, closeUps: 1 } }, defaultSearch);
  t.equal(checked.length, 1);
  t.ok(checked[0]!.x > 800, 'the face that nobody expects');
});
