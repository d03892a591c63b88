// A small part of test/bars/recall.ts, which has the figures on all rooms.
import t from 'tap';
import { evaluationFolder, measureRecall } from './recall.js';

const folder = evaluationFolder();

t.test(
  'far faces in rooms are found, empty rooms stay empty',
  { skip: folder === null && 'skipped: ../shared/eval is not here' },
  async (t) => {
    const { falsePerEmptyRoom, recall } = await measureRecall(folder!, 5, [14, 20]);
    t.equal(falsePerEmptyRoom, 0);
    for (const { eyesPx, pasted, found } of recall) {
      t.ok(found / pasted >= (eyesPx === 14 ? 0.88 : 0.97), `${eyesPx} px: ${found} of ${pasted}`);
    }
  },
);
