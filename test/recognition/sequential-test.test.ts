import fc from 'fast-check';
import t from 'tap';
import { seededRandom } from '../../src/commands/evaluate/random.js';
import type { Adjustment, Person } from '../../src/gallery/person.js';
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
import { household, vector } from '../helpers/people.js';
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
    t.ok(many.reject > few.reject || many.reject === 0.37, `with ${photos} photos more observations reject sooner`);
    t.ok(many.reject <= 0.37, 'but never from 0.37 on');
  }
  t.ok(boundaries(somebody(5), 2).reject > boundaries(somebody(1), 2).reject, 'a single photo rejects less');
  t.ok(boundaries(somebody(5, 0.9, 1e-6), 2).accept > boundaries(somebody(5, 0.9, 1e-3), 2).accept + 0.03);
  t.strictSame(boundaries({ id: 'x', name: 'X', templates: [] }, 2), {
    accept: Number.POSITIVE_INFINITY,
    reject: -1,
  });
});

t.test('the boundaries are where the likelihood ratio reaches the limits of Wald', async (t) => {
  const person = somebody(1, 0.9, 0.3);
  const { accept, reject } = boundaries(person, 2);
  const ratioAt = (similarity: number) =>
    logLikelihoodRatio(similarity, roomScores(genuineScores(person), 1, 2), impostorScores);
  t.ok(Math.abs(ratioAt(accept) - Math.log(0.999 / 0.3)) < 1e-6);
  t.ok(Math.abs(ratioAt(reject) - Math.log(0.001 / 0.7)) < 1e-6);
});

/** Identifies a track of `weight` that shows `direction`; Ada has this adjustment. */
function identifyWith(direction: Float32Array, weight: number, adjustment?: Adjustment) {
  const pooled = { ...noTrackEmbedding, direction, weight, length: weight, observations: 1 };
  const [ada, ben] = household.people as [Person, Person];
  const people = [adjustment === undefined ? ada : { ...ada, adjustment }, ben];
  const tracks = { ...options.tracks, repetition: 0.3 };
  const pooledOptions = { pooled: { threshold: 0.6, margin: 0.1 }, tracks };
  return identifyTrack(pooled, { ...household, people }, pooledOptions)!;
}

t.test('with few observations the margin needed is larger', async (t) => {
  const marginWith = (weight: number) => {
    const { reason } = identifyWith(vector(0.9), weight);
    return reason.kind === 'match' ? reason.margin!.needed : Number.NaN;
  };
  t.equal(marginWith(0.5), 0.2, 'less than one counts as one');
  t.equal(marginWith(1), 0.2);
  t.ok(Math.abs(marginWith(3) - 0.1 * (1 + 1.6 / 3)) < 1e-9);
});

t.test(
  'a name needs the threshold with what the person needs more, and an observation that has it is no stranger',
  async (t) => {
    const { reason } = identifyWith(vector(0.9), 3, { threshold: 0.02, margin: 0, headroom: 0.03 });
    t.ok(reason.kind === 'match' && Math.abs(reason.needed - 0.65) < 1e-9);
    const lowered = { threshold: -0.35, margin: 0 };
    t.match(identifyWith(vector(0.3), 3, lowered), { person: 'ada', sure: false });
    t.match(identifyWith(vector(0.24), 3, lowered).reason, { kind: 'unlike-everybody', below: 0.25 });
  },
);

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
