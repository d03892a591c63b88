import t from 'tap';
import { inBins, personScores } from '../../src/gallery/score-bins.js';

const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

t.test('a score is counted on its side of the threshold, however close it is', async (t) => {
  const threshold = 0.53;
  const { below, above } = inBins([threshold, threshold - 1e-9, threshold + 0.024, threshold - 0.026, null], threshold);
  t.equal(above[0], 2, 'the threshold itself reaches it');
  t.equal(total(above), 2);
  t.equal(below.at(-1), 1);
  t.equal(below.at(-2), 1);
  t.equal(total(below), 2, 'null is not counted');
  for (const at of [0.1, 0.3, 0.47, 0.6]) t.equal(total(inBins([at], at).above), 1, `${at}`);
});

t.test('the outermost bins count what lies beyond them', async (t) => {
  const { below, above } = inBins([-1, 1, 0.99], 0.4);
  t.equal(below[0], 1);
  t.equal(above.at(-1), 2);
  t.same([below.length, above.length], [30, 20]);
});

t.test('own photos are compared with the other photos, unknown with all of them', async (t) => {
  const vector = (...values: number[]) => Float32Array.from(values);
  const ada = {
    id: 'ada',
    name: 'Ada',
    templates: [
      { id: 1, vector: vector(1, 0) },
      { id: 2, vector: vector(1, 0) },
    ],
    adjustment: { threshold: 0.02, margin: 0 },
  };
  const scores = personScores(ada, [vector(0, 1), vector(1, 0), vector(-1, 0)], { threshold: 0.5 });
  t.match(scores, { person: 'ada', name: 'Ada', threshold: 0.52 });
  t.same([total(scores.own.below), total(scores.own.above)], [0, 2]);
  t.same([total(scores.unknown.below), total(scores.unknown.above)], [2, 1]);
  const [photo] = ada.templates;
  const alone = personScores({ ...ada, templates: [photo!] }, [], { threshold: 0.5 });
  t.equal(total([...alone.own.below, ...alone.own.above]), 0, 'one photo has no other');
});
