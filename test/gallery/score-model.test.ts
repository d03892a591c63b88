import t from 'tap';
import {
  genuineScores,
  impostorScores,
  logLikelihoodRatio,
  portraitScores,
  roomScores,
  similarityAt,
  trackOfFive,
} from '../../src/gallery/score-model.js';
import { vector } from '../helpers/people.js';

const isAbout = (value: number, expected: number, within = 1e-9) => Math.abs(value - expected) < within;
const templates = (...vectors: Float32Array[]) => ({ templates: vectors.map((each, id) => ({ id, vector: each })) });

t.test('five observations of a track are worth 2.27 independent ones', async (t) => {
  t.ok(isAbout(trackOfFive, 5 / 2.2));
});

t.test('the log-likelihood ratio is that of two normal densities', async (t) => {
  const genuine = { mean: 0.8, standardDeviation: 0.1 };
  const impostor = { mean: 0.1, standardDeviation: 0.2 };
  t.ok(isAbout(logLikelihoodRatio(0.8, genuine, impostor), Math.log(2) + 3.5 ** 2 / 2));
  t.ok(isAbout(logLikelihoodRatio(0.1, genuine, impostor), Math.log(2) - 7 ** 2 / 2));
  t.ok(isAbout(similarityAt(Math.log(2) + 3.5 ** 2 / 2, genuine, impostor), 0.8));
  t.ok(isAbout(similarityAt(Math.log(2) - 7 ** 2 / 2, genuine, impostor), 0.1));
  t.equal(similarityAt(1e6, genuine, impostor), Number.POSITIVE_INFINITY);
});

t.test('a track is nearer to its person and scatters less than an observation, a room scatters more', async (t) => {
  const genuine = { mean: 0.8, standardDeviation: 0.05 };
  const [one, five] = [portraitScores(genuine, 5, 1), portraitScores(genuine, 5, trackOfFive)];
  t.ok(isAbout(one.mean, 0.8) && isAbout(one.standardDeviation, Math.hypot(0.05, 0.065)));
  t.ok(isAbout(five.mean, 0.865) && isAbout(five.standardDeviation, Math.hypot(0.05, 0.018)));
  t.same(portraitScores(genuine, 5, 0.5), one, 'less than one observation counts as one');
  t.ok(isAbout(roomScores(genuine, 5, 1).standardDeviation, Math.hypot(0.05, 0.065, 0.06)));
  t.equal(portraitScores(genuine, 4, 1).standardDeviation, portraitScores(genuine, 3, 1).standardDeviation);
});

t.test('from three photos on the scores of a person follow the own photos', async (t) => {
  const [a, b, c] = [vector(0.9, 0.1), vector(0.9, -0.1), vector(0.9, 0, 0.1)];
  t.match(genuineScores(templates(a)), { mean: 0.738, standardDeviation: 0.068, own: false });
  t.match(genuineScores(templates(a, b)), { mean: 0.777, standardDeviation: 0.061, own: false });
  const alike = genuineScores(templates(a, a, a));
  t.equal(alike.own, true);
  t.ok(isAbout(alike.mean, 0.79 + (3 / 6) * (1 - 0.777), 1e-6), 'half of the way, with three photos');
  t.ok(genuineScores(templates(a, b, c)).mean < alike.mean);
  t.ok(impostorScores.mean < 0.1);
});
