import t from 'tap';
import {
  chooseTemplates,
  clearestTurn,
  isDoubtful,
  mostTemplates,
  outliers,
  templateCandidate,
  tooAlike,
  unlikeSelf,
} from '../../src/gallery/enrolment.js';
import type { Gallery, Person } from '../../src/gallery/person.js';
import { cosine, similarity } from '../../src/gallery/similarity.js';
import type { Face } from '../../src/vision/face.js';
import { unmeasuredQuality } from '../../src/vision/face.js';
import { madeUpVector, mixed } from '../sharing/household.js';

const face = (x: number, y: number, eyesPx: number, change: Partial<Face['quality']> = {}): Face => ({
  box: [x, y, eyesPx * 2.6, eyesPx * 2.6],
  landmarks: [
    [0, 0],
    [0, 0],
    [0, 0],
    [0, 0],
    [0, 0],
    [0, 0],
  ],
  score: 0.9,
  quality: {
    eyesPx,
    sharpness: 0.5,
    yawDegrees: 0,
    pitchDegrees: 0,
    light: 0.5,
    contrast: 0.2,
    ...unmeasuredQuality,
    ...change,
  },
  embedding: madeUpVector(`${x}/${y}`),
});

/** A candidate of the person `seed`. The closer `alike` is to 1, the more similar the candidates of one seed are. */
function candidate(seed: string, number: number, alike = 0.85): { vector: Float32Array } {
  return { vector: mixed({ [seed]: alike, [`${seed}#${number}`]: Math.sqrt(1 - alike * alike) }) };
}

const candidates = (seed: string, count: number): { vector: Float32Array }[] =>
  Array.from({ length: count }, (_, i) => candidate(seed, i));

const person = (id: string, templates: readonly { vector: Float32Array }[]): Person => ({
  id,
  name: id,
  templates: templates.map(({ vector }, i) => ({ id: i + 1, vector })),
});

const gallery = (...people: Person[]): Gallery => ({ space: 's', version: 1, people, cohort: [] });

t.test('a portrait shows one face, other faces only in the background', (t) => {
  const refused = (faces: Face[]): unknown => {
    const result = templateCandidate(faces, 640, 480);
    return 'refused' in result ? `${result.refused}: ${result.why}` : result.face.box[0];
  };
  t.match(refused([]), /^PHOTO_NO_FACE: shows no face/);
  t.equal(refused([face(280, 200, 60)]), 280);
  t.equal(refused([face(10, 10, 15), face(280, 200, 60), face(500, 10, 19)]), 280);
  t.match(refused([face(280, 200, 60), face(10, 10, 20)]), /^PHOTO_TWO_FACES: shows 2 faces/);
  t.match(refused([face(280, 200, 60), face(10, 10, 60)]), /^PHOTO_TWO_FACES/);
  t.match(refused([face(280, 200, 60), { ...face(10, 10, 60), embedding: null }]), /^PHOTO_TWO_FACES/);
  t.match(refused([face(280, 200, 15)]), /^PHOTO_NO_FACE: shows no usable face: 15 px between the eyes, 20 px needed/);
  t.match(refused([face(280, 200, 60, { yawDegrees: 80 })]), /^PHOTO_NO_FACE: .*turned 80° aside/);
  t.match(refused([{ ...face(280, 200, 60), embedding: null }]), /^PHOTO_NO_FACE/);
  t.end();
});

t.test('duplicates are dropped, and the templates are limited and varied', (t) => {
  const ada = candidates('ada', 5);
  const again = chooseTemplates(person('ada', ada.slice(0, 3)), ada);
  t.same(again.add, ada.slice(3));
  t.same(again.redundant, ada.slice(0, 3));
  t.same(again.remove, []);

  const many = candidates('ada', mostTemplates);
  const twin = { vector: candidate('ada', 0, 0.97).vector };
  const nearTwin = { vector: twin.vector.map((value, i) => 0.97 * value + 0.03 * many[0]!.vector[i]!) };
  const close = { vector: nearTwin.vector.map((value) => value / Math.hypot(...nearTwin.vector)) };
  const chosen = chooseTemplates(person('ada', [...many, twin]), [close], mostTemplates);
  const total = mostTemplates + 1 - chosen.remove.length + chosen.add.length;
  t.equal(total, mostTemplates);

  const capped = chooseTemplates(person('ada', many), candidates('ada', 60).slice(mostTemplates), mostTemplates);
  t.equal(many.length - capped.remove.length + capped.add.length, mostTemplates);
  t.equal(capped.add.length + capped.redundant.length, 20);
  t.end();
});

