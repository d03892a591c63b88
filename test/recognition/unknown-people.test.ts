import t from 'tap';
import { defaultOptions, type RecognitionOptions } from '../../src/recognition/options.js';
import { noUnknownPeople, recogniseUnknown, type UnknownPeople } from '../../src/recognition/unknown-people.js';
import { vector } from '../helpers/people.js';

const options: RecognitionOptions = {
  ...defaultOptions,
  pooled: { threshold: 0.5, margin: 0.08 },
  naming: { ...defaultOptions.naming, strangerMemoryMs: 600_000 },
};
const recognise = (known: UnknownPeople, face: Float32Array, atMs = 0, used: readonly string[] = []) =>
  recogniseUnknown(known, face, atMs, new Set(used), options);

t.test('an unknown person is recognised again from the threshold on, others get new keys', async (t) => {
  const first = recognise(noUnknownPeople, vector(1));
  t.equal(first.key, 'stranger-1');
  const again = recognise(first.unknownPeople, vector(0.5));
  t.equal(again.key, 'stranger-1');
  t.equal(again.unknownPeople.nextKey, 2);
  t.equal(again.unknownPeople.known.length, 1);
  t.equal(recognise(first.unknownPeople, vector(0.49)).key, 'stranger-2');
  t.equal(recognise(first.unknownPeople, vector(1), 0, ['stranger-1']).key, 'stranger-2', 'another track has the key');
});

t.test('the most similar one is taken', async (t) => {
  let { unknownPeople } = recognise(noUnknownPeople, vector(0.6, 0, 0.75));
  for (const face of [vector(0.1, 0.9), vector(0.8, 0, -0.55)])
    unknownPeople = recognise(unknownPeople, face).unknownPeople;
  t.strictSame(
    unknownPeople.known.map(({ key }) => key),
    ['stranger-1', 'stranger-2', 'stranger-3'],
  );
  t.equal(recognise(unknownPeople, vector(1)).key, 'stranger-3');
  t.equal(recognise(unknownPeople, vector(0.6, 0, 0.75)).key, 'stranger-1');
});

t.test('an unknown person is forgotten after ten minutes', async (t) => {
  const { unknownPeople } = recognise(noUnknownPeople, vector(1), 1000);
  t.equal(recognise(unknownPeople, vector(1), 601_000).key, 'stranger-1');
  const later = recognise(unknownPeople, vector(1), 601_001);
  t.equal(later.key, 'stranger-2');
  t.strictSame(
    later.unknownPeople.known.map(({ key, lastMs }) => [key, lastMs]),
    [['stranger-2', 601_001]],
  );
});

t.test('the memory is bounded, and keeps those met last', async (t) => {
  let unknownPeople = noUnknownPeople;
  for (let n = 0; n < 40; n++) {
    const face = new Float32Array(64);
    face[n] = 1;
    unknownPeople = recognise(unknownPeople, face, n).unknownPeople;
  }
  t.equal(unknownPeople.known.length, 32);
  t.equal(unknownPeople.known[0]?.key, 'stranger-9');
});
