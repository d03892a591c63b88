import t from 'tap';
import { checkGallery } from '../../src/gallery/check.js';
import type { Gallery, Person } from '../../src/gallery/person.js';
import { vector } from '../helpers/people.js';

const single = { threshold: 0.53, margin: 0.06 };

function person(id: string, firstTemplate: number, ...photos: Float32Array[]): Person {
  return { id, name: id, templates: photos.map((photo, n) => ({ id: firstTemplate + n, vector: photo })) };
}

const gallery = (...people: Person[]): Gallery => ({ space: 'test', version: 1, people, cohort: [] });

/** Three photos of one person with a similarity of about 0.8 to each other. */
const ada = [vector(0.9, 0, 0.43), vector(0.9, 0, -0.2), vector(0.9, 0, 0, 0.3)];
const ben = [vector(0, 0.9, 0, 0, 0.43), vector(0, 0.9, 0, 0, -0.2), vector(0, 0.9, 0, 0, 0, 0.3)];

t.test('different people whose photos agree have no faults', async (t) => {
  t.strictSame(checkGallery(gallery(person('ada', 1, ...ada), person('ben', 11, ...ben)), single), []);
});

t.test('a duplicate photo of one person or of two is a fault', async (t) => {
  const again = gallery(person('ada', 1, ...ada, ada[0]!), person('ben', 11, ...ben, ada[1]!));
  t.match(checkGallery(again, single), [
    { kind: 'twice', person: 'ada', template: 4, other: 'ada' },
    { kind: 'twice', person: 'ben', template: 14, other: 'ada' },
  ]);
});

t.test('a photo that resembles nobody is unlike its person', async (t) => {
  const faults = checkGallery(
    gallery(person('ada', 1, ...ada, vector(0, 0, 0, 0, 0, 0, 1)), person('ben', 11, ...ben)),
    single,
  );
  t.match(faults, [{ kind: 'unlike', person: 'ada', template: 4, other: null }]);
  t.ok(faults[0]!.similarity < 0.35);
});

t.test('a photo that is closer to somebody else is confusable', async (t) => {
  const wrong = vector(0.1, 0.85, 0, 0, 0.1, 0.1);
  const faults = checkGallery(gallery(person('ada', 1, ...ada, wrong), person('ben', 11, ...ben)), single);
  t.match(faults, [{ kind: 'confusable', person: 'ada', template: 4, other: 'ben' }]);
});

t.test('the only photo of a person is compared with the other people only', async (t) => {
  const faults = checkGallery(gallery(person('ada', 1, ...ada), person('bea', 11, vector(0.7, 0.7))), single);
  t.match(faults, [{ kind: 'confusable', person: 'bea', template: 11, other: 'ada' }]);
});

t.test('a photo is confusable if another person is nearer than its own by less than the margin', async (t) => {
  const faultsOf = (photo: Float32Array) =>
    checkGallery(gallery(person('ada', 1, vector(1), photo), person('ben', 11, vector(0, 1))), single);
  t.match(faultsOf(vector(0.7, 0.66)), [{ kind: 'confusable', person: 'ada', template: 2, other: 'ben' }]);
  t.strictSame(faultsOf(vector(0.75, 0.65)), []);
});
