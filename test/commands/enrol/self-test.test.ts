import t from 'tap';
import { noTest, outcome, type TestedObservation, tested } from '../../../src/commands/enrol/self-test.js';

const ada = (similarity: number, person: string | null = 'ada'): TestedObservation => ({
  weight: 1,
  best: 'ada',
  similarity,
  person,
  reason: { kind: 'below-threshold', best: 'ada', similarity, needed: 0.59 },
});
const after = (...observations: TestedObservation[]) =>
  observations.reduce((test, observation) => tested(test, observation, 'ada'), noTest);
const times = (count: number, observation: TestedObservation) => Array.from({ length: count }, () => observation);

t.test('the test passes after eight observations with the name; earlier ones do not count', async (t) => {
  const test = after(...times(3, ada(0.8, null)), ada(0.81), ...times(7, ada(0.9)));
  t.same(test, { observations: 8, named: 8, before: 3, leastSimilarity: 0.81, reason: ada(0.9).reason });
  t.equal(outcome(test), 'passed');
  t.equal(outcome(after(...times(7, ada(0.9)))), null);
});

t.test('the test fails if the name is lost again or goes to somebody else', async (t) => {
  t.equal(outcome(after(...times(7, ada(0.9)), ada(0.5, null))), 'failed');
  t.equal(outcome(after(...times(7, ada(0.9)), { ...ada(0.6, 'ben'), best: 'ben' })), 'failed');
  t.equal(
    after(ada(0.9), { ...ada(0.2), best: 'ben' }).leastSimilarity,
    0.9,
    'a similarity to Ben does not count for Ada',
  );
});

t.test('without the name it fails after 24 good observations; bad ones do not count', async (t) => {
  t.equal(outcome(after(...times(500, { ...ada(0.3, null), weight: 0 }))), null);
  t.equal(outcome(after(...times(23, ada(0.5, null)))), null);
  const test = after(...times(24, ada(0.5, null)));
  t.equal(outcome(test), 'failed');
  t.strictSame(test.reason, ada(0.5).reason);
});