t.test('one of many near duplicates and an unlike candidate stay', (t) => {
  const crowd = Array.from({ length: 6 }, (_, i) => candidate('ada', i, 0.985));
  const odd = candidate('ada', 99, 0.6);
  const { add } = chooseTemplates({ templates: [] }, [...crowd, odd], 3);
  t.equal(add.length, 3);
  t.ok(add.includes(odd));
  t.end();
});

t.test('the same person under a second name is detected, relatives are not', (t) => {
  const household = gallery(person('ada', candidates('ada', 5)), person('bob', candidates('bob', 5)));
  t.equal(tooAlike([candidate('bob', 7), candidate('bob', 8)], household, 'ada')?.id, 'bob');
  t.equal(tooAlike([candidate('bob', 7)], household, 'bob'), null, 'a person is not compared with themselves');
  t.equal(tooAlike([candidate('cy', 1)], household, null), null);
  const relative = candidate('ada', 5, 0.5);
  t.ok(similarity(relative.vector, madeUpVector('ada')) > 0.4);
  t.equal(tooAlike([relative], household, null), null);
  t.equal(
    tooAlike([candidate('bob', 7), candidate('cy', 1), candidate('cy', 2)], household, null),
    null,
    'one wrong photo does not decide',
  );
  t.end();
});

t.test('a photo of somebody else and a wrong name are detected', (t) => {
  const ada = candidates('ada', 4);
  const wrong = candidate('bob', 1);
  t.same(outliers([...ada, wrong]), [wrong]);
  t.same(outliers([ada[0]!, wrong]), [], 'of two photos it is unknown which is wrong');
  t.equal(unlikeSelf([wrong], person('ada', ada)), true);
  t.equal(unlikeSelf([candidate('ada', 9)], person('ada', ada)), false);
  t.equal(unlikeSelf([wrong], person('ada', [])), false);
  t.end();
});

t.test('of the closest pair the one that is closer to the rest is dropped', async (t) => {
  const [a, b, c] = [
    [1, 0],
    [0.95, 0.312],
    [0.6, 0.8],
  ].map((values) => ({ vector: Float32Array.from(values) }));
  t.same(chooseTemplates({ templates: [] }, [a!, b!, c!], 2).redundant, [b]);
  t.same(chooseTemplates({ templates: [] }, [b!, a!, c!], 2).redundant, [b]);
  const axes = [0, 1, 2].map((axis) => ({ vector: Float32Array.from([0, 1, 2], (n) => (n === axis ? 1 : 0)) }));
  t.same(
    chooseTemplates({ templates: [] }, axes, 2).redundant,
    [axes[1]],
    'of equal pairs the second of the first pair',
  );
});

t.test(
  'the median of the candidates decides in any order, and three candidates are enough for an outlier',
  async (t) => {
    const house = gallery(person('bob', candidates('bob', 5)));
    t.equal(tooAlike([candidate('bob', 7), candidate('cy', 1), candidate('bob', 8)], house, null)?.id, 'bob');
    const strayed = candidate('bob', 1);
    const [first, second] = candidates('ada', 2);
    t.same(outliers([first!, second!, strayed]), [strayed]);
  },
);

/** As the templates were chosen before: every pair again for each one that is dropped. */
function chosenSlowly(vectors: readonly Float32Array[], most: number): readonly Float32Array[] {
  const chosen: Float32Array[] = [];
  for (const vector of vectors) if (!chosen.some((other) => cosine(other, vector) > 0.98)) chosen.push(vector);
  while (chosen.length > most) {
    const closeness = (a: Float32Array): number => chosen.reduce((sum, b) => sum + cosine(a, b), 0);
    let pair: [number, number] = [0, 1];
    let closest = Number.NEGATIVE_INFINITY;
    chosen.forEach((a, i) => {
      chosen.slice(0, i).forEach((b, j) => {
        if (cosine(a, b) > closest) [closest, pair] = [cosine(a, b), [j, i]];
      });
    });
    const [j, i] = pair;
    chosen.splice(closeness(chosen[i]!) >= closeness(chosen[j]!) ? i : j, 1);
  }
  return chosen;
}

