import t from 'tap';
import type { Candidate } from '../../src/vision/blazeface.js';
import type { Box, Landmarks } from '../../src/vision/face.js';
import type { View } from '../../src/vision/picture.js';
import {
  type DetectorPass,
  defaultSearch,
  photoViews,
  searchFaces,
  tileGrid,
  tileSides,
  tilesInTurn,
} from '../../src/vision/search.js';

const frame = { width: 1280, height: 960 };
const all = { search: 'all', around: [], moved: [], turn: 0 } as const;

function face(box: Box, score = 0.8): Candidate {
  const [x, y, w, h] = box;
  const at = (fx: number, fy: number): [number, number] => [x + w * fx, y + h * fy];
  const landmarks: Landmarks = [at(0.3, 0.4), at(0.7, 0.4), at(0.5, 0.6), at(0.5, 0.8), at(0.1, 0.5), at(0.9, 0.5)];
  return { box, landmarks, score };
}

/** A detector that finds the faces that are wholly in view and at least `leastPx` wide in its input. */
function detector(faces: readonly Candidate[], leastPx = 12): { pass: DetectorPass; views: View[] } {
  const views: View[] = [];
  const pass: DetectorPass = (view, leastScore) => {
    views.push(view);
    return faces.filter(({ box: [x, y, w, h], score }) => {
      const inside = x >= view.x && y >= view.y && x + w <= view.x + view.side && y + h <= view.y + view.side;
      return inside && (w * 192) / view.side >= leastPx && score >= leastScore;
    });
  };
  return { pass, views };
}

t.test('tiles cover the frame and overlap by a quarter', async (t) => {
  for (const [width, height] of [
    [1280, 960],
    [640, 480],
    [4000, 500],
    [333, 1001],
  ] as const) {
    for (const side of [320, 480]) {
      const grid = tileGrid({ width, height }, side);
      const covered = (x: number, y: number) =>
        grid.some((v) => x >= v.x && x < v.x + side && y >= v.y && y < v.y + side);
      const points = Array.from({ length: 4000 }, (_, i) => [(i * 17) % width, Math.floor(i * 7.3) % height] as const);
      t.ok(
        points.every(([x, y]) => covered(x, y)),
        `${width}x${height} in tiles of ${side}`,
      );
    }
  }
  t.same(tileGrid({ width: 300, height: 200 }, 320), [], 'no tile larger than the frame');
});

t.test(
  'photos are searched from coarse to fine, huge photos with tiles of at least an eighth of their side',
  async (t) => {
    t.same(tileSides(frame, 320), [640, 320]);
    t.same(tileSides({ width: 250, height: 250 }, 320), []);
    t.same(tileSides({ width: 8000, height: 6000 }, 320), [4000, 2000, 1000]);
  },
);

t.test('every tile is searched in turn, tiles with motion first', async (t) => {
  const grid = tileGrid(frame, 480);
  const turns = (moved: Box[], count: number) =>
    Array.from({ length: count }, (_, turn) => tilesInTurn(grid, moved, turn, 2));
  t.equal(new Set(turns([], grid.length / 2).flat()).size, grid.length);
  const corner: Box = [0, 0, 100, 100];
  t.ok(
    turns([corner], 20).every((tiles) => tiles.length === 2 && tiles[0] === grid[0]),
    'the tile with motion in each frame',
  );
  t.equal(new Set(turns([corner], 2 * grid.length).flat()).size, grid.length, 'and the others one by one');
  const two: Box = [420, 0, 10, 10];
  t.equal(new Set(turns([two], 12).flat()).size, 2, 'two tiles with motion take both places');
  t.equal(new Set(Array.from({ length: 12 }, (_, turn) => tilesInTurn(grid, [two], turn, 3)).flat()).size, grid.length);
  const everywhere: Box = [0, 0, 1280, 960];
  t.equal(new Set(turns([everywhere], grid.length / 2).flat()).size, grid.length);
  t.same(tilesInTurn([], [corner], 3, 2), []);
  t.same(tilesInTurn(grid, [corner], 3, 0), []);
});

t.test('a far face is found in a photo and in a video close-up, but not in the whole frame', async (t) => {
  const far = face([600, 400, 40, 40]);
  const { pass } = detector([far]);
  t.equal(searchFaces(frame, pass, all, defaultSearch).faces.length, 1);
  t.equal(searchFaces(frame, pass, { ...all, search: 'whole' }, defaultSearch).faces.length, 0);
  const none = { ...defaultSearch, tilesPerFrame: 0 };
  const around: Box[] = [[610, 405, 40, 40]];
  t.equal(searchFaces(frame, pass, { search: 'auto', around, moved: [], turn: 0 }, none).faces.length, 1);
  t.equal(searchFaces(frame, pass, { search: 'auto', around: [], moved: [], turn: 0 }, none).faces.length, 0);
});

t.test('video finds a far face within one round of its tiles', async (t) => {
  const { pass } = detector([face([1200, 900, 40, 40])]);
  const turns = Array.from({ length: 6 }, (_, turn) =>
    searchFaces(frame, pass, { search: 'auto', around: [], moved: [], turn }, defaultSearch),
  );
  t.ok(turns.some(({ faces }) => faces.length === 1));
  t.ok(
    turns.every(({ passes }) => passes <= 3),
    'at most its tiles and one close-up',
  );
});

