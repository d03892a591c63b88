import t from 'tap';
import {
  accuracyAt,
  type ScoredPair,
  shareAbove,
  thresholdAtRate,
  verify,
} from '../../../src/commands/evaluate/verification.js';

function pairs(same: readonly (number | null)[], different: readonly (number | null)[], folds = 1): ScoredPair[] {
  const pairOf = (isSame: boolean) => (similarity: number | null, index: number) => ({
    same: isSame,
    fold: String(index % folds),
    kind: null,
    similarity,
  });
  return [...same.map(pairOf(true)), ...different.map(pairOf(false))];
}

t.test('separated pairs are all decided correctly', async (t) => {
  const result = verify(pairs([0.9, 0.8, 0.7, 0.6], [0.1, 0.2, 0.3, 0.0], 2));
  t.match(result, { pairs: 8, accuracy: 1, accuracyStd: 0, eer: 0, tarAtFar: { '0.01': 1, '0.001': 1 } });
  t.ok(result.threshold > 0.3 && result.threshold < 0.6);
});

t.test('an undetected face is a wrong decision, whatever the pair is', async (t) => {
  const result = verify(pairs([0.9, 0.8, 0.7, null], [0.1, 0.2, 0.3, null], 2));
  t.equal(result.accuracy, 0.75);
  t.equal(result.tarAtFar['0.01'], 0.75);
  t.equal(accuracyAt(pairs([null], [null]), 0.5), 0);
});

t.test('the threshold of a fold is chosen on the other folds', async (t) => {
  // Fold 0 alone would choose 0.5 and be right; fold 1 makes it choose above 0.7, where its own same pairs fail.
  const fold = (same: number[], different: number[], name: string) =>
    pairs(same, different).map((pair) => ({ ...pair, fold: name }));
  const result = verify([...fold([0.6, 0.6], [0.1, 0.1], '0'), ...fold([0.9, 0.9], [0.8, 0.8], '1')]);
  t.equal(result.accuracy, 0.5, 'fold 0 at 0.85: its same pairs are lost; fold 1 at 0.35: its different ones');
  t.equal(result.accuracyStd, 0);
});

t.test('true acceptance rate at false acceptance rates of 0.01 and 0.001', async (t) => {
  const different = Array.from({ length: 1000 }, (_, i) => i / 2000);
  const same = [0.494, 0.4955, 0.499, 0.4996, 0.6];
  const { tarAtFar } = verify(pairs(same, different));
  t.equal(tarAtFar['0.01'], 4 / 5, 'ten different pairs pass above 0.4945');
  t.equal(tarAtFar['0.001'], 2 / 5);
});

t.test('a rate is never exceeded, ties included', async (t) => {
  const values = [0.5, 0.5, 0.5, 0.1];
  t.equal(shareAbove(values, thresholdAtRate(values, 0.25)), 0);
  t.equal(shareAbove(values, thresholdAtRate(values, 0.75)), 0.75);
  t.equal(shareAbove(values, thresholdAtRate(values, 1)), 1);
});

t.test('the equal error rate of overlapping pairs', async (t) => {
  const { eer } = verify(pairs([0.9, 0.8, 0.7, 0.3], [0.1, 0.2, 0.25, 0.75]));
  t.equal(eer, 0.25);
});

t.test('pairs of one kind only have no curve', async (t) => {
  t.match(verify(pairs([0.9, 0.8], [])), { accuracy: 1, eer: null, tarAtFar: { '0.01': null, '0.001': null } });
});
