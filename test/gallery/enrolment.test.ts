import t from 'tap';
import {
  chooseTemplates,
  mostTemplates,
  outliers,
  templateCandidate,
  tooAlike,
  unlikeSelf,
} from '../../src/gallery/enrolment.js';
import type { Gallery, Person } from '../../src/gallery/person.js';
import { similarity } from '../../src/gallery/similarity.js';
import type { Face } from '../../src/vision/face.js';
import { madeUpVector } from '../sharing/household.js';

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
  quality: { eyesPx, sharpness: 0.5, yawDegrees: 0, pitchDegrees: 0, light: 0.5, contrast: 0.2, ...change },
  embedding: madeUpVector(`${x}/${y}`),
});

/** A look at `seed`'s face: the closer to 1 `alike` is, the closer to other looks of the same seed. */
function look(seed: string, number: number, alike = 0.85): { vector: Float32Array } {
  const [own, noise] = [madeUpVector(seed), madeUpVector(`${seed}#${number}`)];
  const mixed = own.map((value, i) => alike * value + Math.sqrt(1 - alike * alike) * noise[i]!);
  const length = Math.hypot(...mixed);
  return { vector: mixed.map((value) => value / length) };
}

const looks = (seed: string, count: number): { vector: Float32Array }[] =>
  Array.from({ length: count }, (_, i) => look(seed, i));

const person = (id: string, of: readonly { vector: Float32Array }[]): Person => ({
  id,
  name: id,
  templates: of.map(({ vector }, i) => ({ id: i + 1, vector })),
});

const gallery = (...people: Person[]): Gallery => ({ space: 's', version: 1, people, cohort: [] });

t.test('a portrait shows one face, or one face and far people', (t) => {
  const refused = (faces: Face[]): unknown => {
    const found = templateCandidate(faces, 640, 480);
    return 'refused' in found ? `${found.refused}: ${found.why}` : found.face.box[0];
  };
  t.match(refused([]), /^PHOTO_NO_FACE: shows no face/);
  t.equal(refused([face(280, 200, 60)]), 280);
  t.equal(refused([face(10, 10, 15), face(280, 200, 60), face(500, 10, 19)]), 280);
  t.match(refused([face(280, 200, 60), face(10, 10, 20)]), /^PHOTO_TWO_FACES: shows 2 faces/);
  t.match(refused([face(280, 200, 60), face(10, 10, 60)]), /^PHOTO_TWO_FACES/);
  t.match(refused([face(280, 200, 60), { ...face(10, 10, 60), embedding: null }]), /^PHOTO_TWO_FACES/);
  t.match(refused([face(280, 200, 15)]), /^PHOTO_NO_FACE: shows no usable face: 15 px between the eyes, 20 needed/);
  t.match(refused([face(280, 200, 60, { yawDegrees: 80 })]), /^PHOTO_NO_FACE: .*turned 80 degrees aside/);
  t.match(refused([{ ...face(280, 200, 60), embedding: null }]), /^PHOTO_NO_FACE/);
  t.end();
});

t.test('twins among looks are left out, and what is kept is capped and varied', (t) => {
  const ada = looks('ada', 5);
  const again = chooseTemplates(person('ada', ada.slice(0, 3)), ada);
  t.same(again.add, ada.slice(3));
  t.same(again.redundant, ada.slice(0, 3));
  t.same(again.remove, []);

  const many = looks('ada', mostTemplates);
  const twin = { vector: look('ada', 0, 0.97).vector };
  const nearTwin = { vector: twin.vector.map((value, i) => 0.97 * value + 0.03 * many[0]!.vector[i]!) };
  const close = { vector: nearTwin.vector.map((value) => value / Math.hypot(...nearTwin.vector)) };
  const chosen = chooseTemplates(person('ada', [...many, twin]), [close], mostTemplates);
  const kept = mostTemplates + 1 - chosen.remove.length + chosen.add.length;
  t.equal(kept, mostTemplates);

  const capped = chooseTemplates(person('ada', many), looks('ada', 60).slice(mostTemplates), mostTemplates);
  t.equal(many.length - capped.remove.length + capped.add.length, mostTemplates);
  t.equal(capped.add.length + capped.redundant.length, 20);
  t.end();
});

t.test('of a crowd of near twins one stays, and what is unlike them stays too', (t) => {
  const crowd = Array.from({ length: 6 }, (_, i) => look('ada', i, 0.985));
  const odd = look('ada', 99, 0.6);
  const { add } = chooseTemplates({ templates: [] }, [...crowd, odd], 3);
  t.equal(add.length, 3);
  t.ok(add.includes(odd));
  t.end();
});

t.test('another person under a second name is noticed, relatives are not', (t) => {
  const house = gallery(person('ada', looks('ada', 5)), person('bob', looks('bob', 5)));
  t.equal(tooAlike([look('bob', 7), look('bob', 8)], house, 'ada')?.id, 'bob');
  t.equal(tooAlike([look('bob', 7)], house, 'bob'), null, 'oneself is not another');
  t.equal(tooAlike([look('cy', 1)], house, null), null);
  const relative = look('ada', 5, 0.5);
  t.ok(similarity(relative.vector, madeUpVector('ada')) > 0.4);
  t.equal(tooAlike([relative], house, null), null);
  t.equal(
    tooAlike([look('bob', 7), look('cy', 1), look('cy', 2)], house, null),
    null,
    'one strayed photo decides nothing',
  );
  t.end();
});

t.test('a strayed photo and a wrong name are noticed', (t) => {
  const ada = looks('ada', 4);
  const strayed = look('bob', 1);
  t.same(outliers([...ada, strayed]), [strayed]);
  t.same(outliers([ada[0]!, strayed]), [], 'of two nobody knows which is wrong');
  t.equal(unlikeSelf([strayed], person('ada', ada)), true);
  t.equal(unlikeSelf([look('ada', 9)], person('ada', ada)), false);
  t.equal(unlikeSelf([strayed], person('ada', [])), false);
  t.end();
});
