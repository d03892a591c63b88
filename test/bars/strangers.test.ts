// A short version of test/bars/strangers.ts, which prints the figures of all situations.
import t from 'tap';
import { evaluationFolder } from './recall.js';
import { measureStrangers, total, wholePlan } from './strangers.js';

const folder = evaluationFolder();
/** Those in which residents were announced as strangers most often before the gate for unknown people. */
const hard = ['turned by 180°', 'sun spot on the face', 'blurred by 0.18 eye distances'];

t.test(
  'a resident whose face is turned, hidden, overexposed or blurred is no stranger, and strangers are told',
  { skip: folder === null && 'skipped: the folder ../shared/eval does not exist' },
  async (t) => {
    const plan = { ...wholePlan, people: 6, household: 3, references: 3, probes: [7], only: ['good', ...hard] };
    const results = await measureStrangers(folder!, plan);
    const { residents, mistaken, wrong, misnamed } = total(results);
    t.ok(residents >= 15, `${residents} tracks of residents`);
    t.equal(mistaken, 0, 'residents announced as strangers');
    t.equal(wrong + misnamed, 0, 'wrong names');
    const good = results.find(({ situation }) => situation === 'good')!;
    t.ok(good.told >= 0.7 * good.strangers, `${good.told} of ${good.strangers} strangers told`);
    t.ok(good.named >= 0.8 * good.residents, `${good.named} of ${good.residents} residents named`);
  },
);
