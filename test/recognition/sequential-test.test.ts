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
const randomVector = (): Float32Array => direction(size, random);

/** A person with `count` templates, whose cosine to the true direction is `similarity`. */
function somebody(count: number, similarity = 0.9, falsePositiveRate?: number): Person {
  const who = randomVector();
  const templates = Array.from({ length: count }, (_, id) => ({ id, vector: near(who, similarity, randomVector()) }));
  const person: Person = { id: 'ada', name: 'Ada', templates };
  return falsePositiveRate === undefined
    ? person
    : { ...person, hypotheses: { genuine: genuineScores(person), impostor: impostorScores, falsePositiveRate } };
}

t.test('similarityAt is the inverse of the log-likelihood ratio', async (t) => {
  const photos = fc.integer({ min: 1, max: 40 });
  fc.assert(
    fc.property(
      photos,
      fc.double({ min: 1, max: 3.3, noNaN: true }),
      fc.double({ min: -12, max: 4, noNaN: true }),
      (n, observations, ratio) => {
        const genuine = roomScores(genuineScores({ templates: somebody(1).templates }), n, observations);
        const similarity = similarityAt(ratio, genuine, impostorScores);
        t.ok(Math.abs(logLikelihoodRatio(similarity, genuine, impostorScores) - ratio) < 1e-6);
        t.ok(
          logLikelihoodRatio(similarity - 0.02, genuine, impostorScores) < ratio,
          'and a lower similarity does not reach the ratio',
        );
      },
    ),
    { numRuns: 200 },
  );
  const genuine = roomScores(genuineScores(somebody(5)), 5, 2);
  t.equal(similarityAt(1e6, genuine, impostorScores), Number.POSITIVE_INFINITY, 'no similarity reaches a ratio of 1e6');
});

t.test('more observations and photos reject sooner, a lower false positive rate needs more to accept', async (t) => {
  for (const photos of [1, 2, 5, 12]) {
    const person = somebody(photos);
    const [few, many] = [boundaries(person, 1), boundaries(person, 3)];
    t.ok(few.reject < few.accept && many.reject < many.accept);
    t.ok(many.reject > few.reject || many.reject === 0.45, `with ${photos} photos more observations reject sooner`);
    t.ok(many.reject <= 0.45, 'but never from 0.45 on');
  }
  t.ok(boundaries(somebody(5), 2).reject > boundaries(somebody(1), 2).reject + 0.05, 'a single photo rejects less');
  t.ok(boundaries(somebody(5, 0.9, 1e-6), 2).accept > boundaries(somebody(5, 0.9, 1e-3), 2).accept + 0.03);
  t.strictSame(boundaries({ id: 'x', name: 'X', templates: [] }, 2), {
    accept: Number.POSITIVE_INFINITY,
    reject: -1,
  });
});

t.test('of impostors who stay, at most the allowed share is ever accepted', async (t) => {
  const falsePositiveRate = 0.01;
  const gallery = { space: 'test', version: 1, people: [somebody(3, 0.9, falsePositiveRate)], cohort: [] };
  let accepted = 0;
  const count = 4000;
  for (let i = 0; i < count; i++) {
    const impostor = randomVector();
    let pooled = noTrackEmbedding;
    let sure = false;
    for (let observation = 0; observation < 25; observation++) {
      pooled = addObservation(pooled, near(impostor, 0.88, randomVector()), 1, observation * 100, options.tracks);
      sure ||= identifyTrack(pooled, gallery, options)!.sure;
    }
    if (sure) accepted++;
  }
  t.ok(accepted / count <= falsePositiveRate, `${accepted} of ${count}`);
});

t.test('the person is accepted within three observations, and is never a stranger', async (t) => {
  const who = randomVector();
  const templates = Array.from({ length: 5 }, (_, id) => ({ id, vector: near(who, 0.9, randomVector()) }));
  const gallery = { space: 'test', version: 1, people: [{ id: 'ada', name: 'Ada', templates }], cohort: [] };
  for (let track = 0; track < 200; track++) {
    let pooled = noTrackEmbedding;
    for (let observation = 0; observation < 3; observation++) {
      pooled = addObservation(pooled, near(who, 0.85, randomVector()), 1, observation * 100, options.tracks);
      t.not(identifyTrack(pooled, gallery, options)!.state, 'stranger');
    }
    t.match(identifyTrack(pooled, gallery, options), { person: 'ada', sure: true });
  }
});

t.test('a track without observations is not identified', async (t) => {
  t.equal(
    identifyTrack(noTrackEmbedding, { space: 'test', version: 1, people: [somebody(1)], cohort: [] }, options),
    null,
  );
});
