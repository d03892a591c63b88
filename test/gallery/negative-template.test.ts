import t from 'tap';
import { calibrate, calibrated } from '../../src/gallery/calibration.js';
import { checkGallery } from '../../src/gallery/check.js';
import { identify, type Thresholds } from '../../src/gallery/identify.js';
import type { Gallery, Person } from '../../src/gallery/person.js';
import { negativeFrom, negativeTemplateOf, scattered } from '../../src/gallery/similarity.js';
import { defaultOptions } from '../../src/recognition/options.js';
import { household, person, vector } from '../helpers/people.js';

const thresholds: Thresholds = { threshold: 0.5, margin: 0.1, strangerBelow: 0.3 };

/** The household of Ben and Ada, who has these negative templates. */
function galleryOf(...rejections: Float32Array[]): Gallery {
  const ada: Person = {
    ...person('ada', 0),
    negativeTemplates: rejections.map((face, n) => ({ id: 100 + n, vector: face })),
  };
  return { ...household, people: [ada, person('ben', 1)] };
}

/** A face similar to Ada (0.6), and another observation of that face. */
const double = vector(0.6, 0, 0.8);
const again = vector(0.55, 0.1, 0.8);

t.test('a face that matches a negative template of Ada gets neither her name nor another one', async (t) => {
  t.equal(identify(again, household, thresholds).person, 'ada', 'without the negative template');
  const rejected = identify(again, galleryOf(double), thresholds);
  t.match(rejected, { person: null, state: 'unclear', best: 'ada', runnerUp: 'ben' });
  t.match(rejected.reason, { kind: 'nearer-to-negative', best: 'ada' });
  const second = vector(0.6, 0.55, 0.58);
  t.equal(identify(second, household, thresholds).state, 'ambiguous');
  t.match(identify(second, galleryOf(second), thresholds), { person: null, state: 'unclear', best: 'ada' });
});

t.test('it rejects only faces close to it, and none that are closer to Ada', async (t) => {
  const gallery = galleryOf(double);
  t.equal(identify(vector(0.95, 0, 0.2), gallery, thresholds).person, 'ada');
  t.equal(identify(vector(0.7, 0, 0, 0.7), gallery, thresholds).person, 'ada');
  t.equal(identify(vector(0, 0.9, 0.3), gallery, thresholds).person, 'ben', 'other people are not affected');
  const score = 0.5;
  const at = (near: number) =>
    negativeTemplateOf(vector(0, 0, near), { negativeTemplates: [{ id: 7, vector: vector(0, 0, 1) }] }, score);
  t.equal(at(negativeFrom)?.id, 7, 'a similarity equal to the limit matches');
  t.equal(at(negativeFrom - 0.01), null);
  t.equal(negativeTemplateOf(vector(1), {}, 1), null);
});

t.test('negative templates also apply with thresholds for each person', async (t) => {
  const gallery = galleryOf(double);
  const budget = { wrongNamesPerMonth: 1, strangersPerDay: 20 };
  const calibration = calibrate(gallery, { vectors: [], nearness: 0 }, budget, defaultOptions);
  t.not(calibration.people[0]!.adjustment.threshold, 0);
  const adjusted = calibrated(gallery, calibration);
  t.match(identify(again, adjusted, thresholds), {
    state: 'unclear',
    reason: { kind: 'nearer-to-negative', best: 'ada' },
  });
});

t.test('the closest of several negative templates is returned', async (t) => {
  const rejections = [vector(0, 0, 0.7), vector(0, 0, 0.9)].map((face, id) => ({ id, vector: face }));
  t.equal(negativeTemplateOf(vector(0, 0, 1), { negativeTemplates: rejections }, 0.1)?.id, 1);
});

t.test('track embeddings are compared in the same way as single observations', async (t) => {
  const gallery = galleryOf(double);
  t.match(identify(scattered(again, 0.7), gallery, { ...thresholds, threshold: 0.45 }), {
    state: 'unclear',
    best: 'ada',
  });
  const own = vector(0.9, 0, 0.2);
  for (const length of [1, 0.8, 0.6]) t.equal(identify(scattered(own, length), gallery, thresholds).person, 'ada');
});

t.test('the check reports a photo that matches a negative template', async (t) => {
  const photos = [vector(0.9, 0, 0, 0.43), vector(0.9, 0, 0, -0.2), vector(0.9, 0, 0, 0, 0.3), again];
  const templates = photos.map((vector, id) => ({ id, vector }));
  const ada: Person = { id: 'ada', name: 'Ada', templates, negativeTemplates: [{ id: 9, vector: double }] };
  t.match(checkGallery({ ...household, people: [ada] }, thresholds), [
    { kind: 'rejected', person: 'ada', template: 3, correction: 9, other: null },
  ]);
});
