import t from 'tap';
import { checkGallery } from '../../src/gallery/check.js';
import type { Gallery, Person } from '../../src/gallery/person.js';
import { vector } from '../helpers/people.js';

const look = { threshold: 0.53, margin: 0.06 };

function person(id: string, firstTemplate: number, ...looks: Float32Array[]): Person {
  return { id, name: id, templates: looks.map((each, n) => ({ id: firstTemplate + n, vector: each })) };
}

const gallery = (...people: Person[]): Gallery => ({ space: 'test', version: 1, people, cohort: [] });

/** Three photos of one person, about 0.8 from each other. */
const ada = [vector(0.9, 0, 0.43), vector(0.9, 0, -0.2), vector(0.9, 0, 0, 0.3)];
const ben = [vector(0, 0.9, 0, 0, 0.43), vector(0, 0.9, 0, 0, -0.2), vector(0, 0.9, 0, 0, 0, 0.3)];

t.test('nothing is wrong with different people whose photos agree', async (t) => {
  t.strictSame(checkGallery(gallery(person('ada', 1, ...ada), person('ben', 11, ...ben)), look), []);
});

t.test('one photo kept twice, of one person or of two', async (t) => {
  const again = gallery(person('ada', 1, ...ada, ada[0]!), person('ben', 11, ...ben, ada[1]!));
  t.match(checkGallery(again, look), [
    { kind: 'twice', person: 'ada', template: 4, other: 'ada' },
    { kind: 'twice', person: 'ben', template: 14, other: 'ada' },
  ]);
});

t.test('a photo of nobody in particular is unlike its person', async (t) => {
  const faults = checkGallery(
    gallery(person('ada', 1, ...ada, vector(0, 0, 0, 0, 0, 0, 1)), person('ben', 11, ...ben)),
    look,
  );
  t.match(faults, [{ kind: 'unlike', person: 'ada', template: 4, other: null }]);
  t.ok(faults[0]!.similarity < 0.35);
});

t.test('a photo that is nearer to somebody else makes both confusable', async (t) => {
  const wrong = vector(0.1, 0.85, 0, 0, 0.1, 0.1);
  const faults = checkGallery(gallery(person('ada', 1, ...ada, wrong), person('ben', 11, ...ben)), look);
  t.match(faults, [{ kind: 'confusable', person: 'ada', template: 4, other: 'ben' }]);
});

t.test('the only photo of somebody is held against the others alone', async (t) => {
  const faults = checkGallery(gallery(person('ada', 1, ...ada), person('bea', 11, vector(0.7, 0.7))), look);
  t.match(faults, [{ kind: 'confusable', person: 'bea', template: 11, other: 'ada' }]);
});