t.test('the same templates are chosen as by comparing every pair again', async (t) => {
  for (let seed = 0; seed < 12; seed++) {
    const alike = 0.6 + 0.03 * seed;
    const many = Array.from({ length: 20 + 5 * seed }, (_, i) => candidate(`person ${seed}`, i, alike));
    const stored = person('ada', many.slice(0, 10));
    for (const most of [3, 15, 40]) {
      const { add, remove } = chooseTemplates(stored, many.slice(10), most);
      const kept = [...stored.templates.filter(({ id }) => !remove.includes(id)), ...add].map(({ vector }) => vector);
      t.strictSame(
        kept,
        chosenSlowly(
          many.map(({ vector }) => vector),
          most,
        ),
        `seed ${seed}, ${most} templates`,
      );
    }
  }
});

t.test('two thousand observations take not much longer than their cosines, with progress', async (t) => {
  // Most of them resemble one of them more than each other, which is the worst case for the nearest neighbours.
  const hub = candidate('ada', 0, 0.9);
  const near = (n: number): { vector: Float32Array } => {
    const noise = madeUpVector(`#${n}`);
    const mixed = hub.vector.map((value, i) => 0.8 * value + 0.6 * noise[i]!);
    const length = Math.hypot(...mixed);
    return { vector: mixed.map((value) => value / length) };
  };
  const many = [hub, ...Array.from({ length: 1999 }, (_, n) => near(n))];
  const shares: number[] = [];
  /** What `work` returns, and its CPU time in milliseconds. */
  const timed = <Result>(work: () => Result): [Result, number] => {
    const before = process.cpuUsage();
    return [work(), process.cpuUsage(before).user / 1000];
  };
  // A slow machine, or one that counts what is covered, is slow at both.
  const [, cosinesMs] = timed(() => {
    for (const [i, { vector }] of many.entries()) for (let j = 0; j < i; j++) cosine(vector, many[j]!.vector);
  });
  const [{ add, redundant }, tookMs] = timed(() =>
    chooseTemplates({ templates: [] }, many, mostTemplates, (share) => shares.push(share)),
  );
  t.equal(add.length, mostTemplates);
  t.equal(redundant.length, 2000 - mostTemplates);
  t.ok(tookMs < 4 * cosinesMs, `${tookMs.toFixed(0)} ms of CPU time, ${cosinesMs.toFixed(0)} ms for the cosines alone`);
  t.ok(shares.length >= 20 && shares.every((share, i) => share > 0 && share <= 1 && share >= (shares[i - 1] ?? 0)));
  const [odd, oddMs] = timed(() => outliers([...many, candidate('cy', 1)]));
  t.strictSame(odd.length, 1);
  t.ok(oddMs < cosinesMs);
});

t.test('a photo without a clearly upright face is doubtful, and the clearest turn is used', async (t) => {
  const upright = { ...face(280, 200, 60), score: 0.9 };
  const quality = (over: Partial<Face['quality']>): Face => ({ ...upright, quality: { ...upright.quality, ...over } });
  t.notOk(isDoubtful([upright]));
  t.notOk(isDoubtful([quality({ rollDegrees: 90 }), upright]), 'one upright face is enough');
  for (const lying of [
    [],
    [{ ...upright, score: 0.65 }],
    [quality({ rollDegrees: -45 })],
    [quality({ misfit: 0.2 })],
    [quality({ clarity: 0.7 })],
  ])
    t.ok(isDoubtful(lying));
  const turns = (...faces: (Face | null)[]) =>
    faces.map((face, i) => ({ turn: 90 * i, width: 640, height: 480, faces: face === null ? [] : [face] })) as [
      { turn: number; width: number; height: number; faces: Face[] },
    ];
  const upsideDown = { ...quality({ clarity: 0.98, misfit: 0.07 }), score: 0.65 };
  t.equal(clearestTurn(turns(upsideDown, null, quality({ clarity: 0.88 }), null)).turn, 180, 'the score counts too');
  t.equal(clearestTurn(turns(upright, upright, upright, upright)).turn, 0, 'of equals the photo as it is');
  t.equal(clearestTurn(turns(null, null, null, upsideDown)).turn, 270);
  t.equal(clearestTurn(turns(null, null, null, null)).turn, 0, 'a photo without a face stays as it is');
});
