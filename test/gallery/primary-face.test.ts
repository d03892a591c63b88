import t from 'tap';
import { primaryFace } from '../../src/gallery/enrolment.js';
import type { Box } from '../../src/vision/face.js';

const chosen = (...boxes: Box[]) => {
  const faces = boxes.map((box) => ({ box }));
  const one = primaryFace(faces, 1000, 800);
  return one === null ? null : faces.indexOf(one);
};

t.test('a portrait is of the face nearest to its middle that is not in the background', async (t) => {
  t.equal(chosen(), null);
  t.equal(chosen([900, 700, 20, 20]), 0, 'the only one, wherever it is');
  t.equal(chosen([50, 50, 120, 120], [430, 330, 100, 100]), 1, 'central before a little larger');
  t.equal(
    chosen([50, 50, 300, 300], [450, 350, 100, 100]),
    0,
    'a much smaller one is in the background, central or not',
  );
  t.equal(chosen([400, 300, 100, 100], [500, 400, 100, 100]), 0, 'of equals the first');
});