t.test('a face seen large enough in video costs no second pass', async (t) => {
  const { pass, views } = detector([face([400, 300, 400, 400])]);
  const { faces } = searchFaces(frame, pass, { search: 'whole', around: [], moved: [], turn: 0 }, defaultSearch);
  t.equal(faces.length, 1);
  t.equal(views.length, 1);
});

t.test('a near face that is expected costs no close-up: the whole frame shows it', async (t) => {
  const near: Box = [400, 300, 400, 400];
  const { pass, views } = detector([face(near)]);
  const none = { ...defaultSearch, tilesPerFrame: 0 };
  t.equal(searchFaces(frame, pass, { search: 'auto', around: [near], moved: [], turn: 0 }, none).faces.length, 1);
  t.equal(views.length, 1);
});

t.test('a candidate that close-ups do not confirm is no face', async (t) => {
  const ghost = face([600, 400, 40, 40], 0.7);
  const pass: DetectorPass = (view) => (view.side > 200 ? [ghost] : []);
  t.same(searchFaces(frame, pass, all, defaultSearch).faces, []);
  const half: DetectorPass = (view) => (view.side > 200 || view.side === 80 ? [ghost] : []);
  t.same(searchFaces(frame, half, all, defaultSearch).faces, [], 'one of two close-ups is not enough');
});

t.test('one face in many views is one face; a small face inside it is another', async (t) => {
  const { pass } = detector([face([300, 300, 300, 300]), face([400, 420, 60, 60], 0.7)]);
  const { faces } = searchFaces(frame, pass, all, defaultSearch);
  t.same(
    faces.map(({ box }) => Math.round(box[2])),
    [300, 60],
  );
});

t.test('a photo without a find is searched again, with a border and enlarged', async (t) => {
  const { pass, views } = detector([]);
  const small = { width: 250, height: 250 };
  searchFaces(small, pass, all, defaultSearch);
  t.same(
    views.map(({ side }) => side),
    [250, 250, 375, 175, 125],
  );
  views.length = 0;
  searchFaces(small, pass, { ...all, search: 'whole' }, defaultSearch);
  t.equal(views.length, 1);
});

t.test('a board that cannot keep up leaves out tiles and close-ups, and every face gets its turn', async (t) => {
  const far = [face([100, 100, 40, 40]), face([600, 400, 40, 40]), face([1100, 800, 40, 40])];
  const { pass, views } = detector(far);
  const around = far.map(({ box }) => box);
  const found = new Set<number>();
  for (let turn = 0; turn < 3; turn++) {
    views.length = 0;
    const limits = { tiles: 0, closeUps: 1 };
    const { faces } = searchFaces(frame, pass, { search: 'auto', around, moved: [], turn, limits }, defaultSearch);
    t.equal(views.length, 2, 'the whole frame and one close-up');
    for (const { box } of faces) found.add(box[0]);
  }
  t.equal(found.size, 3);
});

t.test('a candidate whose close-up is left out is no face in this frame', async (t) => {
  const two = [face([100, 100, 200, 200], 0.9), face([600, 400, 200, 200], 0.8)];
  const { pass } = detector(two);
  const count = (turn: number) => {
    const limits = { tiles: 0, closeUps: 1 };
    return searchFaces(frame, pass, { search: 'auto', around: [], moved: [], turn, limits }, defaultSearch).faces
      .length;
  };
  t.strictSame([count(0), count(1)], [1, 1]);
});

t.test('a portrait is searched no finer than its subject needs', async (t) => {
  const photo = { width: 2560, height: 1707 };
  const portrait = { ...all, search: 'portrait' } as const;
  const count = (faces: readonly Candidate[]) => {
    const { pass, views } = detector(faces);
    const { faces: found } = searchFaces(photo, pass, portrait, defaultSearch);
    return { found: found.map(({ box }) => box[2]), views: views.length };
  };
  const all104 = photoViews(photo);
  t.equal(all104, 104);
  const large = count([face([900, 500, 900, 900])]);
  t.strictSame(large.found, [900]);
  t.ok(large.views <= 1 + 6 + 2, `${large.views} views: the whole, the coarsest tiles and two close-ups`);
  const middle = count([face([900, 500, 400, 400])]);
  t.strictSame(middle.found, [400]);
  t.ok(middle.views < 40, `${middle.views} views`);
  t.ok(count([face([900, 500, 60, 60])]).views >= all104, 'a far face needs every tile');
  t.strictSame(count([face([300, 300, 500, 500]), face([2000, 300, 170, 170])]).found, [500, 170], 'a second person');
});

t.test('a large ghost does not end the search of a portrait', async (t) => {
  const photo = { width: 2560, height: 1707 };
  const { pass } = detector([face([900, 500, 60, 60])]);
  const haunted: DetectorPass = (view, leastScore) =>
    view.side === 2560 ? [face([100, 100, 1000, 1000], 0.9)] : pass(view, leastScore);
  const { faces } = searchFaces(photo, haunted, { ...all, search: 'portrait' }, defaultSearch);
  t.strictSame(
    faces.map(({ box }) => box[2]),
    [60],
  );
});
