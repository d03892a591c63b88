import t from 'tap';
import { primaryFace } from '../../src/gallery/enrolment.js';
import type { Box } from '../../src/vision/face.js';

const chosen = (...boxes: Box[]) => {
  const faces = boxes.map((box) => ({ box }));
  const face = primaryFace(faces, 1000, 800);
  return face === null ? null : faces.indexOf(face);
};

t.test('the subject of a portrait is the most central face that is not in the background', async (t) => {
  t.equal(chosen(), null);
  t.equal(chosen([900, 700, 20, 20]), 0, 'a single face anywhere');
  t.equal(chosen([50, 50, 120, 120], [430, 330, 100, 100]), 1, 'a central face is preferred to a slightly larger one');
  t.equal(
    chosen([50, 50, 300, 300], [450, 350, 100, 100]),
    0,
    'a much smaller face is in the background, even if it is central',
  );
  t.equal(chosen([400, 300, 100, 100], [500, 400, 100, 100]), 0, 'the first of equal faces');
});

t.test('the middle of a face counts, and a face of a third of the largest area is not in the background', async (t) => {
  t.equal(chosen([400, 300, 200, 200], [490, 340, 120, 120]), 0);
  t.equal(chosen([0, 0, 300, 100], [450, 350, 100, 100]), 1);
  t.equal(chosen([0, 0, 300, 100], [450, 350, 99, 100]), 0);
});
