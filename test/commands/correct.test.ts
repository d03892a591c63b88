import { appendFileSync } from 'node:fs';
import t from 'tap';
import { openJournalStore } from '../../src/journal/store.js';
import { runVerb } from '../helpers/cli.js';
import { madeUpEntry } from '../journal/made-up-observations.js';
import { madeUpTemplate, mixed, openTestStore } from '../sharing/household.js';
import { at, errors, json, roomkin, writeConfig } from './place.js';

t.setTimeout(120_000);
const space = 'mobilefacenet-192';

const observations = {
  /** An unknown person who is taken for Ada. */
  stranger: { embedding: mixed({ Ada: 0.62, stranger: 0.75 }) },
  missed: { embedding: mixed({ Ada: 0.52, 'bad light': 0.85 }) },
  own: { embedding: mixed({ Ada: 0.95, today: 0.2 }) },
  far: { embedding: mixed({ Ada: 0.2, somebody: 0.9 }) },
  poor: { embedding: mixed({ Ada: 0.7, dim: 0.7 }), weight: 0.2 },
  bens: { embedding: mixed({ Ada: 0.6, Ben: 0.55, evening: 0.6 }) },
  /** A face that is no evidence for an unknown person, for its detector score alone. */
  doubtful: { embedding: mixed({ Ada: 0.55, evening: 0.85 }), weight: 0.45, score: 0.72 },
  faceless: { embedding: null, weight: 0 },
  ofAnotherModel: { space: 'another-space' },
};
const id = {} as Record<keyof typeof observations, string>;
{
  using store = openTestStore(at('store'));
  store.change((changes) => {
    for (const name of ['Ada', 'Ben']) {
      const person = changes.person(name);
      for (const n of [1, 2, 3]) {
        const vector = mixed({ [name]: 1, [`${name}${n}`]: 0.4 });
        changes.addTemplate(person, { ...madeUpTemplate(`${name}${n}`), space, vector });
      }
    }
  });
  using journal = openJournalStore({ directory: at('store'), keyFile: at('store', 'key') });
  const names = Object.keys(observations) as (keyof typeof observations)[];
  const ids = journal.append(
    names.map((name) => madeUpEntry({ space, wallMs: Date.now(), weight: 0.9, ...observations[name] })),
  );
  names.forEach((name, n) => {
    id[name] = String(ids[n]);
  });
}

const fits = (t: { ok(value: boolean, text: string): boolean }, text: string): void =>
  void t.ok(
    text.split('\n').every((line) => line.length <= 80),
    text,
  );

t.test('an observation that is not Ada is stored, listed and reverted', async (t) => {
  const result = await roomkin('correct', id.stranger, '--not', 'ada');
  t.equal(result.code, 0, result.stderr);
  t.match(result.stdout, /^Observation 1 is not Ada: .*\n {2}roomkin correct --undo 1 reverts this$/m);
  fits(t, result.stdout);
  t.match((await roomkin('correct', id.stranger, '--not', 'Ada')).stdout, /known already, nothing changed/);
  t.match((await json('correct', '--list')).document, {
    corrections: [{ id: 1, person: 'ada', name: 'Ada', said: 'not', template: null }],
  });
  const listed = (await roomkin('correct', '--list')).stdout;
  t.match(listed, /^ {2}1 {2}\d{4}-\d\d-\d\d \d\d:\d\d {2}an observation that is not Ada$/m);
  fits(t, listed);
  t.match(
    (await roomkin('show', 'Ada')).stdout,
    /^Corrections: 0 with --is Ada, 1 with --not Ada; see roomkin correct --list$/m,
  );
  {
    using store = openTestStore(at('store'));
    t.equal(store.gallery(space).people[0]?.negativeTemplates?.length, 1);
  }
  t.match((await json('correct', '--undo', '1')).document, { undone: { id: 1, name: 'Ada', said: 'not' } });
  t.match((await roomkin('correct', '--list')).stdout, /^There is no correction: roomkin why/);
  t.match(errors(await roomkin('correct', '--undo', '1')), [/CORRECTION_UNKNOWN: .*--list/]);
});

