import { writeFileSync } from 'node:fs';
import t from 'tap';
import { readCohort, readManifest } from '../../src/engine/manifest.js';
import { runVerb } from '../helpers/cli.js';
import { madeUpTemplate, madeUpVector, openTestStore } from '../sharing/household.js';
import { at, json, roomkin } from './place.js';

t.setTimeout(120_000);
const space = 'mobilefacenet-192';

const { vectors } = readCohort(readManifest(), space);

/** `count` photos of an artificial person whose embedding lies between two of the cohort, as that of a real person does. */
function enrol(name: string, count: number): void {
  using store = openTestStore(at('store'));
  const [a, b] = [vectors[name.length]!, vectors[2 * name.length]!];
  const who = a.map((value, n) => 0.7 * (value + b[n]!));
  store.change((changes) => {
    const id = changes.person(name);
    for (let i = 0; i < count; i++) {
      const noise = madeUpVector(`${name}/${i}`);
      const mixed = who.map((value, n) => value + 0.4 * noise[n]!);
      const length = Math.hypot(...mixed);
      changes.addTemplate(id, {
        ...madeUpTemplate(`${name}/${i}`),
        space,
        vector: mixed.map((value) => value / length),
      });
    }
  });
}

t.test('with an empty gallery it says what to do', async (t) => {
  openTestStore(at('store')).close();
  const { code, stdout } = await roomkin('calibrate');
  t.equal(code, 0);
  t.match(stdout, /^Nobody is enrolled: roomkin enrol NAME --photos PATH/);
});

t.test('each person with thresholds, expected FNIR and closest person, within 80 columns', async (t) => {
  enrol('Ada', 5);
  enrol('Bartholomew Montgomery the Third', 1);
  const { code, stdout, stderr } = await roomkin('calibrate');
  t.equal(code, 0, stderr);
  const lines = stdout.trimEnd().split('\n');
  t.match(lines[0], /^Budget: 1 wrong name a month, with 20 unknown people a day\.$/);
  t.match(lines[1], /^Compared with 1500 faces of unknown people\.$/);
  t.ok(
    lines.every((line) => [...line].length <= 80),
    stdout,
  );
  t.match(stdout, /^Ada +5 +0\.\d\d +0\.\d\d +\d+\.\d \/ \d+\.\d % +-?0\.\d\d Bartholomew/m);
  t.match(stdout, /^Bartholomew Montg… +1 +0\.\d\d +0\.\d\d +~\d+\.\d \/ \d+\.\d %/m);
  t.match(stdout.replaceAll('\n  ', ' '), /^- Bartholomew Montgomery the Third has one photo/m);
});

t.test('the distributions of own photos and unknown faces follow the text', async (t) => {
  const before = { ...process.env };
  t.teardown(() => {
    process.env = before;
  });
  Object.assign(process.env, { LC_ALL: 'C.UTF-8', TERM: 'xterm', NO_COLOR: '1' });
  const blocks = (await roomkin('calibrate')).stdout;
  t.match(
    blocks.replaceAll(/\s+/g, ' '),
    /Ada: threshold 0\.\d\d, reached by 5 of 5 own photos \(0\.\d\d to \d\.\d\d\) and by \d of 1500 unknown faces/,
  );
  t.match(blocks, /^ {2}unknown [ ▁▂▃▄▅▆▇█]*█[ ▁▂▃▄▅▆▇█]*│[ ▁▂▃▄▅▆▇█]*\n {2}own +│ *[▁▂▃▄▅▆▇█]/m);
  t.match(blocks.replaceAll(/\s+/g, ' '), /Third: threshold .*one photo has no other to be compared with/);
  t.notMatch(blocks, /\u001b/);
  t.ok(blocks.indexOf('FNIR:') < blocks.indexOf('own photos'), 'text first');
  process.env['TERM'] = 'dumb';
  const ascii = (await roomkin('calibrate')).stdout;
  t.match(ascii, /^ {2}unknown [ .:=+*#%@-]*@[ .:=+*#%@-]*\|[ .:=+*#%@-]*\n {2}own +\| *[.:=+*#%@-]/m);
  t.notMatch(ascii, /[│▁▂▃▄▅▆▇█]/);
});

t.test('the same as JSON', async (t) => {
  const { code, document } = await json('calibrate');
  t.equal(code, 0);
  t.match(document, {
    space,
    budget: { wrongNamesPerMonth: 1, strangersPerDay: 20 },
    cohort: { shipped: 1500, own: 0 },
    single: { threshold: 0.53, margin: 0.06 },
    people: [
      { person: 'ada', templates: 5, fnir: { own: true } },
      { templates: 1, fnir: { own: false } },
    ],
    closestPair: { people: ['ada', 'bartholomew-montgomery-the-third'] },
    scores: [{ person: 'ada' }, { name: 'Bartholomew Montgomery the Third' }],
  });
  const [ada] = document.people;
  t.ok(Math.abs(ada.adjustment.threshold) <= 0.1 && ada.single !== 0.53);
  t.equal(ada.single, 0.53 + ada.adjustment.threshold);
  const [{ threshold, own, unknown }] = document.scores;
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  t.equal(threshold, ada.single);
  t.equal(sum(own.above), 5);
  t.equal(sum(unknown.below) + sum(unknown.above), 1500);
  t.ok([...own.above, ...unknown.below].every(Number.isInteger), 'counts, no similarity of a face');
});

t.test('the configured budget changes the thresholds; a configured threshold is used as it is', async (t) => {
  const single = async (recognition: string): Promise<number> => {
    const text = `[room]\nid = "office"\n[store]\ndirectory = "${at('store')}"\n[recognition]\n${recognition}\n`;
    writeFileSync(at('other.toml'), text);
    const { stdout } = await runVerb(['calibrate', '--json', '--config', at('other.toml')]);
    return JSON.parse(stdout).people[0].single;
  };
  const usual = await single('');
  t.ok((await single('wrong_names_per_month = 0.05')) > usual + 0.02);
  t.ok((await single('strangers_per_day = 500')) > usual + 0.02);
  t.equal(await single('threshold = 0.5'), 0.5);
});

t.test('it takes no arguments', async (t) => {
  t.equal((await roomkin('calibrate', 'ada')).code, 64);
});
