import t from 'tap';
import { noTest, outcome, type TestedObservation, tested } from '../../../src/commands/enrol/self-test.js';

const ada = (similarity: number, person: string | null = 'ada'): TestedObservation => ({
  weight: 1,
  best: 'ada',
  similarity,
  person,
  reason: { kind: 'below-threshold', best: 'ada', similarity, needed: 0.59 },
});
const after = (...looks: TestedObservation[]) => looks.reduce((now, look) => tested(now, look, 'ada'), noTest);
const times = (count: number, look: TestedObservation) => Array.from({ length: count }, () => look);

t.test('eight looks with the name after the first pass; the looks that led to it do not count', async (t) => {
  const now = after(...times(3, ada(0.8, null)), ada(0.81), ...times(7, ada(0.9)));
  t.same(now, { observations: 8, named: 8, before: 3, leastSimilarity: 0.81, reason: ada(0.9).reason });
  t.equal(outcome(now), 'passed');
  t.equal(outcome(after(...times(7, ada(0.9)))), null);
});

t.test('a name that comes and goes, or goes to somebody else, fails', async (t) => {
  t.equal(outcome(after(...times(7, ada(0.9)), ada(0.5, null))), 'failed');
  t.equal(outcome(after(...times(7, ada(0.9)), { ...ada(0.6, 'ben'), best: 'ben' })), 'failed');
  t.equal(after(ada(0.9), { ...ada(0.2), best: 'ben' }).leastSimilarity, 0.9, 'a similarity to Ben is none to Ada');
});

t.test('without the name it fails after 24 good looks; bad ones say nothing', async (t) => {
  t.equal(outcome(after(...times(500, { ...ada(0.3, null), weight: 0 }))), null);
  t.equal(outcome(after(...times(23, ada(0.5, null)))), null);
  const now = after(...times(24, ada(0.5, null)));
  t.equal(outcome(now), 'failed');
  t.strictSame(now.reason, ada(0.5).reason);
});