t.test('an observation that is Ada becomes a template once, and is reverted', async (t) => {
  const result = await json('correct', id.missed, '--is', 'Ada');
  t.match(result, { code: 0, document: { look: Number(id.missed), not: null, is: { person: 'ada', name: 'Ada' } } });
  t.match((await json('correct', id.missed, '--is', 'Ada')).document.is, { correction: null });
  const { templates, corrections } = (await json('show', 'Ada')).document;
  t.same(
    templates.map(({ correction }: { correction: number | null }) => correction !== null),
    [false, false, false, true],
  );
  t.same(corrections, { is: 1, not: 0 });
  const shown = (await roomkin('show', 'Ada')).stdout;
  t.match(shown, /from the camera \(correction \d+\)/);
  fits(t, shown);
  t.equal((await json('correct', '--undo', String(result.document.is.correction))).code, 0);
  t.equal((await json('show', 'Ada')).document.templates.length, 3);
});

t.test('what is only no evidence for an unknown person can be Ada', async (t) => {
  const result = await json('correct', id.doubtful, '--is', 'Ada');
  t.equal(result.code, 0);
  t.equal((await json('correct', '--undo', String(result.document.is.correction))).code, 0);
});

t.test('not Ada but Ben: both at once or neither', async (t) => {
  t.match(errors(await roomkin('correct', id.bens, '--is', 'Ben')), [/CORRECTION_REFUSED: .*closer to Ada/]);
  t.match(errors(await roomkin('correct', id.far, '--not', 'Ada', '--is', 'Ben')), [/CORRECTION_REFUSED/]);
  t.same((await json('correct', '--list')).document, { corrections: [] });
  const both = (await json('correct', id.bens, '--not', 'Ada', '--is', 'Ben')).document;
  t.match(both, { not: { name: 'Ada' }, is: { name: 'Ben' } });
  const listed = (await json('correct', '--list')).document.corrections;
  t.same(
    listed.map(({ person, said }: { person: string; said: string }) => [person, said]),
    [
      ['ada', 'not'],
      ['ben', 'is'],
    ],
  );
  for (const { id } of listed) t.equal((await roomkin('correct', '--undo', String(id))).code, 0);
});

t.test(
  'a correction that would cause errors or makes no sense is refused, and the message says what to do',
  async (t) => {
    const cases: [string[], number, RegExp][] = [
      [[], 64, /the ID of one observation is needed/],
      [[id.own], 64, /add --not NAME, --is NAME or both/],
      [['Ada', '--not', 'Ada'], 64, /ID must be a number: Ada is not the number of an observation/],
      [[id.own, '--list'], 64, /cannot be combined/],
      [['--undo', 'x'], 64, /--undo N must be a number/],
      [[id.own, '--not', 'Ada', '--is', 'ADA'], 64, /cannot be both/],
      [['999', '--not', 'Ada'], 65, /LOOK_UNKNOWN: there is no observation 999: .*for a day, roomkin why/],
      [[id.own, '--not', 'Eve'], 65, /PERSON_UNKNOWN/],
      [
        [id.own, '--not', 'Ada'],
        65,
        /CORRECTION_REFUSED: .*resembles Ada \(similarity 0\.9\d\) and photos? .*people --check/,
      ],
      [[id.far, '--is', 'Ada'], 65, /CORRECTION_REFUSED: .*similarity 0\.\d\d, 0\.\d\d needed; enrol photos instead/],
      [[id.poor, '--is', 'Ada'], 65, /CORRECTION_REFUSED: .*weight 0\.20, 0\.50 needed/],
      [[id.faceless, '--not', 'Ada'], 65, /CORRECTION_REFUSED: .*too poor/],
      [[id.ofAnotherModel, '--is', 'Ada'], 65, /CORRECTION_REFUSED: .*another model/],
    ];
    const results = await Promise.all(cases.map(([args]) => roomkin('correct', ...args)));
    for (const [index, [args, code, line]] of cases.entries()) {
      t.equal(results[index]!.code, code, args.join(' '));
      t.match(errors(results[index]!), [line]);
      t.equal(results[index]!.stdout, '');
    }
    t.same((await json('correct', '--list')).document, { corrections: [] });
    const forgetful = writeConfig('forgetful.toml', at('store'));
    appendFileSync(forgetful, '[privacy]\nlooks_kept_hours = 0\n');
    const none = await runVerb(['correct', id.own, '--not', 'Ada', '--config', forgetful]);
    t.match(errors(none), [/LOOK_UNKNOWN: .*looks_kept_hours/]);
    const fresh = writeConfig('fresh.toml', at('fresh'));
    t.match(errors(await runVerb(['correct', '1', '--not', 'Ada', '--config', fresh])), [/PERSON_UNKNOWN/]);
  },
);
