import fc from 'fast-check';
import t from 'tap';
import { identify } from '../../src/gallery/identify.js';
import type { Gallery, Person } from '../../src/gallery/person.js';
import { personSimilarity } from '../../src/gallery/similarity.js';
import { mayBecomeNegative, mayBecomeTemplate } from '../../src/journal/corrections.js';
import { defaultRoomOptions } from '../../src/room/options.js';
import { vector } from '../helpers/people.js';

const { single: thresholds } = defaultRoomOptions;
const seen = (embedding: Float32Array | null, weight = 0.9) => ({ embedding, weight });

function personOf(id: string, ...photos: Float32Array[]): Person {
  const name = id.charAt(0).toUpperCase() + id.slice(1);
  return { id, name, templates: photos.map((one, n) => ({ id: n + 1, vector: one })) };
}

const gallery = (...people: Person[]): Gallery => ({ space: 'test', version: 1, people, cohort: [] });

/** A photo: nothing on the last axis, where `vector` puts what is left of a look. */
function photo(...values: number[]): Float32Array {
  const length = Math.hypot(...values);
  return Float32Array.from({ length: 8 }, (_, axis) => (values[axis] ?? 0) / length);
}

/** Three photos around axis 0, about 0.9 like each other. */
const ada = personOf('ada', photo(0.9, 0, 0.4), photo(0.9, 0, -0.2), photo(0.9, 0, 0, 0.3));
const ben = personOf('ben', photo(0, 1));

const refused = (result: object): string => ('refused' in result ? String(result.refused) : '');

t.test('who is not Ada may be said not to be Ada', async (t) => {
  const double = vector(0.6, 0, 0, 0, 0.75);
  t.equal(identify(double, gallery(ada), thresholds).person, 'ada', 'named so before');
  t.match(mayBecomeNegative(seen(double), ada), { embedding: double, known: false });
  const once = { ...ada, negativeTemplates: [{ id: 1, vector: double }] };
  t.match(mayBecomeNegative(seen(double), once), { known: true }, 'twice is harmless');
});

t.test("Ada's own face cannot be taken from her", async (t) => {
  t.match(
    refused(mayBecomeNegative(seen(vector(0.95, 0, 0.1)), ada)),
    /0\.\d\d like Ada and photos? [\d, ]+ so Ada would lose the name too: .*people --check/,
  );
  const between = vector(0.62, 0, 0.75);
  const scattered = personOf('ada', photo(0.8, 0, 0.6), photo(0.8, 0, -0.6), photo(0.8, 0.6));
  t.ok(personSimilarity(between, scattered)! < 0.7, 'not too like all of them together');
  t.match(refused(mayBecomeNegative(seen(between), scattered)), /and photo 1, so/);
  t.match(refused(mayBecomeNegative(seen(vector(0.8)), personOf('ada', photo(1)))), /0\.80 like Ada and photo 1/);
  t.match(refused(mayBecomeNegative(seen(null, 0), ada)), /too poor/);
  t.match(refused(mayBecomeNegative(seen(vector(0.6)), personOf('ada'))), /no photo of this model/);
});

t.test('a look that was missed by a little is learned', async (t) => {
  const missed = vector(0.52, 0.1);
  t.equal(identify(missed, gallery(ada, ben), thresholds).person, null);
  t.match(mayBecomeTemplate(seen(missed), ada, gallery(ada, ben), thresholds), { embedding: missed, known: false });
  t.match(mayBecomeTemplate(seen(ada.templates[0]!.vector), ada, gallery(ada, ben), thresholds), { known: true });
});

