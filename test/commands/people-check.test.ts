import t from 'tap';
import { madeUpTemplate, madeUpVector, openTestStore } from '../sharing/household.js';
import { at, errors, json, roomkin } from './place.js';

t.setTimeout(60_000);
const space = 'mobilefacenet-192';

t.test('people --check lists photos that cause errors, in 80 columns', async (t) => {
  {
    using store = openTestStore(at('store'));
    const near = (who: string, photo: string): Float32Array => {
      const noise = madeUpVector(photo);
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
    t.match((await roomkin('people', '--check')).stdout, /^6 photos of 2 people: no problem found$/m);
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
    /^- Photo \d+ of Ben \(\d{4}-\d\d-\d\d, eyes 60 px\) could be taken for Ada \(similarity 0\.\d\d\)/m,
  );
  t.ok(
    stdout.split('\n').every((line) => line.length <= 80),
    stdout,
  );
  t.match(stdout, /revert.*^Ada: threshold 0\.\d\d, reached by 3 of 3 own photos .*^ {2}unknown .*^ {2}own {4}/ms);
  const named = /^ {2}roomkin people --disable ([\d ]+)$/m.exec(stdout)?.[1]?.split(' ') ?? [];
  t.same(
    named,
    document.faults.map(({ template }: { template: number }) => String(template)),
  );

  const disabled = await json('people', '--disable', ...named);
  t.match(disabled, { code: 0, document: { setAside: true, photos: [{ person: 'ben', name: 'Ben' }, {}] } });
  t.match((await roomkin('people', '--check')).stdout, /^6 photos of 2 people: no problem found$/m);
  t.match((await json('people')).document.people[1], { person: 'ben', templates: 3, usable: 3, setAside: 2 });
  t.match((await roomkin('people')).stdout, /^Ben \(ben\) +3 photos, 2 disabled, since/m);
  const shown = await roomkin('show', 'ben');
  t.match(shown.stdout, /3 photos in use, 2 disabled:/);
  t.equal(shown.stdout.replaceAll(/\n +(?=\D)/g, ' ').match(/disabled \d{4}-\d\d-\d\d/g)?.length, 2, shown.stdout);
  t.ok(shown.stdout.split('\n').every((line) => line.length <= 80));
  const { templates } = (await json('show', 'ben')).document;
  t.equal(templates.filter(({ setAside }: { setAside: string | null }) => setAside !== null).length, 2);
  const enabled = await roomkin('people', '--enable', ...named);
  t.match(enabled.stdout, /^Ben: photos \d+, \d+ enabled, 5 in use$/m);
  t.equal((await json('people', '--check')).document.faults.length, 2);
});

t.test('the old names of --disable and --enable still work and are not in the help', async (t) => {
  const { document } = await json('people', '--check');
  const id = String(document.faults[0].template);
  t.match((await json('people', '--set-aside', id)).document, { setAside: true });
  t.match((await json('people', '--put-back', id)).document, { setAside: false });
  t.notMatch((await roomkin('help', 'people')).stdout, /set-aside|put-back/);
});

t.test('a photo that cannot be disabled is an error that says what to do, and changes nothing', async (t) => {
  const before = (await json('people')).document;
  const cases: [string[], number, RegExp][] = [
    [['--disable'], 64, /an ID is needed/],
    [['--disable', 'Ada'], 64, /Ada is not the number of a photo/],
    [['--disable', '--enable', '1'], 64, /cannot be combined/],
    [['--disable', '1', '999'], 65, /PHOTO_UNKNOWN: there is no photo 999: .*--check/],
    [['--enable', '999'], 65, /PHOTO_UNKNOWN/],
    [['--disable', '1', '2', '3'], 65, /PHOTO_NEEDED: .*forget "Ada"/],
  ];
  for (const [args, code, line] of cases) {
    const result = await roomkin('people', ...args);
    t.equal(result.code, code, args.join(' '));
    t.match(errors(result), [line]);
  }
  t.same((await json('people')).document, before);
});
