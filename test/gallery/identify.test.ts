import t from 'tap';
import { identify, identifyFace, type Thresholds } from '../../src/gallery/identify.js';
import { reasonText } from '../../src/gallery/reason-text.js';
import { centre, personSimilarity, similarity } from '../../src/gallery/similarity.js';
import { assignNames } from '../../src/recognition/decide.js';
import { defaultOptions } from '../../src/recognition/options.js';
import { household, person, vector } from '../helpers/people.js';
import { face } from '../room/simulator.js';

const names = new Map(household.people.map(({ id, name }) => [id, name]));
const thresholds: Thresholds = { threshold: 0.5, margin: 0.1, strangerBelow: 0.3 };

t.test('a name needs the threshold and the margin', async (t) => {
  const known = identify(vector(0.7, 0.2), household, thresholds);
  t.match(known, { person: 'ada', state: 'known', best: 'ada', runnerUp: 'ben' });
  t.match(known.reason, { kind: 'match', best: 'ada', needed: 0.5, margin: { needed: 0.1 } });
  t.equal(reasonText(known.reason, names), 'similarity 0.70 reaches 0.50, margin 0.50 reaches 0.10');
  const close = identify(vector(0.6, 0.55), household, thresholds);
  t.match(close, { person: null, state: 'ambiguous', best: 'ada', runnerUp: 'ben' });
  t.match(close.reason, { kind: 'too-close', best: 'ada', second: 'ben', needed: 0.1 });
  t.match(identify(vector(0.45, 0.1), household, thresholds), {
    person: null,
    state: 'unclear',
    reason: { kind: 'below-threshold', best: 'ada', needed: 0.5 },
  });
  t.match(identify(vector(0.2, 0.1), household, thresholds), { person: null, state: 'stranger' });
});

t.test('values equal to the threshold and the margin are enough', async (t) => {
  const exact = { threshold: 0.5, margin: 0.25, strangerBelow: 0.3 };
  t.equal(identify(vector(0.5, 0.25), household, exact).person, 'ada');
});

t.test('an empty gallery, one person, and people without templates', async (t) => {
  const nobody = { ...household, people: [] };
  t.match(identify(vector(1), nobody, thresholds), { person: null, state: 'stranger', similarity: null, second: null });
  const alone = { ...household, people: [person('ada', 0)] };
  t.match(identify(vector(0.7), alone, thresholds), { person: 'ada', second: null, margin: null });
  const bare = { ...household, people: [person('ada', 0), { id: 'ben', name: 'Ben', templates: [] }] };
  t.match(identify(vector(0.7), bare, thresholds), { person: 'ada', runnerUp: null, margin: null });
  const empty = { ...household, people: [{ id: 'ben', name: 'Ben', templates: [] }] };
  t.match(identify(vector(0.7), empty, thresholds), { person: null, state: 'stranger' });
});

t.test('a face closer to the cohort than to a person is a stranger', async (t) => {
  const strangers = [vector(0.6, 0, 0.7)];
  t.match(identify(vector(0.6, 0, 0.7), { ...household, cohort: strangers }, thresholds), {
    person: null,
    state: 'stranger',
  });
  t.match(identify(vector(0.95), { ...household, cohort: strangers }, thresholds), { person: 'ada' });
});

t.test('an embedding of another length throws', async (t) => {
  t.throws(() => identify(new Float32Array(4), household, thresholds), RangeError);
  t.throws(() => similarity(new Float32Array(4), new Float32Array(5)), RangeError);
});

t.test('two faces of a frame never share a name, and the closer one gets it', async (t) => {
  const faces = [vector(0.6), vector(0.9), vector(0, 0.8), vector(0.7)];
  const named = assignNames(faces.map((face) => identify(face, household, thresholds)));
  t.strictSame(
    named.map(({ person, state }) => [person, state]),
    [
      [null, 'ambiguous'],
      ['ada', 'known'],
      ['ben', 'known'],
      [null, 'ambiguous'],
    ],
  );
  t.strictSame(named[0]!.reason, { kind: 'name-given-elsewhere', best: 'ada' });
});

t.test('of two equally close faces the first gets the name', async (t) => {
  const named = assignNames([vector(0.7), vector(0.7)].map((face) => identify(face, household, thresholds)));
  t.strictSame(
    named.map(({ person }) => person),
    ['ada', null],
  );
});

t.test('an observation that is too poor is unclear and has a reason', async (t) => {
  const small = identifyFace(face([0, 0, 20, 20], vector(0.9)), household, defaultOptions);
  t.match(small, {
    person: null,
    state: 'unclear',
    reason: { kind: 'too-small', eyesPx: 8, neededPx: 12 },
    similarity: null,
  });
  const bare = identifyFace(face([0, 0, 90, 90], null), household, defaultOptions);
  t.match(bare, { person: null, state: 'unclear', reason: { kind: 'not-embedded' } });
  t.equal(identifyFace(face([0, 0, 90, 90], vector(0.9)), household, defaultOptions).person, 'ada');
});

t.test('a person is the centre of the templates, which is shorter if they scatter', async (t) => {
  const length = (v: Float32Array | null) => Math.hypot(...v!);
  t.equal(centre([]), null);
  t.equal(centre([vector(1), vector(-1)]), null, 'templates that cancel out have no centre');
  t.ok(Math.abs(length(centre([vector(1), vector(1)])) - 1) < 1e-6);
  t.ok(Math.abs(length(centre([vector(1), vector(0, 1)])) - Math.SQRT1_2 ** 0.3) < 1e-6);
  const scattered = {
    ...person('ada', 0),
    templates: [vector(0.8, 0.6), vector(0.8, -0.6)].map((v, id) => ({ id, vector: v })),
  };
  const score = personSimilarity(vector(1), scattered)!;
  t.ok(Math.abs(score - 0.8 ** 0.3) < 1e-5, `${score} is the direction's similarity times 0.8 ** 0.3`);
});

t.test('a similarity of exactly a limit is not below it', async (t) => {
  const exact = { threshold: 0.5, margin: 0.25, strangerBelow: 0.25 };
  t.equal(identify(vector(0.25), household, exact).state, 'unclear');
  t.equal(identify(vector(0.75), { ...household, cohort: [vector(0, 0, 0.5)] }, exact).state, 'known');
  const asNear = { ...household, cohort: [vector(0, 0, 0.5), person('ada', 0).templates[0]!.vector] };
  t.equal(
    identify(vector(0.75), asNear, exact).reason.kind,
    'nearer-to-cohort',
    'as near to the nearest of the cohort',
  );
});

t.test('the margin is the lead over the second person, whatever was decided', async (t) => {
  const {
    margin,
    similarity: best,
    second,
  } = identify(vector(0.5, 0.25), household, { threshold: 0.6, margin: 0.1, strangerBelow: 0.3 });
  t.strictSame([margin, best, second], [0.25, 0.5, 0.25]);
});
