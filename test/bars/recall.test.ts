// A short version of test/bars/recall.ts, which prints the figures on all rooms.
import t from 'tap';
import { evaluationFolder, measureRecall } from './recall.js';

const folder = evaluationFolder();

t.test(
  'far faces in rooms are detected, and empty rooms have no false faces',
  { skip: folder === null && 'skipped: the folder ../shared/eval does not exist' },
  async (t) => {
    const { falsePerEmptyRoom, recall } = await measureRecall(folder!, 'video', 5, [14, 20]);
    t.equal(falsePerEmptyRoom, 0);
    for (const { eyesPx, pasted, found } of recall) {
      t.ok(found / pasted >= (eyesPx === 14 ? 0.85 : 0.97), `${eyesPx} px: ${found} of ${pasted}`);
    }
  },
);
