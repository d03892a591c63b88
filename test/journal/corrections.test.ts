import fc from 'fast-check';
import t from 'tap';
import { identify } from '../../src/gallery/identify.js';
import type { Gallery, Person } from '../../src/gallery/person.js';
import { personSimilarity } from '../../src/gallery/similarity.js';
import { mayBecomeNegative, mayBecomeTemplate } from '../../src/journal/corrections.js';
import { defaultRoomOptions } from '../../src/room/options.js';
import { vector } from '../helpers/people.js';

const { single: thresholds } = defaultRoomOptions;
const observation = (embedding: Float32Array | null, weight = 0.9) => ({ embedding, weight });

function personOf(id: string, ...photos: Float32Array[]): Person {
  const name = id.charAt(0).toUpperCase() + id.slice(1);
  return { id, name, templates: photos.map((photo, n) => ({ id: n + 1, vector: photo })) };
}

const gallery = (...people: Person[]): Gallery => ({ space: 'test', version: 1, people, cohort: [] });

/** A photo: zero on the last axis, where `vector` puts the rest of an observation. */
function photo(...values: number[]): Float32Array {
  const length = Math.hypot(...values);
  return Float32Array.from({ length: 8 }, (_, axis) => (values[axis] ?? 0) / length);
}

/** Three photos around axis 0 with a similarity of about 0.9 to each other. */
const ada = personOf('ada', photo(0.9, 0, 0.4), photo(0.9, 0, -0.2), photo(0.9, 0, 0, 0.3));
const ben = personOf('ben', photo(0, 1));

function refused(result: ReturnType<typeof mayBecomeNegative>): string {
  if (!('refused' in result)) return '';
  // What leaves the machine has no similarity. Numbers of photos and corrections are allowed.
  t.notMatch(result.withoutFigures, /similarity|\d\.\d|^$/);
  return result.refused;
}

t.test('the face of somebody else may become a negative template of Ada', async (t) => {
  const double = vector(0.6, 0, 0, 0, 0.75);
  t.equal(identify(double, gallery(ada), thresholds).person, 'ada', 'named Ada before the correction');
  t.match(mayBecomeNegative(observation(double), ada), { embedding: double, known: false });
  const once = { ...ada, negativeTemplates: [{ id: 1, vector: double }] };
  t.match(mayBecomeNegative(observation(double), once), { known: true }, 'a second correction changes nothing');
});

t.test("Ada's own face cannot become a negative template of hers", async (t) => {
  t.match(
    refused(mayBecomeNegative(observation(vector(0.95, 0, 0.1)), ada)),
    /resembles Ada \(similarity 0\.\d\d\) and photos? [\d, ]+ so Ada would lose the name too: .*people --check/,
  );
  const between = vector(0.62, 0, 0.75);
  const scattered = personOf('ada', photo(0.8, 0, 0.6), photo(0.8, 0, -0.6), photo(0.8, 0.6));
  t.ok(personSimilarity(between, scattered)! < 0.7, 'below the limit for the whole person');
  t.match(refused(mayBecomeNegative(observation(between), scattered)), /and photo 1, so/);
  t.match(
    refused(mayBecomeNegative(observation(vector(0.8)), personOf('ada', photo(1)))),
    /resembles Ada \(similarity 0\.80\) and photo 1,/,
  );
  t.match(refused(mayBecomeNegative(observation(null, 0), ada)), /too poor/);
  t.match(refused(mayBecomeNegative(observation(vector(0.6)), personOf('ada'))), /no photo of this model/);
});

t.test('an observation that narrowly missed the threshold is learned', async (t) => {
  const missed = vector(0.52, 0.1);
  t.equal(identify(missed, gallery(ada, ben), thresholds).person, null);
  t.match(mayBecomeTemplate(observation(missed), ada, gallery(ada, ben), thresholds), {
    embedding: missed,
    known: false,
  });
  t.match(mayBecomeTemplate(observation(ada.templates[0]!.vector), ada, gallery(ada, ben), thresholds), {
    known: true,
  });
});

