import fc from 'fast-check';
import t from 'tap';
import { seededRandom } from '../../src/commands/evaluate/random.js';
import type { Person } from '../../src/gallery/person.js';
import {
  genuineScores,
  impostorScores,
  logLikelihoodRatio,
  roomScores,
  similarityAt,
} from '../../src/gallery/score-model.js';
import { optionsFor } from '../../src/recognition/options.js';
import { boundaries, identifyTrack } from '../../src/recognition/sequential-test.js';
import { addObservation, noTrackEmbedding } from '../../src/recognition/track-embedding.js';
import { direction, near } from '../room/simulator.js';

const options = optionsFor('resnet50-w100');
const random = seededRandom(17);
const size = 50;
const one = (): Float32Array => direction(size, random);

function somebody(count: number, how = 0.9, share?: number): Person {
  const who = one();
  const templates = Array.from({ length: count }, (_, id) => ({ id, vector: near(who, how, one()) }));
  const person: Person = { id: 'ada', name: 'Ada', templates };
  return share === undefined
    ? person
    : { ...person, hypotheses: { genuine: genuineScores(person), impostor: impostorScores, falsePositiveRate: share } };
}

t.test('the log-likelihood ratio and the similarity at which it is reached are each other undone', async (t) => {
  const photos = fc.integer({ min: 1, max: 40 });
  fc.assert(
    fc.property(
      photos,
      fc.double({ min: 1, max: 3.3, noNaN: true }),
      fc.double({ min: -12, max: 4, noNaN: true }),
      (n, looks, ratio) => {
        const genuine = roomScores(genuineScores({ templates: somebody(1).templates }), n, looks);
        const at = similarityAt(ratio, genuine, impostorScores);
        t.ok(Math.abs(logLikelihoodRatio(at, genuine, impostorScores) - ratio) < 1e-6);
        t.ok(logLikelihoodRatio(at - 0.02, genuine, impostorScores) < ratio, 'and below it is not');
      },
    ),
    { numRuns: 200 },
  );
  const genuine = roomScores(genuineScores(somebody(5)), 5, 2);
  t.equal(similarityAt(1e6, genuine, impostorScores), Number.POSITIVE_INFINITY, 'nothing says that much');
});

t.test('looks and photos let deny sooner, a smaller share asks for more to be sure', async (t) => {
  for (const photos of [1, 2, 5, 12]) {
    const person = somebody(photos);
    const [few, many] = [boundaries(person, 1), boundaries(person, 3)];
    t.ok(few.reject < few.accept && many.reject < many.accept);
    t.ok(many.reject > few.reject || many.reject === 0.45, `with ${photos} photos more looks deny sooner`);
    t.ok(many.reject <= 0.45, 'but nobody who is that near');
  }
  t.ok(boundaries(somebody(5), 2).reject > boundaries(somebody(1), 2).reject + 0.05, 'a lone photo denies less');
  t.ok(boundaries(somebody(5, 0.9, 1e-6), 2).accept > boundaries(somebody(5, 0.9, 1e-3), 2).accept + 0.03);
  t.strictSame(boundaries({ id: 'x', name: 'X', templates: [] }, 2), {
    accept: Number.POSITIVE_INFINITY,
    reject: -1,
  });
});

t.test('of strangers who stay, no more than the share allowed ever get to be sure', async (t) => {
  const share = 0.01;
  const gallery = { space: 'test', version: 1, people: [somebody(3, 0.9, share)], cohort: [] };
  let ever = 0;
  const count = 4000;
  for (let i = 0; i < count; i++) {
    const stranger = one();
    let evidence = noTrackEmbedding;
    let sure = false;
    for (let look = 0; look < 25; look++) {
      evidence = addObservation(evidence, near(stranger, 0.88, one()), 1, look * 100, options.tracks);
      sure ||= identifyTrack(evidence, gallery, options)!.sure;
    }
    if (sure) ever++;
  }
  t.ok(ever / count <= share, `${ever} of ${count}`);
});

t.test('the person is sure within three looks, and never a stranger', async (t) => {
  const who = one();
  const templates = Array.from({ length: 5 }, (_, id) => ({ id, vector: near(who, 0.9, one()) }));
  const gallery = { space: 'test', version: 1, people: [{ id: 'ada', name: 'Ada', templates }], cohort: [] };
  for (let track = 0; track < 200; track++) {
    let evidence = noTrackEmbedding;
    for (let look = 0; look < 3; look++) {
      evidence = addObservation(evidence, near(who, 0.85, one()), 1, look * 100, options.tracks);
      t.not(identifyTrack(evidence, gallery, options)!.state, 'stranger');
    }
    t.match(identifyTrack(evidence, gallery, options), { person: 'ada', sure: true });
  }
});

t.test('no evidence decides nothing', async (t) => {
  t.equal(
    identifyTrack(noTrackEmbedding, { space: 'test', version: 1, people: [somebody(1)], cohort: [] }, options),
    null,
  );
});