t.test('a poor, far, doubtful or rejected look is not, and why is said', async (t) => {
  const house = gallery(ada, ben);
  const why = (embedding: Float32Array | null, weight?: number, person = ada, of = house) =>
    refused(mayBecomeTemplate(seen(embedding, weight), person, of, thresholds));
  t.match(why(vector(0.6), 0.4), /counts 0\.40, 0\.50 needed: choose one/);
  t.match(why(null, 0), /counts 0\.00/);
  t.match(why(vector(0.45)), /similarity 0\.4\d, 0\.48 needed; enrol photos instead: roomkin enrol "Ada" --photos/);
  t.match(why(vector(0.5, 0.7)), /nearer to Ben \(0\.\d\d\)/);
  t.match(why(vector(0.58, 0.56)), /Ada and Ben are 0\.0\d apart, 0\.06 needed/);
  const rejecting = { ...ada, negativeTemplates: [{ id: 5, vector: vector(0.6, 0, 0, 0, 0.75) }] };
  t.match(why(vector(0.58, 0, 0, 0, 0.78), 0.9, rejecting, gallery(rejecting, ben)), /correct --undo 5 first/);
  const strangers = [vector(0.6, 0, 0, 0, 0.75)];
  t.match(
    why(vector(0.58, 0, 0, 0, 0.78), 0.9, ada, { ...house, cohort: strangers }),
    /closer to a face given as unknown/,
  );
});

t.test('who was said not to be it does not compete for it', async (t) => {
  const face = vector(0.6, 0.55, 0, 0, 0, 0.4);
  t.match(refused(mayBecomeTemplate(seen(face), ben, gallery(ada, ben), thresholds)), /nearer to Ada/);
  const rejecting = { ...ada, negativeTemplates: [{ id: 1, vector: face }] };
  t.match(mayBecomeTemplate(seen(face), ben, gallery(rejecting, ben), thresholds), { known: false });
});

t.test('never more looks of the camera than photos', async (t) => {
  const learned = (count: number): Person => ({
    ...ada,
    templates: [
      ...ada.templates,
      ...Array.from({ length: count }, (_, n) => ({
        id: 10 + n,
        vector: vector(0.7, 0, 0, n / 10),
        corrected: true as const,
      })),
    ],
  });
  const one = seen(vector(0.6, 0, 0, 0, 0.5));
  t.match(mayBecomeTemplate(one, learned(2), gallery(learned(2)), thresholds), { known: false });
  t.match(
    refused(mayBecomeTemplate(one, learned(3), gallery(learned(3)), thresholds)),
    /3 observations of the camera for 3 photos/,
  );
  const many = personOf('ada', ...Array.from({ length: 40 }, (_, n) => photo(0.9, 0, n / 100)));
  t.match(refused(mayBecomeTemplate(one, many, gallery(many), thresholds)), /40 templates, the most there can be/);
});

t.test('no chain of corrections leads from Ada to a stranger', async (t) => {
  // Looks between Ada and a stranger at a right angle, in any order; each that is granted is learned before the next.
  const degrees = fc.integer({ min: 0, max: 90 });
  const aside = fc.integer({ min: -40, max: 40 });
  const photos = personOf('ada', ...Array.from({ length: 10 }, (_, n) => photo(0.92, 0, 0, (n - 5) / 20)));
  const stranger = seen(vector(0.2, 0.95));
  let learned = 0;
  fc.assert(
    fc.property(fc.array(fc.tuple(degrees, aside), { minLength: 20, maxLength: 60 }), (steps) => {
      let person = photos;
      for (const [towards, more] of steps) {
        const radians = (towards * Math.PI) / 180;
        const look = photo(Math.cos(radians), Math.sin(radians), 0, 0, 0, more / 100);
        const result = mayBecomeTemplate(seen(look), person, gallery(person), thresholds);
        if ('refused' in result || result.known) continue;
        if (personSimilarity(look, photos)! < thresholds.threshold - 0.05) return false;
        learned++;
        const template = { id: 1000 + learned, vector: look, corrected: true as const };
        person = { ...person, templates: [...person.templates, template] };
      }
      return refused(mayBecomeTemplate(stranger, person, gallery(person), thresholds)) !== '';
    }),
    { numRuns: 300 },
  );
  t.ok(learned > 1000, `${learned} looks were learned on the way`);
});