t.test('a poor, distant, ambiguous or rejected observation is refused with a reason', async (t) => {
  const household = gallery(ada, ben);
  const why = (embedding: Float32Array | null, weight?: number, person = ada, people = household) =>
    refused(mayBecomeTemplate(observation(embedding, weight), person, people, thresholds));
  t.match(why(vector(0.6), 0.4), /weight 0\.40, 0\.50 needed: choose one/);
  t.match(why(null, 0), /weight 0\.00/);
  t.match(why(vector(0.45)), /similarity 0\.4\d, 0\.48 needed; enrol photos instead: roomkin enrol "Ada" --photos/);
  t.match(why(vector(0.5, 0.7)), /closer to Ben \(0\.\d\d\)/);
  t.match(why(vector(0.58, 0.56)), /Ada and Ben are 0\.0\d apart, 0\.06 needed/);
  const rejecting = { ...ada, negativeTemplates: [{ id: 5, vector: vector(0.6, 0, 0, 0, 0.75) }] };
  t.match(why(vector(0.58, 0, 0, 0, 0.78), 0.9, rejecting, gallery(rejecting, ben)), /correct --undo 5 first/);
  const strangers = [vector(0.6, 0, 0, 0, 0.75)];
  t.match(
    why(vector(0.58, 0, 0, 0, 0.78), 0.9, ada, { ...household, cohort: strangers }),
    /closer to a face given as unknown/,
  );
});

t.test('a person with a matching negative template does not compete for the face', async (t) => {
  const face = vector(0.6, 0.55, 0, 0, 0, 0.4);
  t.match(refused(mayBecomeTemplate(observation(face), ben, gallery(ada, ben), thresholds)), /closer to Ada/);
  const rejecting = { ...ada, negativeTemplates: [{ id: 1, vector: face }] };
  t.match(mayBecomeTemplate(observation(face), ben, gallery(rejecting, ben), thresholds), { known: false });
});

t.test('a person never has more templates from the camera than photos', async (t) => {
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
  const face = observation(vector(0.6, 0, 0, 0, 0.5));
  t.match(mayBecomeTemplate(face, learned(2), gallery(learned(2)), thresholds), { known: false });
  t.match(
    refused(mayBecomeTemplate(face, learned(3), gallery(learned(3)), thresholds)),
    /3 templates from the camera and 3 photos/,
  );
  const many = personOf('ada', ...Array.from({ length: 40 }, (_, n) => photo(0.9, 0, n / 100)));
  t.match(refused(mayBecomeTemplate(face, many, gallery(many), thresholds)), /40 templates, which is the maximum/);
});

t.test('no sequence of corrections leads from Ada to a stranger', async (t) => {
  // Observations between Ada and a stranger at a right angle, in any order. Each accepted one is learned before the next.
  const degrees = fc.integer({ min: 0, max: 90 });
  const aside = fc.integer({ min: -40, max: 40 });
  const photos = personOf('ada', ...Array.from({ length: 10 }, (_, n) => photo(0.92, 0, 0, (n - 5) / 20)));
  const stranger = observation(vector(0.2, 0.95));
  let learned = 0;
  fc.assert(
    fc.property(fc.array(fc.tuple(degrees, aside), { minLength: 20, maxLength: 60 }), (steps) => {
      let person = photos;
      for (const [towards, more] of steps) {
        const radians = (towards * Math.PI) / 180;
        const face = photo(Math.cos(radians), Math.sin(radians), 0, 0, 0, more / 100);
        const result = mayBecomeTemplate(observation(face), person, gallery(person), thresholds);
        if ('refused' in result || result.known) continue;
        if (personSimilarity(face, photos)! < thresholds.threshold - 0.05) return false;
        learned++;
        const template = { id: 1000 + learned, vector: face, corrected: true as const };
        person = { ...person, templates: [...person.templates, template] };
      }
      return refused(mayBecomeTemplate(stranger, person, gallery(person), thresholds)) !== '';
    }),
    { numRuns: 300 },
  );
  t.ok(learned > 1000, `${learned} observations were learned`);
});
