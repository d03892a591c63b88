import t from 'tap';
import { madeUpTemplate, madeUpVector, openTestStore } from '../store/household.js';
import { at, json, roomkin } from './place.js';

t.setTimeout(60_000);
const space = 'mobilefacenet-192';

t.test('people --check names photos that do harm, in 80 columns', async (t) => {
  {
    using store = openTestStore(at('store'));
    const near = (who: string, look: string): Float32Array => {
      const noise = madeUpVector(look);
      const mixed = madeUpVector(who).map((value, n) => value + 0.4 * noise[n]!);
      const length = Math.hypot(...mixed);
      return mixed.map((value) => value / length);
    };
    store.change((changes) => {
      const add = (id: string, source: string, vector: Float32Array): void =>
        void changes.addTemplate(id, { ...madeUpTemplate(source), space, vector });
      for (const name of ['Ada', 'Ben']) {
        const id = changes.person(name);
        for (const n of [1, 2, 3]) add(id, `${name}${n}`, near(name, `${name}${n}`));
      }
    });
    t.match((await roomkin('people', '--check')).stdout, /^6 photos of 2 people: nothing wrong$/m);
    store.change((changes) => {
      const ben = changes.person('Ben');
      changes.addTemplate(ben, { ...madeUpTemplate('swapped'), space, vector: near('Ada', 'another') });
      changes.addTemplate(ben, { ...madeUpTemplate('nobody'), space });
    });
  }
  const { document, code } = await json('people', '--check');
  t.equal(code, 0);
  t.match(document, {
    people: 2,
    photos: 8,
    faults: [{ kind: 'confusable', person: 'ben', other: 'ada' }, { kind: 'unlike' }],
  });
  const { stdout } = await roomkin('people', '--check');
  t.match(
    stdout.replaceAll('\n  ', ' '),
    /^- Photo \d+ of Ben \(\d{4}-\d\d-\d\d, eyes 60 px\) could be taken for Ada \(0\.\d\d\)/m,
  );
  t.ok(
    stdout.split('\n').every((line) => line.length <= 80),
    stdout,
  );
});
