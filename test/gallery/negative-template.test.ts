import t from 'tap';
import { calibrate, calibrated } from '../../src/gallery/calibration.js';
import { checkGallery } from '../../src/gallery/check.js';
import { identify, type Thresholds } from '../../src/gallery/identify.js';
import type { Gallery, Person } from '../../src/gallery/person.js';
import { negativeFrom, negativeTemplateOf, scattered } from '../../src/gallery/similarity.js';
import { defaultOptions } from '../../src/recognition/options.js';
import { household, person, vector } from '../helpers/people.js';

const thresholds: Thresholds = { threshold: 0.5, margin: 0.1, strangerBelow: 0.3 };

/** Ada with faces that are not her, in the household with Ben. */
function galleryOf(...rejections: Float32Array[]): Gallery {
  const ada: Person = { ...person('ada', 0), negativeTemplates: rejections.map((face, n) => ({ id: 100 + n, vector: face })) };
  return { ...household, people: [ada, person('ben', 1)] };
}

/** Somebody like Ada (0.6), and another look of that face. */
const double = vector(0.6, 0, 0.8);
const again = vector(0.55, 0.1, 0.8);

t.test('a face like one that is not Ada is not Ada, and nobody else by that', async (t) => {
  t.equal(identify(again, household, thresholds).person, 'ada', 'before');
  const barred = identify(again, galleryOf(double), thresholds);
  t.match(barred, { person: null, state: 'unclear', best: 'ada', runnerUp: 'ben' });
  t.match(barred.reason, { kind: 'nearer-to-negative', best: 'ada' });
  const second = vector(0.6, 0.55, 0.58);
  t.equal(identify(second, household, thresholds).state, 'ambiguous');
  t.match(identify(second, galleryOf(second), thresholds), { person: null, state: 'unclear', best: 'ada' });
});

t.test('it bars near that face only, and never what is nearer to Ada', async (t) => {
  const gallery = galleryOf(double);
  t.equal(identify(vector(0.95, 0, 0.2), gallery, thresholds).person, 'ada');
  t.equal(identify(vector(0.7, 0, 0, 0.7), gallery, thresholds).person, 'ada');
  t.equal(identify(vector(0, 0.9, 0.3), gallery, thresholds).person, 'ben', 'nor anybody but Ada');
  const score = 0.5;
  const at = (near: number) =>
    negativeTemplateOf(vector(0, 0, near), { negativeTemplates: [{ id: 7, vector: vector(0, 0, 1) }] }, score);
  t.equal(at(negativeFrom)?.id, 7, 'the limit itself is near');
  t.equal(at(negativeFrom - 0.01), null);
  t.equal(negativeTemplateOf(vector(1), {}, 1), null);
});

t.test('what each person needs is one thing, who they are not another', async (t) => {
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

t.test('the nearest of several rejections is told', async (t) => {
  const rejections = [vector(0, 0, 0.7), vector(0, 0, 0.9)].map((face, id) => ({ id, vector: face }));
  t.equal(negativeTemplateOf(vector(0, 0, 1), { negativeTemplates: rejections }, 0.1)?.id, 1);
});

t.test('pooled looks are compared as fairly as one', async (t) => {
  const gallery = galleryOf(double);
  t.match(identify(scattered(again, 0.7), gallery, { ...thresholds, threshold: 0.45 }), {
    state: 'unclear',
    best: 'ada',
  });
  const own = vector(0.9, 0, 0.2);
  for (const length of [1, 0.8, 0.6]) t.equal(identify(scattered(own, length), gallery, thresholds).person, 'ada');
});

t.test('a photo that is like a rejected face is named by the check', async (t) => {
  const looks = [vector(0.9, 0, 0, 0.43), vector(0.9, 0, 0, -0.2), vector(0.9, 0, 0, 0, 0.3), again];
  const templates = looks.map((one, id) => ({ id, vector: one }));
  const ada: Person = { id: 'ada', name: 'Ada', templates, negativeTemplates: [{ id: 9, vector: double }] };
  t.match(checkGallery({ ...household, people: [ada] }, thresholds), [
    { kind: 'rejected', person: 'ada', template: 3, correction: 9, other: null },
  ]);
});
